//! The books of one gateway: memory decides, the journal makes it durable, SQLite keeps it.
//!
//! A request costs the hot path two short locks and, outside of them, two records in the journal; no task is woken and
//! nothing waits for a disk (unless [`Durability::Power`] asks for it). A thread ([`writer`]) puts what is settled into
//! SQLite, many requests in one transaction, and then gives up the journal's older segments.
//!
//! **Invariant:** what is in memory can be had again from SQLite and the journal. Start at [`SqliteLedger::open`], which
//! does exactly that ([`recovery`]), then [`state`], which is what the lock protects.

mod accounts;
mod apply;
mod batch;
mod insert;
mod recovery;
mod state;
mod syncer;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use novai_core::latency::{Latencies, LatencySnapshot};
use novai_core::money::{
    Budgets, Ledger, LedgerError, Refusal, Reservation, Reserving, Settlement, UsagePage, UsageQuery,
};
use novai_core::{Clock, StreamFacts};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::journal::{self, Durability, Journal};
use super::{LedgerOpenError, Recovered, record, usage};
use crate::database::Sqlite;
use state::State;
use writer::Writer;

type Synced = oneshot::Receiver<Result<(), Refusal>>;

/// Beside the database file.
const JOURNAL_DIR: &str = "ledger-journal";

pub struct SqliteLedger {
    shared: Arc<Shared>,
    database: Sqlite,
    writer: Writer,
    syncer: Option<syncer::Syncer>,
}

/// What requests and the threads share.
struct Shared {
    /// Of transactions.
    latency: Latencies,
    state: Mutex<State>,
    /// For messages.
    path: PathBuf,
}

impl Shared {
    /// Held for less than a microsecond: never over anything that waits, but for a `write` of what is rare, or waits for
    /// the disk in any case.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteLedger {
    /// Settles what earlier processes left, then begins. Only one process at a time can have a file's ledger open.
    pub async fn open(
        database: Sqlite,
        durability: Durability,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovered), LedgerOpenError> {
        let opened =
            tokio::task::spawn_blocking(move || Self::open_blocking(database, durability, &*clock)).await;
        opened.unwrap_or(Err(LedgerOpenError::Database(crate::database::DatabaseError::WorkerGone)))
    }

    fn open_blocking(
        database: Sqlite,
        durability: Durability,
        clock: &dyn Clock,
    ) -> Result<(Self, Recovered), LedgerOpenError> {
        let dir = database.path().parent().unwrap_or(Path::new("")).join(JOURNAL_DIR);
        let mut connection = database.connection()?;
        let left = Journal::lock(&dir)?;
        let now_ms = u64::try_from(clock.unix_time().as_millis()).unwrap_or(u64::MAX);
        let recovered = recovery::recover(&dir, &left, &mut connection, now_ms)
            .map_err(|error| error.into_open_error(&database, &dir))?;
        let journal = Journal::begin(&dir, left, durability)?;
        let accounts =
            accounts::Accounts::load(&connection, now_ms).map_err(|error| database.error(error))?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(journal, accounts)),
            path: database.path().to_owned(),
            latency: Latencies::default(),
        });
        let writer = Writer::start(Arc::clone(&shared), connection).map_err(LedgerOpenError::Thread)?;
        let syncer = match durability {
            Durability::Process => None,
            Durability::Power => {
                Some(syncer::Syncer::start(Arc::clone(&shared)).map_err(LedgerOpenError::Thread)?)
            }
        };
        Ok((SqliteLedger { shared, database, writer, syncer }, recovered))
    }

    /// Durable once the answer comes; without one, it is already.
    fn admit(
        &self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        facts: Option<&Arc<StreamFacts>>,
    ) -> Result<Option<Synced>, Refusal> {
        let frame = journal::frame(|out| record::reserved(out, reservation));
        let mut state = self.shared.lock();
        let place = state.reserve(reservation, budgets, facts, frame.len())?;
        // Who waits for the disk keeps the lock while the segment is the journal's latest: once it is full, it is synced one
        // last time. Others give it back before they write.
        let held = self.syncer.is_some().then_some(state);
        if let Err(error) = place.write(&frame) {
            drop(held);
            self.shared.lock().release(reservation);
            return Err(unavailable(error));
        }
        Ok(held.map(|mut state| {
            let (done, answer) = oneshot::channel();
            state.waiting_for_sync.push(done);
            answer
        }))
    }

    async fn written(&self) -> Result<(), LedgerError> {
        let (done, written) = oneshot::channel();
        self.shared.lock().flushes.push(done);
        self.writer.wake();
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(LedgerError::Unavailable(reason.into())),
            Err(_gone) => Err(LedgerError::Unavailable("its thread has ended".into())),
        }
    }
}

impl Ledger for SqliteLedger {
    fn reserve(
        &self,
        reservation: &Arc<Reservation>,
        budgets: &Budgets,
        facts: Option<&Arc<StreamFacts>>,
    ) -> Reserving {
        let waiting = match self.admit(reservation, budgets, facts) {
            Ok(waiting) => waiting,
            Err(refusal) => return Reserving::Done(Err(refusal)),
        };
        if facts.is_some() {
            self.writer.wake_for_stream();
        }
        let (Some(answer), Some(syncer)) = (waiting, &self.syncer) else { return Reserving::Done(Ok(())) };
        syncer.wake();
        Reserving::Later { is_decided: true, answer }
    }

    fn turn(&self, reservation: &Arc<Reservation>) {
        self.shared.lock().turn(reservation);
    }

    fn settle(&self, reservation: &Arc<Reservation>, settlement: Settlement) {
        let frame = journal::frame(|out| record::settled(out, reservation.id, &settlement));
        let settled = self.shared.lock().settle(reservation, settlement, frame.len());
        let Some((place, is_first)) = settled else { return };
        if let Err(error) = place.and_then(|place| place.write(&frame)) {
            tracing::error!(%error, "cannot write a settlement to the ledger's journal");
        }
        if is_first {
            self.writer.wake_for_entry();
        }
    }

    fn usage(&self, query: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>> {
        Box::pin(async move {
            self.written().await?;
            let answer = self.database.with(move |connection| read_usage(connection, &query)).await;
            answer.map_err(|error| LedgerError::Unavailable(Box::new(error)))
        })
    }

    fn write_latency(&self) -> Option<LatencySnapshot> {
        Some(self.shared.latency.snapshot())
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(self.written())
    }
}

fn read_usage(connection: &mut Connection, query: &UsageQuery) -> rusqlite::Result<UsagePage> {
    let (sql, values) = usage::sql(query);
    let mut statement = connection.prepare_cached(&sql)?;
    for (index, value) in values.iter().enumerate() {
        match value {
            usage::Value::Day(day) => statement.raw_bind_parameter(index + 1, day)?,
            usage::Value::Number(number) => statement.raw_bind_parameter(index + 1, number)?,
            usage::Value::Text(text) => statement.raw_bind_parameter(index + 1, text)?,
        }
    }
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut sums = [None; 6];
        for (index, sum) in sums.iter_mut().enumerate() {
            *sum = row.get(3 + index)?;
        }
        found.push(usage::RawRow { day: row.get(0)?, key_id: row.get(1)?, model: row.get(2)?, sums });
    }
    Ok(usage::page(query, found))
}

/// Why no reservation is taken.
fn unavailable(reason: impl Into<novai_core::error::BoxError>) -> Refusal {
    Refusal::Unavailable(reason.into())
}
