//! The only place that knows which database a test runs on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use novai_core::clock::FixedClock;
use novai_core::money::{
    Budgets, Day, GroupBy, Ledger, Outcome, Price, Progress, Refusal, Reservation, ReservationId, Settlement,
    UsageQuery, UsageRow, Usd,
};
use novai_core::{StreamFacts, TokenUsage};
use novai_stores::database::{Database, Location};
use novai_stores::ledger::{Durability, Recovered, SqliteLedger};

/// $1.00 per million in, $2.00 out: 1000 and 2000 nano-dollars per token.
pub const PRICE: Price = Price::text(1_000_000_000, 100_000_000, 2_000_000_000);
pub const TODAY: &str = "2026-11-22";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    SqlitePower,
}

pub const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::SqlitePower];

/// A database that outlives the gateways which open it.
pub struct Books {
    kind: Kind,
    dir: tempfile::TempDir,
    ids: AtomicU64,
}

/// One gateway's view of it.
pub struct Opened {
    pub ledger: Box<dyn Ledger>,
    pub recovered: Recovered,
}

impl Books {
    pub fn new(kind: Kind) -> Self {
        Books { kind, dir: tempfile::tempdir().unwrap(), ids: AtomicU64::new(1) }
    }

    pub async fn open(&self) -> Opened {
        let location = Location::in_dir(self.dir.path());
        let Database::Sqlite(database) = Database::open(location).await.unwrap() else { unreachable!() };
        let durability = match self.kind {
            Kind::Sqlite => Durability::Process,
            Kind::SqlitePower => Durability::Power,
        };
        let clock = FixedClock(Duration::from_secs(day(TODAY).unix_s() + 3600));
        let (ledger, recovered) = SqliteLedger::open(database, durability, Arc::new(clock)).await.unwrap();
        Opened { ledger: Box::new(ledger), recovered }
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
