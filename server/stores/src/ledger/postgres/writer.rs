//! The task that writes: whatever waits, in one transaction. What cannot be settled now is settled later.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use novai_core::money::{Budgets, Progress, Refusal, Reservation, ReservationId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::record;
use super::super::rows::Entry;
use super::{Op, Shared, batch, orphans};
use crate::database::{DatabaseError, Postgres};

/// In one transaction.
const OPS_MAX: usize = 1_000;
/// Between attempts to settle while the database does not take anything.
const RETRY: Duration = Duration::from_millis(500);
const NOTE_INTERVAL: Duration = Duration::from_millis(500);
/// So often within a lease a gateway says that it lives, and looks for dead ones.
const BEATS_PER_LEASE: u32 = 4;

pub(super) async fn run(postgres: Postgres, shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Op>) {
    let mut work = Work { postgres, shared, unsettled: Vec::new(), is_failing: false };
    let mut notes = tokio::time::interval(NOTE_INTERVAL);
    let mut beats = tokio::time::interval(work.shared.lease / BEATS_PER_LEASE);
    for interval in [&mut notes, &mut beats] {
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let mut retry_at = Instant::now();
    let mut ops = Vec::with_capacity(OPS_MAX);
    loop {
        let has_unsettled = !work.unsettled.is_empty();
        tokio::select! {
            biased;
            _ = beats.tick() => work.beat().await,
            _ = notes.tick() => work.note().await,
            () = tokio::time::sleep_until(retry_at), if has_unsettled => {
                work.write(&mut ops).await;
                retry_at = Instant::now() + RETRY;
            }
            received = queue.recv_many(&mut ops, OPS_MAX) => {
                if received == 0 {
                    return;
                }
                work.write(&mut ops).await;
                retry_at = Instant::now() + RETRY;
            }
        }
    }
}

struct Work {
    postgres: Postgres,
    shared: Arc<Shared>,
    unsettled: Vec<Entry>,
    is_failing: bool,
}

impl Work {
    async fn write(&mut self, ops: &mut Vec<Op>) {
        let mut wanted: Vec<(Arc<Reservation>, Budgets)> = Vec::new();
        let mut answers: Vec<oneshot::Sender<Result<(), Refusal>>> = Vec::new();
        let (mut turned, mut flushes) = (Vec::new(), Vec::new());
        for op in ops.drain(..) {
            match op {
                Op::Reserve { reservation, budgets, done } => {
                    self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                    wanted.push((reservation, budgets));
                    answers.push(done);
                }
                Op::Turn(reservation) => turned.push(reservation),
                Op::Settle(entry) => self.unsettled.push(entry),
                Op::Flush(done) => flushes.push(done),
            }
        }
        let written = match wanted.is_empty() && self.unsettled.is_empty() {
            true => Ok(Vec::new()),
            false => {
                let begun_at = std::time::Instant::now();
                let written = self.transaction(&wanted).await;
                self.shared.latency.observe(begun_at.elapsed());
                written
            }
        };
        match written {
            Ok(decisions) => {
                self.unsettled.clear();
                self.turn(&turned).await;
                if std::mem::replace(&mut self.is_failing, false) {
                    tracing::info!("the ledger's database takes entries again");
                }
                for (answer, decision) in answers.into_iter().zip(decisions) {
                    // Who no longer waits settles it.
                    let _ = answer.send(decision);
                }
                if !flushes.is_empty() {
                    self.note().await;
                }
                for flush in flushes {
                    let _ = flush.send(Ok(()));
                }
            }
            Err(error) => {
                // Once per trouble, not once per attempt.
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "the ledger cannot write to its database");
                }
                let reason = error.to_string();
                for answer in answers {
                    let _ = answer.send(Err(Refusal::Unavailable(reason.clone().into())));
                }
                for flush in flushes {
                    let _ = flush.send(Err(reason.clone()));
                }
            }
        }
    }

    /// If it fails half-way nobody knows whether it was committed. Doing it again, or giving a reservation back that was
    /// never made, changes nothing.
    async fn transaction(
        &self,
        wanted: &[(Arc<Reservation>, Budgets)],
    ) -> Result<Vec<Result<(), Refusal>>, DatabaseError> {
        let failed = |error| self.postgres.error(error);
        let mut client = self.postgres.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let process_id = self.shared.process_id;
        let decisions =
            batch::run(&transaction, process_id, wanted, &self.unsettled).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(decisions)
    }

    /// What is open is settled by this from now on, should this process die.
    async fn turn(&self, turned: &[Arc<Reservation>]) {
        if turned.is_empty() {
            return;
        }
        let ids: Vec<Vec<u8>> = turned.iter().map(|reservation| batch::bytes(reservation.id)).collect();
        let bodies: Vec<Vec<u8>> = turned.iter().map(|reservation| batch::body(reservation)).collect();
        if let Err(error) = self.write_bodies(&ids, &bodies).await {
            tracing::warn!(%error, "cannot note who serves a request");
        }
    }

    async fn write_bodies(&self, ids: &[Vec<u8>], bodies: &[Vec<u8>]) -> Result<(), DatabaseError> {
        let failed = |error| self.postgres.error(error);
        let client = self.postgres.client().await?;
        let statement = client
            .prepare_cached(
                "UPDATE reservations SET body = new.body
                 FROM unnest($1::bytea[], $2::bytea[]) AS new (id, body) WHERE reservations.id = new.id",
            )
            .await
            .map_err(failed)?;
        client.execute(&statement, &[&ids, &bodies]).await.map_err(failed)?;
        Ok(())
    }

    async fn note(&self) {
        let changed: Vec<(ReservationId, Progress)> = {
            let streams = self.shared.streams();
            let progress = streams.iter().map(|(id, (facts, noted))| (*id, facts.progress(), *noted));
            progress.filter(|(_, now, noted)| now != noted).map(|(id, now, _)| (id, now)).collect()
        };
        if changed.is_empty() {
            return;
        }
        match self.write_notes(&changed).await {
            Ok(written) => {
                let mut streams = self.shared.streams();
                // A reservation that is not written yet is noted the next time.
                for (id, progress) in changed.iter().filter(|(id, _)| written.contains(&batch::bytes(*id))) {
                    if let Some((_, noted)) = streams.get_mut(id) {
                        *noted = *progress;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "cannot note the progress of streams"),
        }
    }

    /// Whose notes were written.
    async fn write_notes(
        &self,
        changed: &[(ReservationId, Progress)],
    ) -> Result<HashSet<Vec<u8>>, DatabaseError> {
        let failed = |error| self.postgres.error(error);
        let ids: Vec<Vec<u8>> = changed.iter().map(|(id, _)| batch::bytes(*id)).collect();
        let notes: Vec<Vec<u8>> = changed
            .iter()
            .map(|(id, progress)| {
                let mut note = Vec::new();
                record::noted(&mut note, *id, progress);
                note
            })
            .collect();
        let client = self.postgres.client().await?;
        let statement = client
            .prepare_cached(
                "UPDATE reservations SET noted = new.noted
                 FROM unnest($1::bytea[], $2::bytea[]) AS new (id, noted) WHERE reservations.id = new.id
                 RETURNING reservations.id",
            )
            .await
            .map_err(failed)?;
        let rows = client.query(&statement, &[&ids, &notes]).await.map_err(failed)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn beat(&self) {
        let lived = orphans::say_alive(&self.postgres, &self.shared).await;
        let looked = match lived {
            Ok(()) => orphans::settle(&self.postgres, &self.shared).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "cannot tell the database that this gateway lives");
        }
    }
}
