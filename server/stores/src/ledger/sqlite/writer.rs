//! The thread that takes what is settled to SQLite and gives up old segments of the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Shared;
use super::apply::apply;
use super::batch::Batch;
use super::state::{Flush, Taken};
use crate::ledger::journal;

/// How long settled requests are collected for one transaction, which costs a sync of the disk.
const COLLECT: Duration = Duration::from_millis(200);
/// How often streams' progress is noted: so much of a stream's count may be lost with the process.
const NOTE_INTERVAL: Duration = Duration::from_millis(500);
/// Between attempts while the database does not take anything.
const RETRY: Duration = Duration::from_secs(1);
/// Full segments that may lie around before open requests are copied out of the oldest.
const SEGMENTS_MAX: usize = 4;
/// Copied under one lock: some 100 µs.
const CARRIED_AT_ONCE: usize = 100;

/// At work, or about to look again.
const BUSY: u8 = 0;
/// Looks again in a while, for the streams that run.
const DOZING: u8 = 1;
/// Until somebody wakes it.
const ASLEEP: u8 = 2;

pub(super) struct Writer {
    thread: Thread,
    rest: Arc<AtomicU8>,
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(shared: Arc<Shared>, connection: Connection) -> std::io::Result<Self> {
        let (rest, stop) = (Arc::new(AtomicU8::new(BUSY)), Arc::new(AtomicBool::new(false)));
        let work = Work {
            shared,
            connection,
            rest: Arc::clone(&rest),
            stop: Arc::clone(&stop),
            unwritten: Batch::default(),
            spare: Batch::default(),
            noted_at: Instant::now(),
            is_failing: false,
        };
        let handle = thread::Builder::new().name("novai-ledger".to_owned()).spawn(move || work.run())?;
        Ok(Writer { thread: handle.thread().clone(), rest, stop, handle: Some(handle) })
    }

    pub(super) fn wake(&self) {
        self.thread.unpark();
    }

    /// Something is settled. While it works it looks again by itself: a wake-up per request would cost more than the
    /// request.
    pub(super) fn wake_for_entry(&self) {
        if self.rest.load(Ordering::Acquire) != BUSY {
            self.thread.unpark();
        }
    }

    /// A stream has begun, whose progress is to be noted from time to time.
    pub(super) fn wake_for_stream(&self) {
        if self.rest.load(Ordering::Acquire) == ASLEEP {
            self.thread.unpark();
        }
    }
}

impl Drop for Writer {
    /// Waits for the last transaction. What it does not take stays in the journal for the next start.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    connection: Connection,
    rest: Arc<AtomicU8>,
    stop: Arc<AtomicBool>,
    /// Taken from the state, and not in SQLite yet.
    unwritten: Batch,
    /// What requests fill next, so that they never wait for it to grow.
    spare: Batch,
    noted_at: Instant,
    is_failing: bool,
}

impl Work {
    fn run(mut self) {
        loop {
            let is_last = self.stop.load(Ordering::Acquire);
            let flushes = self.take();
            let written = self.write();
            self.note(!flushes.is_empty());
            for flush in flushes {
                // Who no longer waits needs no answer.
                let _ = flush.send(written.clone());
            }
            if is_last {
                return;
            }
            self.tidy();
            self.rest(written.is_err());
        }
    }

    fn take(&mut self) -> Vec<Flush> {
        let empty = std::mem::take(&mut self.spare);
        let mut state = self.shared.lock();
        let mut taken = state.take_pending(empty);
        let flushes = std::mem::take(&mut state.flushes);
        drop(state);
        self.unwritten.append(&mut taken);
        self.spare = taken;
        flushes
    }

    fn write(&mut self) -> Result<(), String> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let begun_at = Instant::now();
        let written = apply(&mut self.connection, &self.unwritten);
        self.shared.latency.observe(begun_at.elapsed());
        match written {
            Ok(_) => {
                self.shared.lock().in_writing = Taken::default();
                self.unwritten.clear();
                if std::mem::replace(&mut self.is_failing, false) {
                    tracing::info!("the ledger's database takes entries again");
                }
                Ok(())
            }
            Err(error) => {
                // Once per trouble, not once per second.
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(
                        database = %self.shared.path.display(), %error, entries = self.unwritten.len(),
                        "the ledger cannot write to its database; entries wait in the journal"
                    );
                }
                Err(error.to_string())
            }
        }
    }

    fn note(&mut self, is_asked_for: bool) {
        if is_asked_for || self.noted_at.elapsed() >= NOTE_INTERVAL {
            self.noted_at = Instant::now();
            let noted = self.shared.lock().note_progress();
            if let Some((place, frames)) = noted
                && let Err(error) = place.write(&frames)
            {
                tracing::warn!(%error, "cannot note the progress of streams");
            }
        }
    }

    fn tidy(&mut self) {
        let spare = {
            let mut state = self.shared.lock();
            state.journal.wants_spare().then(|| state.journal.next_spare())
        };
        match spare.map(journal::Spare::make) {
            Some(Ok(spare)) => self.shared.lock().journal.store_spare(spare),
            // Whoever needs it will try again, and refuse requests if there is still no room.
            Some(Err(error)) => tracing::warn!(%error, "no room for the ledger's next journal segment"),
            None => {}
        }
        if let Err(error) = self.give_up_segments() {
            tracing::warn!(%error, "cannot shorten the ledger's journal");
        }
    }

    /// A full segment may go once nothing in it is needed: nobody is open in it, and what is settled is in SQLite.
    fn give_up_segments(&mut self) -> std::io::Result<()> {
        loop {
            let mut state = self.shared.lock();
            let Some(oldest) = state.journal.oldest_full() else { return Ok(()) };
            if state.oldest_unwritten().is_some_and(|segment| segment <= oldest) {
                return Ok(());
            }
            let is_needed = state.open.values().any(|open| open.segment == oldest);
            if is_needed {
                if state.journal.full_count() <= SEGMENTS_MAX {
                    return Ok(());
                }
                if !state.carry_forward(oldest, CARRIED_AT_ONCE)? {
                    continue;
                }
            }
            let path = state.journal.give_up_oldest_full();
            // The system takes its time over a file of this size.
            drop(state);
            let _ = path.map(std::fs::remove_file);
        }
    }

    fn rest(&mut self, has_failed: bool) {
        if has_failed {
            thread::park_timeout(RETRY);
            return;
        }
        // Announced before the last look, so that nobody settles unseen in between.
        self.rest.store(ASLEEP, Ordering::SeqCst);
        let (is_quiet, has_streams) = {
            let state = self.shared.lock();
            let is_quiet = state.pending.batch.is_empty() && state.flushes.is_empty();
            (is_quiet, state.open.values().any(|open| open.facts.is_some()))
        };
        if is_quiet && !self.stop.load(Ordering::Acquire) {
            if has_streams {
                self.rest.store(DOZING, Ordering::SeqCst);
                thread::park_timeout(NOTE_INTERVAL);
            } else {
                thread::park();
            }
        }
        self.rest.store(BUSY, Ordering::SeqCst);
        let collects = !self.stop.load(Ordering::Acquire) && self.shared.lock().flushes.is_empty();
        if collects {
            thread::park_timeout(COLLECT);
        }
    }
}
