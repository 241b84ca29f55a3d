//! The ledger under load: how many requests it settles in a second, and how long a question takes over a month of rows.
//!
//! Small here; `cargo xtask bench ledger` asks for more by `NOVAI_LOAD_REQUESTS` and `NOVAI_LOAD_ROWS` and reads the lines
//! that begin with `figure:`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "server/mod.rs"]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use novai_core::money::{
    Budgets, Day, GroupBy, Ledger, Outcome, Price, Progress, Reservation, ReservationId, Settlement,
    UsageQuery,
};
use novai_core::{SystemClock, TokenUsage};
use novai_stores::database::{Database, Location, Sqlite};
use novai_stores::ledger::{Durability, PostgresLedger, SqliteLedger};

const CALLERS: u64 = 16;
const PRICE: Price = Price::text(1_000_000_000, 100_000_000, 2_000_000_000);

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn figure(name: &str, value: f64) {
    println!("figure: {name} = {value}");
}

fn reservation(id: u64, day: Day) -> Reservation {
    Reservation {
        id: ReservationId(id.into()),
        admitted_at_ms: day.unix_s() * 1000,
        key_id: format!("key_{}", id % 50).into(),
        tenant: None,
        model: "gpt-4.1".into(),
        provider: "openai".into(),
        upstream_model: "gpt-4.1-2025-04-14".into(),
        request_id: format!("req_{id:026}").into(),
        price: PRICE,
        prompt_tokens_likely: 100,
        images: 0,
        reserved: PRICE.worst_case(400, 1000, 0),
    }
}

/// Reserves and settles from many tasks at once. Requests per second until everything is in the database.
async fn settled_per_second(ledger: Arc<dyn Ledger>, requests: u64) -> f64 {
    let next = Arc::new(AtomicU64::new(1));
    let day = Day::parse("2026-11-22").unwrap();
    let started = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (ledger, next) = (Arc::clone(&ledger), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            loop {
                let id = next.fetch_add(1, Relaxed);
                if id > requests {
                    return;
                }
                let reservation = Arc::new(reservation(id, day));
                ledger.reserve(&reservation, &Budgets::default(), None).durable().await.unwrap();
                let usage = TokenUsage { prompt: 100, completion: 50, total: 150, ..TokenUsage::default() };
                let progress = Progress { tokens_likely: 0, usage: Some(usage) };
                let now_ms = reservation.admitted_at_ms + 1000;
                ledger
                    .settle(&reservation, Settlement::of(&reservation, Outcome::Complete, progress, now_ms));
                // As a request does, which waits for its upstream.
                tokio::task::yield_now().await;
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    ledger.flush().await.unwrap();
    requests as f64 / started.elapsed().as_secs_f64()
}

async fn sqlite(dir: &tempfile::TempDir) -> Sqlite {
    match Database::open(Location::in_dir(dir.path())).await.unwrap() {
        Database::Sqlite(sqlite) => sqlite,
        Database::Postgres(_) => unreachable!("a file was asked for"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_settled() {
    let requests = from_env("NOVAI_LOAD_REQUESTS", 2_000);
    for (name, durability, requests) in [
        ("sqlite settled/s", Durability::Process, requests),
        ("sqlite settled/s, each waits for the disk", Durability::Power, requests / 20),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let opened = SqliteLedger::open(sqlite(&dir).await, durability, Arc::new(SystemClock)).await.unwrap();
        figure(name, settled_per_second(Arc::new(opened.0), requests).await);
    }
    if let Some(server) = server::server() {
        let location = Location::Postgres(Box::new(server.database().await));
        let Database::Postgres(postgres) = Database::open(location).await.unwrap() else { unreachable!() };
        let opened = PostgresLedger::open(postgres, Arc::new(SystemClock), 1).await.unwrap();
        figure("postgres settled/s", settled_per_second(Arc::new(opened.0), requests / 10).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_summed() {
    let rows = from_env("NOVAI_LOAD_ROWS", 10_000);
    let dir = tempfile::tempdir().unwrap();
    let database = sqlite(&dir).await;
    let first_day = Day::parse("2026-11-01").unwrap();
    // 100 keys, 5 models, 30 days; sums as the ledger keeps them.
    database
        .with(move |connection| {
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
                 INSERT INTO ledger SELECT CAST(printf('%016d', i) AS BLOB), 0, 0, ?2 + i % 30, 'key_' || (i % 100), '',
                     'model_' || (i % 5), 'p', 'm', printf('req_%026d', i), 'complete', 0, 100, 0, 50, 0, 1, 1 FROM n",
                (i64::try_from(rows).unwrap(), first_day.0),
            )?;
            connection.execute(
                "INSERT INTO usage_daily SELECT key_id, day, model, tenant, count(*), sum(prompt_tokens),
                     sum(cached_tokens), sum(completion_tokens), sum(reasoning_tokens), sum(cost_nano_usd)
                 FROM ledger GROUP BY key_id, day, model, tenant",
                (),
            )
        })
        .await
        .unwrap();
    let (ledger, _) = SqliteLedger::open(database, Durability::Process, Arc::new(SystemClock)).await.unwrap();
    let query = |key: Option<&str>| UsageQuery {
        from: first_day,
        to: Day(first_day.0 + 29),
        key_id: key.map(Arc::from),
        tenant: None,
        model: None,
        group_by: GroupBy { day: true, model: true, key: false },
        after: None,
        rows_max: 1000,
    };
    for (name, key) in [("ms per key's month", Some("key_7")), ("ms for everybody's month", None)] {
        let started = Instant::now();
        let page = ledger.usage(query(key)).await.unwrap();
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        assert!(!page.rows.is_empty() && !page.has_more);
        let requests: u64 = page.rows.iter().map(|row| row.requests).sum();
        assert_eq!(requests, if key.is_some() { rows / 100 } else { rows });
        figure(&format!("{name} of {rows} rows"), ms);
    }
}
