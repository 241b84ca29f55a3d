//! Limits under load: three gateways on one real Redis, asked by many at once; and how long a decision in memory takes.
//!
//! Small by default. `cargo xtask bench limits` asks a million times, in a release build (`NOVAI_LOAD_REQUESTS`), and reads
//! the lines that begin with `figure:`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "../src/redis/tests/server.rs"]
#[allow(dead_code, reason = "not every test stops its server in the middle")]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use novai_core::limits::{
    AppliedLimit, Demand, LimitScope, LimitSpec, LimitStore, MemoryStore, OnStoreFailure, Refusal, ScopeKind,
    TokioClock,
};
use novai_stores::redis::{RedisSettings, RedisStore};
use server::Server;

const REPLICAS: usize = 3;
/// Asking at the same time, in each replica.
const TASKS: usize = 16;
const KEYS: u64 = 8;
const WINDOW: Duration = Duration::from_secs(60);

fn requests() -> u64 {
    std::env::var("NOVAI_LOAD_REQUESTS").map_or(20_000, |text| text.parse().expect("a number"))
}

fn figure(name: &str, value: f64) {
    println!("figure: {name} = {value}");
}

fn limit(kind: ScopeKind, name: &str, rpm: u64, tpm: u64) -> AppliedLimit {
    AppliedLimit {
        scope: LimitScope { kind, name: name.into() },
        spec: LimitSpec { rpm: Some(rpm), tpm: Some(tpm), concurrent: None },
        on_store_failure: OnStoreFailure::Closed,
    }
}

/// One admitted request: it took effect between the two moments.
struct Admitted {
    key: u64,
    sent_at: Instant,
    received_at: Instant,
    tokens: u64,
}

/// How many requests or tokens more than the limits allow lay certainly within one window, in the worst window.
fn over<'a>(admitted: impl Iterator<Item = &'a Admitted> + Clone, rpm: u64, tpm: u64) -> u64 {
    let mut sent: Vec<(Instant, u64)> = admitted.clone().map(|one| (one.sent_at, one.tokens)).collect();
    let mut received: Vec<(Instant, u64)> = admitted.map(|one| (one.received_at, one.tokens)).collect();
    sent.sort();
    received.sort();
    let mut worst = 0;
    // What had an answer before the window's end, less what was asked before its beginning.
    let (mut answered, mut answered_tokens) = (0usize, 0u64);
    let mut asked_tokens = 0;
    for (asked, (begin, tokens)) in sent.iter().enumerate() {
        while let Some((_, tokens)) = received.get(answered).filter(|(at, _)| *at < *begin + WINDOW) {
            answered += 1;
            answered_tokens += tokens;
        }
        worst = worst.max(((answered - asked) as u64).saturating_sub(rpm));
        worst = worst.max((answered_tokens - asked_tokens).saturating_sub(tpm));
        asked_tokens += tokens;
    }
    worst
}

/// Each request has limits of its key, of the model and of everybody. What is settled with less goes back, so the same tokens
/// are handed out many times.
#[tokio::test(flavor = "multi_thread")]
async fn three_gateways_on_one_redis_never_admit_too_much() {
    let Some(server) = Server::start() else { return };
    let total = requests();
    // The keys together would exceed everybody's limit, so both kinds bind.
    let (key_rpm, all_rpm) = ((total / 100).max(20), (total / 20).max(100));
    let (key_tpm, all_tpm) = (key_rpm * 40, all_rpm * 30);
    let left = Arc::new(AtomicU64::new(total));
    let started_at = Instant::now();
    let mut asking = Vec::new();
    let mut stores = Vec::new();
    for replica in 0..REPLICAS {
        let mut settings = RedisSettings::new(&server.url()).unwrap();
        // A busy machine is no outage.
        settings.call_timeout = Duration::from_secs(10);
        settings.replicas = REPLICAS as u64;
        let store = RedisStore::new(&settings, Arc::new(TokioClock::new())).unwrap();
        stores.push(store.clone());
        for task in 0..TASKS {
            let (store, left) = (store.clone(), Arc::clone(&left));
            asking.push(tokio::spawn(async move {
                let mut admitted = Vec::new();
                let mut number = (replica * TASKS + task) as u64;
                while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                    number = number
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let (key, tokens) = ((number >> 33) % KEYS, (number >> 40) % 100);
                    let limits = vec![
                        limit(ScopeKind::Key, &key.to_string(), key_rpm, key_tpm),
                        limit(ScopeKind::Model, "m", all_rpm, all_tpm),
                        limit(ScopeKind::Global, "", all_rpm, all_tpm),
                    ];
                    let sent_at = Instant::now();
                    match store.admit(Demand { limits, tokens }).resolve().await {
                        Ok(permit) => {
                            let received_at = Instant::now();
                            let used = tokens / 2;
                            permit.settle(used);
                            admitted.push(Admitted { key, sent_at, received_at, tokens: used });
                        }
                        Err(Refusal::Rejected(_)) => {}
                        Err(Refusal::Unavailable { reason }) => panic!("{reason}"),
                    }
                }
                admitted
            }));
        }
    }
    let mut admitted = Vec::new();
    for task in asking {
        admitted.extend(task.await.unwrap());
    }
    let elapsed = started_at.elapsed();
    for store in &stores {
        store.drained().await;
        assert_eq!((store.stats().failed, store.stats().settlements_lost), (0, 0));
    }

    let count = admitted.len();
    let mut over_at_all = over(admitted.iter(), all_rpm, all_tpm);
    for key in 0..KEYS {
        over_at_all = over_at_all.max(over(admitted.iter().filter(|one| one.key == key), key_rpm, key_tpm));
    }
    let asked: u64 = stores.iter().map(|store| store.stats().asked).sum();
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut server.connect()).unwrap();
    // Every admitted request is settled by a second call, which nobody waits for.
    let calls = calls_of(&stats, "evalsha") + calls_of(&stats, "eval");
    let decisions = calls - count as f64;
    figure("requests", asked as f64);
    figure("admitted", count as f64);
    figure("over", over_at_all as f64);
    figure("round trips per decision", decisions / asked as f64);
    figure("redis decisions per second", asked as f64 / elapsed.as_secs_f64());
    assert_eq!(over_at_all, 0);
    assert!(count as u64 >= all_rpm.min(all_tpm / 100), "{count} of {asked}: the limits were not reached");
    assert!(decisions / (asked as f64) < 1.01, "{decisions} calls for {asked} decisions");
}

fn calls_of(stats: &str, command: &str) -> f64 {
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0.0)
}

/// A decision over four limits, and its settlement, in one thread.
#[tokio::test]
async fn decisions_in_memory_are_cheap() {
    let total = requests();
    let store = MemoryStore::new(Arc::new(TokioClock::new()), 1_000_000);
    let scopes: Vec<Vec<AppliedLimit>> = (0..1000)
        .map(|caller| {
            vec![
                limit(ScopeKind::Key, &format!("key_{caller}"), u64::MAX, u64::MAX),
                limit(ScopeKind::Tenant, &format!("tenant_{}", caller % 50), u64::MAX, u64::MAX),
                limit(ScopeKind::Model, "gpt-4.1", u64::MAX, u64::MAX),
                limit(ScopeKind::Global, "", u64::MAX, u64::MAX),
            ]
        })
        .collect();
    let mut decided = Duration::ZERO;
    let mut settled = Duration::ZERO;
    for number in 0..total {
        let limits = scopes[number as usize % scopes.len()].clone();
        let started_at = Instant::now();
        let permit = store.admit_now(Demand { limits, tokens: 1000 }).unwrap();
        let admitted_at = Instant::now();
        permit.settle(500);
        settled += admitted_at.elapsed();
        decided += admitted_at.duration_since(started_at);
    }
    let ns = |time: Duration| time.as_nanos() as f64 / total as f64;
    figure("memory decision ns", ns(decided));
    figure("memory settlement ns", ns(settled));
    figure("memory decisions per second", 1e9 / ns(decided));
    let seen = store.peek_now(&scopes[0]);
    assert_eq!(seen.requests.map(|quota| quota.remaining), Some(u64::MAX - total));
}
