//! One file of the journal: frames of length, CRC-32 and payload, then zeros.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".journal";
const FRAME_HEAD_BYTES: usize = 8;
/// No record is nearly that long.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct SegmentId(u64);

impl SegmentId {
    pub(super) const FIRST: SegmentId = SegmentId(1);

    pub(super) fn next(self) -> Self {
        SegmentId(self.0 + 1)
    }

    pub(super) fn path(self, dir: &Path) -> PathBuf {
        dir.join(format!("{:016}{SUFFIX}", self.0))
    }

    /// `None` for a file that is no segment.
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.parse().ok().map(SegmentId)
    }
}

pub(in super::super) struct Segment {
    pub(in super::super) id: SegmentId,
    file: File,
    written: u64,
    bytes: u64,
}

impl Segment {
    /// Fails if the disk has no room for `bytes`.
    pub(super) fn create(dir: &Path, id: SegmentId, bytes: u64) -> io::Result<Self> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let path = id.path(dir);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let fill = |file: &mut File| -> io::Result<()> {
            let mut left = bytes;
            while left > 0 {
                let part = left.min(ZEROS.len() as u64);
                file.write_all(&ZEROS[..part as usize])?;
                left -= part;
            }
            file.rewind()
        };
        if let Err(error) = fill(&mut file) {
            // Room for somebody else.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Segment { id, file, written: 0, bytes })
    }

    pub(super) fn room(&self) -> u64 {
        self.bytes - self.written
    }

    pub(super) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(frame) {
            // The next frame goes over what may have been written of this one.
            self.file.seek(SeekFrom::Start(self.written))?;
            return Err(error);
        }
        self.written += frame.len() as u64;
        Ok(())
    }

    pub(super) fn into_file(self) -> File {
        self.file
    }

    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// Fills `out` with one frame.
pub(super) fn frame(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    out.clear();
    out.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    encode(out);
    let (head, payload) = out.split_at_mut(FRAME_HEAD_BYTES);
    head[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    head[4..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
}

/// Payloads up to the first frame that is not whole: zeros, or what a crash cut off.
pub(super) fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let bytes = fs::read(path)?;
    let mut rest = &bytes[..];
    let mut payloads = Vec::new();
    while let Some((payload, after)) = first_frame(rest) {
        payloads.push(payload.to_vec());
        rest = after;
    }
    Ok(payloads)
}

fn first_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    if length == 0 || length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(length)?;
    (crc32fast::hash(payload) == u32::from_le_bytes(*crc)).then_some((payload, rest))
}
