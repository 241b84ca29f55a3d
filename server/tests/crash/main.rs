//! The gateway killed (`kill -9`) at any moment, again and again: afterwards every request that the upstream counted is in
//! the ledger once, and every answer that a client saw to its end to the token.
//!
//! `NOVAI_CRASH_KILLS` says how often; `cargo xtask crash` does it 200 times. `NOVAI_CRASH_SEED` repeats a run's plan, as far
//! as the machine's timing lets it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod books;
mod client;
mod gateway;
#[path = "../support/http.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod http;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod process;
mod random;
mod upstream;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use books::Row;
use client::{Call, Seen};
use gateway::Gateway;
use random::Random;
use upstream::{Counted, Upstream};

const KILLS_DEFAULT: u64 = 8;
const CLIENTS: u64 = 6;
const PRICE_IN_NANO: u64 = 1000;
const PRICE_OUT_NANO: u64 = 2000;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_is_lost_and_nothing_doubled() {
    let kills = from_env("NOVAI_CRASH_KILLS", KILLS_DEFAULT);
    let seed = from_env("NOVAI_CRASH_SEED", 20_261_122);
    println!("{kills} kills, seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let seen: Arc<Mutex<HashMap<String, Seen>>> = Arc::default();
    let mut random = Random::new(seed);
    for round in 0..kills {
        // Now and then before it has even listened: in the middle of settling what the last one left.
        if random.below(4) == 0 {
            Gateway::spawn_and_kill(
                dir.path(),
                upstream.address,
                Duration::from_micros(random.below(60_000)),
            );
        }
        let mut gateway = Gateway::start(dir.path(), upstream.address);
        let stop = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (seen, stop, address) = (Arc::clone(&seen), Arc::clone(&stop), gateway.address);
                let mut random = random.fork();
                std::thread::spawn(move || {
                    for number in 0.. {
                        if stop.load(SeqCst) {
                            return;
                        }
                        let id = format!("r-{round}-{client}-{number}");
                        let call = Call::any(&mut random);
                        let Some(outcome) = client::ask(address, &id, call) else { return };
                        seen.lock().unwrap().insert(id, outcome);
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_micros(random.below(250_000)));
        gateway.process.kill();
        stop.store(true, SeqCst);
        for client in clients {
            client.join().unwrap();
        }
    }
    // Whoever comes next settles the rest.
    Gateway::start(dir.path(), upstream.address).process.stop();

    let counted = upstream.counted();
    let seen = seen.lock().unwrap();
    let rows = books::rows(dir.path());
    check(&counted, &seen, &rows);
    books::check_sums(dir.path(), &rows);
    let of = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
    println!(
        "{} requests, {} counted upstream, {} rows: {} complete, {} broken, {} left by their clients, {} recovered, {} released",
        seen.len(),
        counted.len(),
        rows.len(),
        of("complete"),
        of("broken"),
        of("client_left"),
        of("recovered"),
        of("released"),
    );
    assert!(of("complete") > 0 && of("client_left") > 0, "the run must have shown something");
}

fn check(counted: &HashMap<String, Counted>, seen: &HashMap<String, Seen>, rows: &[Row]) {
    let mut by_id: HashMap<&str, &Row> = HashMap::new();
    for row in rows {
        assert!(by_id.insert(&row.request_id, row).is_none(), "doubled: {row:?}");
        assert!(seen.contains_key(&row.request_id), "nobody asked for {row:?}");
    }
    for (id, counts) in counted {
        let row = by_id.get(id.as_str()).unwrap_or_else(|| panic!("lost: {id}, {counts:?}"));
        let (prompt, completion) = (counts.prompt, counts.completion);
        if !row.is_estimate && row.outcome != "released" {
            assert_eq!((row.prompt, row.completion), (prompt, completion), "not to the token: {row:?}");
        } else {
            assert!(row.completion <= completion, "more than there was: {row:?}, {counts:?}");
        }
    }
    for (id, outcome) in seen {
        let Seen::Whole { completion } = outcome else { continue };
        let row =
            by_id.get(id.as_str()).unwrap_or_else(|| panic!("lost, though its client has it all: {id}"));
        assert_eq!(
            (row.outcome.as_str(), row.is_estimate, row.completion),
            ("complete", false, *completion),
            "{row:?}"
        );
    }
    for row in rows {
        assert_eq!(row.cost_nano, row.prompt * PRICE_IN_NANO + row.completion * PRICE_OUT_NANO, "{row:?}");
    }
}
