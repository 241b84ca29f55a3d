//! What was answered under an idempotency key, in the database: a restart knows it, and so does every replica.
//!
//! Start at [`DatabaseReplays::open`]. A SQLite file has one gateway, so who runs what is in its memory, and the file is
//! asked only for keys that it may hold. In PostgreSQL a claim is a row, which its gateway has to renew while it lives.
//! Answers are collected and written a moment after they were given ([`writer`]): a gateway that is killed within that moment
//! runs such a request again.
//!
//! **Invariant:** neither a key nor a request is written, only hashes of them. Answers are, with their content.

mod claims;
mod id;
mod postgres;
mod sqlite;
mod writer;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use novai_core::Clock;
use novai_core::replays::{BodyHash, Claim, KEPT_S, KeptAnswer, ReplayError, ReplayName, ReplayStore};
use tokio::sync::{mpsc, oneshot};

use crate::database::{Database, DatabaseError, Postgres, Sqlite};
use id::ReplayId;
use writer::Op;

/// Answers that wait to be written. Beyond it they are not kept: the database is slower than its callers.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// What a row takes beside its answer.
const ROW_BYTES: usize = 256;
/// In PostgreSQL: how long a key stays taken whose gateway died while it ran.
const LEASE_MS: u64 = 120_000;
/// Longer than a claim ever takes on a database that works.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is kept, whatever its age; the oldest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub bytes_max: u64,
    pub answers_max: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { bytes_max: 1 << 30, answers_max: 1_000_000 }
    }
}

pub struct DatabaseReplays {
    shared: Arc<Shared>,
    ops: mpsc::UnboundedSender<Op>,
    /// PostgreSQL only.
    claims: Option<mpsc::Sender<claims::Wanted>>,
}

/// What requests and the writer have in common.
struct Shared {
    place: Place,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    waiting_bytes: AtomicUsize,
}

enum Place {
    Sqlite {
        db: Sqlite,
        /// Beginnings of the ids in the file: most requests are new, and need no look.
        known: Mutex<HashSet<u64>>,
        running: Mutex<HashMap<ReplayId, BodyHash>>,
    },
    Postgres {
        db: Postgres,
        /// This gateway, for as long as it runs.
        owner: i64,
    },
}

impl DatabaseReplays {
    /// Needs the runtime: what is kept is written from it. `owner` tells gateways apart.
    pub async fn open(
        database: Database,
        bounds: Bounds,
        clock: Arc<dyn Clock>,
        owner: u64,
    ) -> Result<Self, DatabaseError> {
        let place = match database {
            Database::Sqlite(db) => {
                let known = Mutex::new(sqlite::known(&db).await?);
                Place::Sqlite { db, known, running: Mutex::default() }
            }
            Database::Postgres(db) => Place::Postgres { db, owner: owner.cast_signed() },
        };
        let shared = Arc::new(Shared { place, clock, bounds, waiting_bytes: AtomicUsize::new(0) });
        let (ops, queue) = mpsc::unbounded_channel();
        tokio::spawn(writer::run(Arc::clone(&shared), queue));
        let claims = matches!(shared.place, Place::Postgres { .. }).then(|| {
            let (claims, wanted) = mpsc::channel(claims::WAITING_MAX);
            tokio::spawn(claims::run(Arc::clone(&shared), ops.clone(), wanted));
            claims
        });
        Ok(DatabaseReplays { shared, ops, claims })
    }

    async fn claimed(&self, id: ReplayId, body: BodyHash) -> Result<Claim, ReplayError> {
        let (db, known, running) = match (&self.shared.place, &self.claims) {
            (Place::Sqlite { db, known, running }, _) => (db, known, running),
            (Place::Postgres { .. }, Some(claims)) => {
                let asked = tokio::time::timeout(CLAIM_TIMEOUT, claims::ask(claims, id, body)).await;
                return asked.unwrap_or_else(|late| Err(ReplayError(late.into())));
            }
            (Place::Postgres { .. }, None) => return Err(ReplayError("nobody asks PostgreSQL".into())),
        };
        // Taken before anybody waits: of two that come now, one goes on.
        if let Some(twin) = taken(&mut lock(running), id, body) {
            return Ok(if twin == body { Claim::Running } else { Claim::Changed });
        }
        if !lock(known).contains(&id.beginning()) {
            return Ok(Claim::New);
        }
        match sqlite::find(db, &id, self.shared.now_ms()).await {
            Ok(None) => Ok(Claim::New),
            Ok(Some(found)) => {
                lock(running).remove(&id);
                Ok(found.judged(&body))
            }
            Err(error) => {
                lock(running).remove(&id);
                Err(ReplayError(error.into()))
            }
        }
    }
}

impl ReplayStore for DatabaseReplays {
    fn claim<'a>(
        &'a self,
        name: &'a ReplayName,
        body: &'a BodyHash,
    ) -> BoxFuture<'a, Result<Claim, ReplayError>> {
        Box::pin(self.claimed(ReplayId::of(name), *body))
    }

    fn keep(&self, name: &ReplayName, body: &BodyHash, answer: KeptAnswer) {
        let id = ReplayId::of(name);
        let bytes = answer.head.len() + answer.body.len() + ROW_BYTES;
        if self.shared.waiting_bytes.fetch_add(bytes, Relaxed) + bytes > WAITING_BYTES_MAX {
            self.shared.waiting_bytes.fetch_sub(bytes, Relaxed);
            return self.release(name);
        }
        let free_at_ms = self.shared.now_ms() + KEPT_S * 1000;
        if let Place::Sqlite { known, running, .. } = &self.shared.place {
            lock(known).insert(id.beginning());
            lock(running).remove(&id);
        }
        let _ = self.ops.send(Op::Keep(Row { id, body_hash: *body, free_at_ms, answer }));
    }

    fn release(&self, name: &ReplayName) {
        let id = ReplayId::of(name);
        match &self.shared.place {
            Place::Sqlite { running, .. } => drop(lock(running).remove(&id)),
            Place::Postgres { .. } => drop(self.ops.send(Op::Release(id))),
        }
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (done, flushed) = oneshot::channel();
            let _ = self.ops.send(Op::Flush(done));
            let _ = flushed.await;
        })
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.unix_time().as_millis()).unwrap_or(u64::MAX)
    }
}

/// An answer on its way into the database.
struct Row {
    id: ReplayId,
    body_hash: BodyHash,
    free_at_ms: u64,
    answer: KeptAnswer,
}

impl Row {
    fn bytes(&self) -> usize {
        self.answer.head.len() + self.answer.body.len() + ROW_BYTES
    }
}

/// A row as the database has it.
struct Found {
    body_hash: Vec<u8>,
    /// `None` while it runs.
    answer: Option<KeptAnswer>,
}

impl Found {
    fn judged(self, body: &BodyHash) -> Claim {
        match self.answer {
            _ if self.body_hash != body => Claim::Changed,
            None => Claim::Running,
            Some(answer) => Claim::Answered(answer),
        }
    }
}

/// Takes the place of `id`, or says with which body it is taken.
fn taken(running: &mut HashMap<ReplayId, BodyHash>, id: ReplayId, body: BodyHash) -> Option<BodyHash> {
    match running.entry(id) {
        Entry::Occupied(twin) => Some(*twin.get()),
        Entry::Vacant(place) => {
            place.insert(body);
            None
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both databases count in signed numbers; these never come near their end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
