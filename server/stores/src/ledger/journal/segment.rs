//! One file of the journal: frames of length, CRC-32 and payload, then zeros.
//!
//! A frame's place is taken first and written later, by whoever took it, many at once: one that was never written, or not to its
//! end, is passed over when the file is read. Writing is a store in memory where the system has it ([`Memory`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Durability;
use super::memory::Memory;

const SUFFIX: &str = ".journal";
const FRAME_HEAD_BYTES: usize = 8;
/// Of a reservation; a settlement is smaller.
const FRAME_BYTES_LIKELY: usize = 384;
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
    file: Arc<File>,
    target: Target,
    taken: u64,
    bytes: u64,
}

/// Where one frame belongs.
#[must_use = "what is not written is lost"]
pub(in super::super) struct Place {
    pub(in super::super) segment: SegmentId,
    target: Target,
    at: u64,
}

/// What frames are put into.
#[derive(Clone)]
enum Target {
    Memory(Arc<Memory>),
    File(Arc<File>),
}

impl Place {
    pub(in super::super) fn write(&self, frame: &[u8]) -> io::Result<()> {
        match &self.target {
            Target::Memory(memory) => memory.store(frame, self.at),
            Target::File(file) => write_all_at(file, frame, self.at),
        }
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        (bytes, at) = (&bytes[written..], at + written as u64);
    }
    Ok(())
}

impl Segment {
    /// Fails if the disk has no room for `bytes`.
    pub(super) fn create(dir: &Path, id: SegmentId, bytes: u64, durability: Durability) -> io::Result<Self> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        let path = id.path(dir);
        let mut options = OpenOptions::new();
        // What is mapped to be written must be readable too.
        options.read(true).write(true).create_new(true);
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
            Ok(())
        };
        if let Err(error) = fill(&mut file) {
            // Room for somebody else.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let file = Arc::new(file);
        let memory = match durability {
            Durability::Process => Memory::of(&file, bytes),
            // Who syncs waits a thousand times as long as a `write` takes, and a sync of the file is sure to take what was written.
            Durability::Power => None,
        };
        let target = match memory {
            Some(memory) => Target::Memory(Arc::new(memory)),
            None => Target::File(Arc::clone(&file)),
        };
        Ok(Segment { id, file, target, taken: 0, bytes })
    }

    pub(super) fn room(&self) -> u64 {
        self.bytes - self.taken
    }

    /// There must be room.
    pub(super) fn take(&mut self, frame_bytes: usize) -> Place {
        let at = self.taken;
        self.taken += frame_bytes as u64;
        Place { segment: self.id, target: self.target.clone(), at }
    }

    pub(super) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// With what `encode` writes as its payload.
pub(in super::super) fn frame(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_BYTES_LIKELY);
    frame.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    encode(&mut frame);
    let (head, payload) = frame.split_at_mut(FRAME_HEAD_BYTES);
    head[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    head[4..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    frame
}

/// The payloads of all whole frames, in order.
///
/// Where there is none, one may begin at the next byte: a place that was taken and not written holds zeros, or a part of its
/// frame. No text that a caller can choose passes for a frame there: lengths hold zero bytes, request ids do not.
pub(super) fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let bytes = fs::read(path)?;
    let mut rest = &bytes[..];
    let mut payloads = Vec::new();
    while !rest.is_empty() {
        rest = match first_frame(rest) {
            Some((payload, after)) => {
                payloads.push(payload.to_vec());
                after
            }
            // The lower bytes of a length may be zeros themselves.
            None => &rest[leading_zeros(rest).saturating_sub(2).max(1)..],
        };
    }
    Ok(payloads)
}

/// Most of a file is zeros, so they are counted by the block.
fn leading_zeros(bytes: &[u8]) -> usize {
    static ZEROS: [u8; 4 << 10] = [0; 4 << 10];
    let (blocks, _) = bytes.as_chunks();
    let whole = blocks.iter().take_while(|block| **block == ZEROS).count() * ZEROS.len();
    whole + bytes[whole..].iter().take_while(|byte| **byte == 0).count()
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
