//! The books of many gateways: PostgreSQL decides and keeps.
//!
//! A task ([`writer`]) takes what requests want, all that waits at a time, and does it in one transaction ([`batch`]): accounts
//! are locked in the order of their names, so that replicas wait for each other and never deadlock. A request without a
//! budget overlaps its write; one with a budget waits for the decision before the upstream is asked.
//!
//! Each gateway says now and then that it lives. What one that died has left is settled by the others ([`orphans`]).

mod accounts;
mod batch;
mod orphans;
mod writer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use novai_core::latency::{Latencies, LatencySnapshot};
use novai_core::money::{
    Budgets, Ledger, LedgerError, Progress, Refusal, Reservation, ReservationId, Reserving, Settlement,
    UsagePage, UsageQuery, Usd,
};
use novai_core::{Clock, StreamFacts};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;

use super::rows::Entry;
use super::{LedgerOpenError, Recovered, usage};
use crate::database::Postgres;

/// Reservations that wait to be written. Beyond that the database is too slow for what is asked of it.
const WAITING_MAX: usize = 10_000;
/// A gateway that was silent for so long is dead, and others settle what it left.
pub const LEASE: Duration = Duration::from_secs(20);

pub struct PostgresLedger {
    postgres: Postgres,
    queue: mpsc::UnboundedSender<Op>,
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
}

struct Shared {
    /// Of transactions.
    latency: Latencies,
    /// Reservations in the queue; settlements are as many at most as reservations were let in.
    waiting: AtomicUsize,
    /// Streams that run, and what was last noted of them.
    streams: Mutex<HashMap<ReservationId, (Arc<StreamFacts>, Progress)>>,
    /// In the database: whose reservations these are.
    process_id: i64,
    lease: Duration,
    clock: Arc<dyn Clock>,
}

enum Op {
    Reserve {
        reservation: Arc<Reservation>,
        budgets: Budgets,
        done: oneshot::Sender<Result<(), Refusal>>,
    },
    /// Another target serves it.
    Turn(Arc<Reservation>),
    Settle(Entry),
    Flush(oneshot::Sender<Result<(), String>>),
}

impl PostgresLedger {
    /// `random` names this process among those that share the database.
    pub async fn open(
        postgres: Postgres,
        clock: Arc<dyn Clock>,
        random: u64,
    ) -> Result<(Self, Recovered), LedgerOpenError> {
        Self::with_lease(postgres, clock, random, LEASE).await
    }

    /// As [`PostgresLedger::open`], for tests that do not wait so long.
    pub async fn with_lease(
        postgres: Postgres,
        clock: Arc<dyn Clock>,
        random: u64,
        lease: Duration,
    ) -> Result<(Self, Recovered), LedgerOpenError> {
        let shared = Arc::new(Shared {
            waiting: AtomicUsize::new(0),
            latency: Latencies::default(),
            streams: Mutex::default(),
            process_id: random as i64,
            lease,
            clock,
        });
        orphans::say_alive(&postgres, &shared).await?;
        let orphans = orphans::settle(&postgres, &shared).await?;
        let (queue, ops) = mpsc::unbounded_channel();
        let writer = tokio::spawn(writer::run(postgres.clone(), Arc::clone(&shared), ops));
        Ok((PostgresLedger { postgres, queue, shared, writer }, Recovered { settled: 0, orphans }))
    }

    async fn written(&self) -> Result<(), LedgerError> {
        let (done, written) = oneshot::channel();
        let _ = self.queue.send(Op::Flush(done));
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(LedgerError::Unavailable(reason.into())),
            Err(_gone) => Err(LedgerError::Unavailable("its writer has ended".into())),
        }
    }

    async fn read_usage(&self, query: UsageQuery) -> Result<UsagePage, crate::database::DatabaseError> {
        let (sql, values) = usage::sql(&query);
        let client = self.postgres.client().await?;
        let values: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| match value {
                usage::Value::Day(day) => day as &(dyn ToSql + Sync),
                usage::Value::Number(number) => number,
                usage::Value::Text(text) => text,
            })
            .collect();
        let statement = client.prepare_cached(&sql).await.map_err(|error| self.postgres.error(error))?;
        let rows = client.query(&statement, &values).await.map_err(|error| self.postgres.error(error))?;
        let rows = rows
            .iter()
            .map(|row| usage::RawRow {
                day: row.get(0),
                key_id: row.get(1),
                model: row.get(2),
                sums: std::array::from_fn(|index| row.get(3 + index)),
            })
            .collect();
        Ok(usage::page(&query, rows))
    }
}

impl Drop for PostgresLedger {
    fn drop(&mut self) {
        // What is left in the queue is found by others: its reservations are open.
        self.writer.abort();
    }
}

impl Ledger for PostgresLedger {
    fn reserve(
        &self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        facts: Option<&Arc<StreamFacts>>,
    ) -> Reserving {
        let unavailable = |reason: &str| Reserving::Done(Err(Refusal::Unavailable(reason.into())));
        if self.shared.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_MAX {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            return unavailable("too many reservations wait for the database");
        }
        let (done, answer) = oneshot::channel();
        let op = Op::Reserve { reservation: Arc::clone(reservation), budgets: *budgets, done };
        if self.queue.send(op).is_err() {
            return unavailable("its writer has ended");
        }
        if let Some(facts) = facts {
            let mut streams = self.shared.streams();
            streams.insert(reservation.id, (Arc::clone(facts), Progress::default()));
        }
        let is_decided = budgets.is_unlimited() || reservation.reserved == Usd::ZERO;
        Reserving::Later { is_decided, answer }
    }

    fn turn(&self, reservation: &Arc<Reservation>) {
        let _ = self.queue.send(Op::Turn(Arc::clone(reservation)));
    }

    fn settle(&self, reservation: &Arc<Reservation>, settlement: Settlement) {
        self.shared.streams().remove(&reservation.id);
        // The writer ends only with the ledger.
        let _ = self.queue.send(Op::Settle(Entry { reservation: Arc::clone(reservation), settlement }));
    }

    fn usage(&self, query: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>> {
        Box::pin(async move {
            self.written().await?;
            self.read_usage(query).await.map_err(|error| LedgerError::Unavailable(Box::new(error)))
        })
    }

    fn write_latency(&self) -> Option<LatencySnapshot> {
        Some(self.shared.latency.snapshot())
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(self.written())
    }
}

impl Shared {
    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<ReservationId, (Arc<StreamFacts>, Progress)>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.unix_time().as_millis()).unwrap_or(u64::MAX)
    }
}
