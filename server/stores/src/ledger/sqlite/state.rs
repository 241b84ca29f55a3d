//! What is under way and what is spent, as the lock protects it. Every change goes to the journal first.

use std::sync::Arc;

use hashbrown::HashMap;
use novai_core::StreamFacts;
use novai_core::money::{Budgets, Progress, Refusal, Reservation, ReservationId, Settlement, Usd};
use tokio::sync::oneshot;

use super::super::journal::{self, Journal, Place, SegmentId};
use super::super::record::{self, SETTLEMENT_BYTES_MAX};
use super::accounts::Accounts;
use super::batch::Batch;
use super::unavailable;

/// Settled requests that wait for SQLite. Beyond that it has been failing for long: nothing new is admitted. 300 bytes
/// each.
const PENDING_MAX: usize = 200_000;

/// Answers to who waits for everything so far to be written.
pub(super) type Flush = oneshot::Sender<Result<(), String>>;

pub(super) struct State {
    pub journal: Journal,
    pub accounts: Accounts,
    pub open: HashMap<ReservationId, Open>,
    /// Settled, not in SQLite yet.
    pub pending: Pending,
    /// What the writer has taken and not written yet.
    pub in_writing: Taken,
    pub flushes: Vec<Flush>,
    pub waiting_for_sync: Vec<oneshot::Sender<Result<(), Refusal>>>,
}

/// Settled requests that nobody has taken to SQLite yet.
#[derive(Default)]
pub(super) struct Pending {
    pub batch: Batch,
    /// Of their reservations. As long as they are on their way, the journal must have both their records.
    pub oldest: Option<SegmentId>,
}

/// How many were taken.
#[derive(Clone, Copy, Default)]
pub(super) struct Taken {
    pub rows: usize,
    pub oldest: Option<SegmentId>,
}

/// A request under way.
pub(super) struct Open {
    pub reservation: Arc<Reservation>,
    pub facts: Option<Arc<StreamFacts>>,
    pub noted: Progress,
    /// Where its record is.
    pub segment: SegmentId,
}

impl State {
    pub(super) fn new(journal: Journal, accounts: Accounts) -> Self {
        State {
            journal,
            accounts,
            open: HashMap::new(),
            pending: Pending::default(),
            in_writing: Taken::default(),
            flushes: Vec::new(),
            waiting_for_sync: Vec::new(),
        }
    }

    /// Where its record, of so many bytes, is to be written. Until then it is not durable; if it cannot be: [`State::release`].
    pub(super) fn reserve(
        &mut self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        facts: Option<&Arc<StreamFacts>>,
        frame_bytes: usize,
    ) -> Result<Place, Refusal> {
        if self.pending.batch.len() + self.in_writing.rows > PENDING_MAX {
            return Err(unavailable("the database has not taken anything for too long"));
        }
        self.accounts.check(reservation, budgets)?;
        let room_after = self.room_for_settlements(1);
        let place = self.journal.place(frame_bytes, room_after).map_err(unavailable)?;
        self.accounts.reserve(reservation);
        let open = Open {
            reservation: Arc::clone(reservation),
            facts: facts.cloned(),
            noted: Progress::default(),
            segment: place.segment,
        };
        self.open.insert(reservation.id, open);
        Ok(place)
    }

    /// As if it had never been reserved.
    pub(super) fn release(&mut self, reservation: &Reservation) {
        if self.open.remove(&reservation.id).is_some() {
            self.accounts.settle(reservation, Usd::ZERO);
        }
    }

    /// From here on, this is what an open reservation is settled by. Its record supersedes the one before.
    pub(super) fn turn(&mut self, reservation: &Arc<Reservation>) {
        let room_after = self.room_for_settlements(0);
        let Some(open) = self.open.get_mut(&reservation.id) else { return };
        open.reservation = Arc::clone(reservation);
        match self.journal.append(room_after, |out| record::reserved(out, reservation)) {
            // It holds all that the older one does.
            Ok(segment) => open.segment = segment,
            Err(error) => tracing::warn!(%error, "cannot note in the ledger's journal who serves a request"),
        }
        // Its note may have been in the older segment.
        open.noted = Progress::default();
    }

    /// Where its record, of so many bytes, is to be written; SQLite gets it from memory in any case. Also whether this was the first
    /// that waits for SQLite. `None` if it is settled already.
    pub(super) fn settle(
        &mut self,
        reservation: &Arc<Reservation>,
        settlement: Settlement,
        frame_bytes: usize,
    ) -> Option<(std::io::Result<Place>, bool)> {
        let Open { segment, .. } = self.open.remove(&reservation.id)?;
        // The room was kept for it.
        let room_after = self.room_for_settlements(0);
        let place = self.journal.place(frame_bytes, room_after);
        self.accounts.settle(reservation, settlement.cost);
        let pending = &mut self.pending;
        pending.oldest = Some(pending.oldest.map_or(segment, |oldest| oldest.min(segment)));
        pending.batch.push(reservation, settlement);
        Some((place, pending.batch.len() == 1))
    }

    /// Hands over what is settled, and goes on with `empty`.
    pub(super) fn take_pending(&mut self, empty: Batch) -> Batch {
        let batch = std::mem::replace(&mut self.pending.batch, empty);
        let before = self.in_writing;
        let oldest = [before.oldest, self.pending.oldest.take()].into_iter().flatten().min();
        self.in_writing = Taken { rows: before.rows + batch.len(), oldest };
        batch
    }

    /// The oldest segment that the way to SQLite still needs.
    pub(super) fn oldest_unwritten(&self) -> Option<SegmentId> {
        [self.pending.oldest, self.in_writing.oldest].into_iter().flatten().min()
    }

    /// How far streams have come, where that has changed: records, and where they are to be written, all at once. A note that is
    /// lost is superseded by the next.
    pub(super) fn note_progress(&mut self) -> Option<(Place, Vec<u8>)> {
        let room = self.journal.room(self.room_for_settlements(0));
        let mut frames = Vec::new();
        for (id, open) in &mut self.open {
            let Some(facts) = &open.facts else { continue };
            let progress = facts.progress();
            if progress != open.noted {
                let frame = journal::frame(|out| record::noted(out, *id, &progress));
                if (frames.len() + frame.len()) as u64 > room {
                    break;
                }
                frames.extend_from_slice(&frame);
                open.noted = progress;
            }
        }
        if frames.is_empty() {
            return None;
        }
        // It has room: no segment is made for it.
        let place = self.journal.place(frames.len(), 0).ok()?;
        Some((place, frames))
    }

    /// Copies up to `records_max` open reservations out of the oldest segment, so that it can go. True if none is left.
    pub(super) fn carry_forward(&mut self, segment: SegmentId, records_max: usize) -> std::io::Result<bool> {
        let room_after = self.room_for_settlements(0);
        let mut left = records_max;
        for open in self.open.values_mut().filter(|open| open.segment == segment) {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            let reservation = &open.reservation;
            open.segment = self.journal.append(room_after, |out| record::reserved(out, reservation))?;
            // Noted again when there is room: the note goes with the segment.
            let noted = std::mem::take(&mut open.noted);
            if self.journal.append_if_room(room_after, |out| record::noted(out, reservation.id, &noted))? {
                open.noted = noted;
            }
        }
        Ok(true)
    }

    fn room_for_settlements(&self, more: usize) -> u64 {
        (self.open.len() + more) as u64 * SETTLEMENT_BYTES_MAX
    }
}
