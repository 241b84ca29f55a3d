//! Where a reservation becomes durable: records appended to a file, and SQLite gets them later.
//!
//! Whoever has the journal takes a place in it ([`Journal::place`]) and writes there without having it any longer: a thread that
//! loses the CPU while it writes would keep everybody else waiting.
//!
//! What is written survives the process (`kill -9`), which is what [`Durability::Process`] promises, and mostly costs no system
//! call ([`memory`]); [`Durability::Power`] also waits for the disk. Measured on a disk that needs 4 ms to sync: less than 1 µs
//! against 4 ms per reservation.
//!
//! Segments are filled with zeros when they are made, so that the room is there: a reservation is taken only if its
//! settlement has room too. A full disk refuses new requests and loses no settlement of old ones.
//!
//! Start at [`Journal::lock`]. This module knows bytes and files; what they mean is [`super::record`]'s.

mod lock;
mod memory;
mod segment;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use segment::{Place, Segment, SegmentId, frame};

use super::LedgerOpenError;
use lock::Lock;

/// What a reservation outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The process. A power cut may lose requests that are under way, and what was settled in the last moments before it:
    /// what is not in SQLite yet.
    #[default]
    Process,
    /// The machine: every reservation waits for the disk, many at once.
    Power,
}

/// 13,000 requests or so. Larger ones would be rarer to replace and take longer to read at a start.
const SEGMENT_BYTES: u64 = 4 << 20;

pub(super) struct Journal {
    dir: PathBuf,
    current: Segment,
    /// Ready for when `current` is full, so that nobody waits for zeros to be written.
    spare: Option<Segment>,
    /// Full ones whose records may still be needed, oldest first.
    full: VecDeque<SegmentId>,
    next_id: SegmentId,
    durability: Durability,
    /// Full ones that nobody has synced; none where nobody ever does.
    unsynced: Vec<Arc<File>>,
    /// Held as long as this process uses the directory.
    _lock: Lock,
}

/// What earlier processes left.
pub(super) struct Left {
    pub segments: Vec<PathBuf>,
    lock: Lock,
    next_id: SegmentId,
}

impl Journal {
    /// Locks `dir` and lists its segments: read them, then [`Journal::begin`].
    pub(super) fn lock(dir: &Path) -> Result<Left, LedgerOpenError> {
        let failed = |source| LedgerOpenError::Journal { dir: dir.to_owned(), source };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir).map_err(failed)?;
        let Some(lock) = Lock::take(&dir.join("lock")).map_err(failed)? else {
            return Err(LedgerOpenError::InUse { dir: dir.to_owned() });
        };
        let mut found: Vec<(SegmentId, PathBuf)> = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let Some(id) = SegmentId::of(&path) {
                found.push((id, path));
            }
        }
        found.sort();
        let next_id = found.last().map_or(SegmentId::FIRST, |(id, _)| id.next());
        Ok(Left { segments: found.into_iter().map(|(_, path)| path).collect(), lock, next_id })
    }

    /// Once nothing that is left is needed any more.
    pub(super) fn begin(dir: &Path, left: Left, durability: Durability) -> Result<Self, LedgerOpenError> {
        let failed = |source| LedgerOpenError::Journal { dir: dir.to_owned(), source };
        for path in &left.segments {
            fs::remove_file(path).map_err(failed)?;
        }
        let current = Segment::create(dir, left.next_id, SEGMENT_BYTES, durability).map_err(failed)?;
        Ok(Journal {
            dir: dir.to_owned(),
            current,
            spare: None,
            full: VecDeque::new(),
            next_id: left.next_id.next(),
            durability,
            unsynced: Vec::new(),
            _lock: left.lock,
        })
    }

    /// A place for a frame of so many bytes, with `room_after` bytes free behind it. Makes a new segment if it must.
    pub(super) fn place(&mut self, frame_bytes: usize, room_after: u64) -> io::Result<Place> {
        let needed = frame_bytes as u64 + room_after;
        if self.current.room() < needed {
            self.rotate(needed)?;
        }
        Ok(self.current.take(frame_bytes))
    }

    /// How many bytes fit before another segment must be made, with `room_after` bytes free behind them.
    pub(super) fn room(&self, room_after: u64) -> u64 {
        self.current.room().saturating_sub(room_after)
    }

    /// Appends what `encode` writes, and keeps `room_after` bytes free behind it.
    pub(super) fn append(
        &mut self,
        room_after: u64,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<SegmentId> {
        let frame = frame(encode);
        let place = self.place(frame.len(), room_after)?;
        place.write(&frame)?;
        Ok(place.segment)
    }

    /// Appends only if there is room: for what can do without.
    pub(super) fn append_if_room(
        &mut self,
        room_after: u64,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<bool> {
        let frame = frame(encode);
        if self.room(room_after) < frame.len() as u64 {
            return Ok(false);
        }
        self.current.take(frame.len()).write(&frame)?;
        Ok(true)
    }

    fn rotate(&mut self, needed: u64) -> io::Result<()> {
        let bytes = SEGMENT_BYTES.max(2 * needed);
        let next = match self.spare.take().filter(|spare| spare.room() >= needed) {
            Some(spare) => spare,
            None => self.make(bytes)?,
        };
        let full = std::mem::replace(&mut self.current, next);
        self.full.push_back(full.id);
        if self.durability == Durability::Power {
            // Not here: requests would wait for the disk, all of them.
            self.unsynced.push(full.handle());
        }
        Ok(())
    }

    fn make(&mut self, bytes: u64) -> io::Result<Segment> {
        let segment = Segment::create(&self.dir, self.next_id, bytes, self.durability)?;
        self.next_id = self.next_id.next();
        Ok(segment)
    }

    /// Whether [`Journal::store_spare`] is due.
    pub(super) fn wants_spare(&self) -> bool {
        self.spare.is_none() && self.current.room() < SEGMENT_BYTES / 2
    }

    /// What the next spare is to be: made without holding anybody up.
    pub(super) fn next_spare(&mut self) -> Spare {
        let id = self.next_id;
        self.next_id = id.next();
        Spare { dir: self.dir.clone(), id, durability: self.durability }
    }

    pub(super) fn store_spare(&mut self, spare: Segment) {
        self.spare = Some(spare);
    }

    /// What has to be synced for everything that was appended, without holding the journal meanwhile. Each full segment is
    /// handed out once.
    pub(super) fn unsynced(&mut self) -> Vec<Arc<File>> {
        let mut files = std::mem::take(&mut self.unsynced);
        files.push(self.current.handle());
        files
    }

    /// The oldest full segment, if there is one.
    pub(super) fn oldest_full(&self) -> Option<SegmentId> {
        self.full.front().copied()
    }

    pub(super) fn full_count(&self) -> usize {
        self.full.len()
    }

    /// Gives up the oldest full segment: nothing in it is needed any more. Its file is to be removed, without holding the
    /// journal; one that cannot be is read again at the next start, which changes nothing.
    pub(super) fn give_up_oldest_full(&mut self) -> Option<PathBuf> {
        self.full.pop_front().map(|id| id.path(&self.dir))
    }
}

/// A segment that is not made yet.
pub(super) struct Spare {
    dir: PathBuf,
    id: SegmentId,
    durability: Durability,
}

impl Spare {
    pub(super) fn make(self) -> io::Result<Segment> {
        Segment::create(&self.dir, self.id, SEGMENT_BYTES, self.durability)
    }
}

/// Every whole record of a segment, in order.
pub(super) fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    segment::read(path)
}

#[cfg(test)]
mod tests;
