//! The only place that knows which database a test runs on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use novai_core::clock::FixedClock;
use novai_core::money::{
    Budgets, Day, GroupBy, Ledger, Outcome, Price, Progress, Refusal, Reservation, ReservationId, Settlement,
    UsageQuery, UsageRow, Usd,
};
use novai_core::{StreamFacts, TokenUsage};
use novai_stores::database::{Database, Location, PostgresUrl};
use novai_stores::ledger::{Durability, PostgresLedger, Recovered, SqliteLedger};

use crate::server;

/// $1.00 per million in, $2.00 out: 1000 and 2000 nano-dollars per token.
pub const PRICE: Price = Price::text(1_000_000_000, 100_000_000, 2_000_000_000);
pub const TODAY: &str = "2026-11-22";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    SqlitePower,
    Postgres,
}

/// Those that this machine has.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::Sqlite, Kind::SqlitePower];
    kinds.extend(server::server().map(|_| Kind::Postgres));
    kinds
}

/// A database that outlives the gateways which open it.
pub struct Books {
    location: Location,
    durability: Durability,
    ids: AtomicU64,
    processes: AtomicU64,
    _dir: tempfile::TempDir,
}

/// One gateway's view of it.
pub struct Opened {
    pub ledger: Box<dyn Ledger>,
    pub recovered: Recovered,
}

impl Books {
    pub async fn new(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let location = match kind {
            Kind::Sqlite | Kind::SqlitePower => Location::in_dir(dir.path()),
            Kind::Postgres => Location::Postgres(Box::new(server::server().unwrap().database().await)),
        };
        let durability = if kind == Kind::SqlitePower { Durability::Power } else { Durability::Process };
        let (ids, processes) = (AtomicU64::new(1), AtomicU64::new(1));
        Books { location, durability, ids, processes, _dir: dir }
    }

    /// SQLite in this directory.
    pub fn on(dir: &Path) -> Self {
        Books::at(Location::in_dir(dir))
    }

    pub fn in_postgres(url: PostgresUrl) -> Self {
        Books::at(Location::Postgres(Box::new(url)))
    }

    fn at(location: Location) -> Self {
        Books {
            location,
            durability: Durability::Process,
            ids: AtomicU64::new(1),
            processes: AtomicU64::new(1),
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    /// SQLite: what a start says that cannot work.
    pub async fn try_open(&self) -> Result<(), String> {
        let database = Database::open(self.location.clone()).await.map_err(|error| error.to_string())?;
        let Database::Sqlite(sqlite) = database else { unreachable!() };
        let clock = Arc::new(FixedClock(Duration::from_secs(day(TODAY).unix_s())));
        let opened = SqliteLedger::open(sqlite, self.durability, clock).await;
        opened.map(drop).map_err(|error| error.to_string())
    }

    /// As the next process does, after the one before has died.
    pub async fn open(&self) -> Opened {
        if let Database::Postgres(postgres) = Database::open(self.location.clone()).await.unwrap() {
            let client = postgres.client().await.unwrap();
            // What the one before has sent still runs there, its last word that it lives among it.
            let others = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            client.query(others, &[]).await.unwrap();
            // Nobody waits for a lease to run out.
            client.execute("UPDATE processes SET alive_until = 'epoch'", &[]).await.unwrap();
        }
        self.open_another().await
    }

    /// Beside those that are open.
    pub async fn open_another(&self) -> Opened {
        let clock = Arc::new(FixedClock(Duration::from_secs(day(TODAY).unix_s() + 3600)));
        match Database::open(self.location.clone()).await.unwrap() {
            Database::Sqlite(sqlite) => {
                let (ledger, recovered) = SqliteLedger::open(sqlite, self.durability, clock).await.unwrap();
                Opened { ledger: Box::new(ledger), recovered }
            }
            Database::Postgres(postgres) => {
                let process = self.processes.fetch_add(1, Relaxed);
                let (ledger, recovered) = PostgresLedger::open(postgres, clock, process).await.unwrap();
                Opened { ledger: Box::new(ledger), recovered }
            }
        }
    }

    /// On [`TODAY`], `tokens` out at most.
    pub fn reservation(&self, key_id: &str, tokens: u64) -> Reservation {
        Reservation {
            id: ReservationId(self.ids.fetch_add(1, Relaxed).into()),
            admitted_at_ms: (day(TODAY).unix_s() + 60) * 1000,
            key_id: key_id.into(),
            tenant: None,
            model: "m".into(),
            provider: "p".into(),
            upstream_model: "up-m".into(),
            request_id: "req_1".into(),
            price: PRICE,
            prompt_tokens_likely: 10,
            images: 0,
            reserved: PRICE.worst_case(0, tokens, 0),
        }
    }
}

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

pub fn usage(prompt: u64, completion: u64) -> TokenUsage {
    TokenUsage { prompt, completion, total: prompt + completion, ..TokenUsage::default() }
}

pub async fn reserve(
    ledger: &dyn Ledger,
    reservation: &Arc<Reservation>,
    budgets: &Budgets,
) -> Result<(), Refusal> {
    ledger.reserve(reservation, budgets, None).durable().await
}

/// Settles by what the upstream counted.
pub fn settle(ledger: &dyn Ledger, reservation: &Arc<Reservation>, tokens: TokenUsage) -> Settlement {
    let progress = Progress { tokens_likely: 1, usage: Some(tokens) };
    let settlement = Settlement::of(reservation, Outcome::Complete, progress, reservation.admitted_at_ms + 5);
    ledger.settle(reservation, settlement);
    settlement
}

pub fn facts(events: u64, usage: Option<TokenUsage>) -> Arc<StreamFacts> {
    Arc::new(StreamFacts::from(Progress { tokens_likely: events, usage }))
}

/// Everything of the two days around [`TODAY`].
pub fn everything(group_by: GroupBy) -> UsageQuery {
    UsageQuery {
        from: day("2026-11-01"),
        to: day("2026-12-31"),
        key_id: None,
        tenant: None,
        model: None,
        group_by,
        after: None,
        rows_max: 100,
    }
}

/// Requests, prompt tokens, completion tokens, nano-dollars of everything.
pub async fn totals(ledger: &dyn Ledger) -> (u64, u64, u64, u64) {
    let page = ledger.usage(everything(GroupBy::default())).await.unwrap();
    page.rows.first().map_or((0, 0, 0, 0), |row: &UsageRow| {
        (row.requests, row.tokens.prompt, row.tokens.completion, row.cost.nano)
    })
}

pub fn nano(nano: u64) -> Usd {
    Usd::from_nano(nano)
}
