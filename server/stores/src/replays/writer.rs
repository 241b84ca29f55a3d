//! The task that writes what is kept, renews what runs, and tidies up.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::id::ReplayId;
use super::{LEASE_MS, Place, Row, Shared, lock, postgres, sqlite};
use crate::database::DatabaseError;

/// How long answers are collected for one transaction.
const COLLECT: Duration = Duration::from_millis(50);
/// In one transaction.
const OPS_MAX: usize = 1_000;
/// Between attempts while the database does not take anything.
const RETRY: Duration = Duration::from_secs(1);
const RENEW_INTERVAL: Duration = Duration::from_millis(LEASE_MS / 4);
const TIDY_INTERVAL: Duration = Duration::from_secs(60);
/// So much of what may be kept is written between one look at the bounds and the next, at most.
const TIDY_PART: u64 = 16;

pub(super) enum Op {
    Keep(Row),
    Release(ReplayId),
    Flush(oneshot::Sender<()>),
}

/// Runs until the store is dropped.
pub(super) async fn run(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Op>) {
    let mut work =
        Work { shared, rows: Vec::new(), released: Vec::new(), unseen_bytes: 0, is_failing: false };
    let mut renewals = tokio::time::interval(RENEW_INTERVAL);
    let mut tidying = tokio::time::interval(TIDY_INTERVAL);
    for interval in [&mut renewals, &mut tidying] {
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut ops = Vec::new();
    let mut write_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = renewals.tick() => work.renew().await,
            _ = tidying.tick() => work.tidy().await,
            () = tokio::time::sleep_until(write_at), if work.has_some() => {
                let wait = if work.write().await { COLLECT } else { RETRY };
                write_at = Instant::now() + wait;
            }
            received = queue.recv_many(&mut ops, OPS_MAX) => {
                if received == 0 {
                    work.write().await;
                    return;
                }
                if !work.has_some() && !work.is_failing {
                    write_at = Instant::now() + COLLECT;
                }
                for flushed in work.take(&mut ops) {
                    work.write().await;
                    work.tidy().await;
                    // Who no longer waits needs no answer.
                    let _ = flushed.send(());
                }
            }
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    rows: Vec<Row>,
    released: Vec<ReplayId>,
    /// Written since the bounds were looked at.
    unseen_bytes: u64,
    is_failing: bool,
}

impl Work {
    fn has_some(&self) -> bool {
        !self.rows.is_empty() || !self.released.is_empty()
    }

    fn take(&mut self, ops: &mut Vec<Op>) -> Vec<oneshot::Sender<()>> {
        let mut flushes = Vec::new();
        for op in ops.drain(..) {
            match op {
                Op::Keep(row) => self.rows.push(row),
                Op::Release(id) => self.released.push(id),
                Op::Flush(done) => flushes.push(done),
            }
        }
        flushes
    }

    /// Whether it was written. What was not is tried again; there is a bound to what waits.
    async fn write(&mut self) -> bool {
        if !self.has_some() {
            return true;
        }
        let rows = std::mem::take(&mut self.rows);
        let bytes: usize = rows.iter().map(Row::bytes).sum();
        let written = match &self.shared.place {
            Place::Sqlite { db, .. } => sqlite::write(db, rows).await,
            Place::Postgres { db, owner } => {
                postgres::write(db, *owner, &rows, &self.released).await.map_err(|error| (error, rows))
            }
        };
        match written {
            Ok(()) => {
                self.released.clear();
                self.shared.waiting_bytes.fetch_sub(bytes, Relaxed);
                self.unseen_bytes += bytes as u64;
                if std::mem::replace(&mut self.is_failing, false) {
                    tracing::info!("answers under idempotency keys are written again");
                }
                if self.unseen_bytes > self.shared.bounds.bytes_max / TIDY_PART {
                    self.tidy().await;
                }
                true
            }
            Err((error, rows)) => {
                self.rows = rows;
                self.report(&error);
                false
            }
        }
    }

    async fn renew(&mut self) {
        if let Place::Postgres { db, owner } = &self.shared.place {
            let until_ms = self.shared.now_ms() + LEASE_MS;
            if let Err(error) = postgres::renew(db, *owner, until_ms).await {
                self.report(&error);
            }
        }
    }

    async fn tidy(&mut self) {
        self.unseen_bytes = 0;
        let (now_ms, bounds) = (self.shared.now_ms(), self.shared.bounds);
        let tidied = match &self.shared.place {
            Place::Sqlite { db, known, .. } => sqlite::tidy(db, now_ms, bounds).await.map(|gone| {
                let mut known = lock(known);
                for beginning in gone {
                    known.remove(&beginning);
                }
            }),
            Place::Postgres { db, .. } => postgres::tidy(db, now_ms, bounds).await,
        };
        if let Err(error) = tidied {
            self.report(&error);
        }
    }

    /// Once per trouble, not once per attempt.
    fn report(&mut self, error: &DatabaseError) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(%error, "answers under idempotency keys cannot be written");
        }
    }
}
