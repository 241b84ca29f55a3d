//! One contract for both stores: whatever is asked and settled, in whatever order, Redis answers as memory does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use novai_core::limits::{
    AppliedLimit, Demand, LimitSpec, MemoryStore, OnStoreFailure, Permit, Refusal, ScopeKind, SteadyClock,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::{EPOCH_US, Gateway, World, limit};

/// The same time as Redis': buckets begin at the same moments.
struct Manual(AtomicU64);

impl SteadyClock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Ask { tokens: u64, scopes: u8 },
    Settle { at: usize, percent: u64 },
    Drop { at: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..3_000_000).prop_map(Step::Wait),
        1 => (0u64..70_000_000).prop_map(Step::Wait),
        10 => (0u64..60, 1u8..16).prop_map(|(tokens, scopes)| Step::Ask { tokens, scopes }),
        4 => (any::<usize>(), 0u64..150).prop_map(|(at, percent)| Step::Settle { at, percent }),
        1 => any::<usize>().prop_map(|at| Step::Drop { at }),
    ]
}

fn spec() -> impl Strategy<Value = LimitSpec> {
    (prop::option::of(0u64..12), prop::option::of(0u64..200), prop::option::of(0u64..5))
        .prop_map(|(rpm, tpm, concurrent)| LimitSpec { rpm, tpm, concurrent })
}

/// Leases are Redis' alone: long enough not to end.
const DAY: Duration = Duration::from_secs(86_400);
/// Sequences, each from its own seed: a failure says which.
const SEQUENCES: u64 = 40;

#[tokio::test]
async fn redis_decides_as_memory_does() {
    let Some(mut world) = World::with(2, |settings| settings.lease = DAY) else { return };
    for seed in 0..SEQUENCES {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let cases = (prop::collection::vec(spec(), 4), prop::collection::vec(step(), 60));
        let (specs, steps) = cases.new_tree(&mut runner).unwrap().current();
        compare(&mut world, seed, &specs, steps).await;
    }
}

async fn compare(world: &mut World, seed: u64, specs: &[LimitSpec], steps: Vec<Step>) {
    let clock = Arc::new(Manual(AtomicU64::new(EPOCH_US + world.true_us)));
    let memory = MemoryStore::new(Arc::clone(&clock) as Arc<dyn SteadyClock>, 10_000);
    let kinds = [ScopeKind::Key, ScopeKind::Tenant, ScopeKind::Model, ScopeKind::Global];
    let limits_of = |scopes: u8| -> Vec<AppliedLimit> {
        let chosen = kinds.iter().zip(specs).enumerate().filter(|(scope, _)| scopes & (1 << scope) != 0);
        let name = format!("x}}{seed}");
        chosen.map(|(_, (kind, spec))| limit(*kind, &name, *spec, OnStoreFailure::Closed)).collect()
    };
    let mut running: Vec<(Permit, Permit, u64)> = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let place = format!("seed {seed}, step {number}: {step:?} with {specs:?}");
        // Whichever gateway asks: they share what they know.
        let gateway: &Gateway = &world.gateways[number % world.gateways.len()];
        match step {
            Step::Wait(us) => {
                world.pass(us);
                clock.0.fetch_add(us, SeqCst);
            }
            Step::Ask { tokens, scopes } => {
                let limits = limits_of(scopes);
                let own = memory.admit_now(Demand { limits: limits.clone(), tokens });
                match (gateway.ask(&limits, tokens).await, own) {
                    (Ok(shared), Ok(own)) => {
                        assert_eq!(shared.snapshot(), own.snapshot(), "{place}");
                        running.push((shared, own, tokens));
                    }
                    (Err(Refusal::Rejected(shared)), Err(Refusal::Rejected(own))) => {
                        assert_eq!(shared, own, "{place}");
                    }
                    (shared, own) => panic!("{place}: redis {shared:?}, memory {own:?}"),
                }
                assert_eq!(gateway.peek(&limits).await, memory.peek_now(&limits), "{place}");
            }
            Step::Settle { at, percent } if !running.is_empty() => {
                let (shared, own, tokens) = running.swap_remove(at % running.len());
                shared.settle(tokens * percent / 100);
                own.settle(tokens * percent / 100);
                world.settled().await;
            }
            Step::Drop { at } if !running.is_empty() => {
                drop(running.swap_remove(at % running.len()));
                world.settled().await;
            }
            Step::Settle { .. } | Step::Drop { .. } => {}
        }
    }
    drop(running);
    world.settled().await;
}

#[tokio::test]
async fn ending_twice_is_ending_once_and_a_lost_script_is_sent_again() {
    let Some(world) = World::new(1) else { return };
    let gateway = &world.gateways[0];
    let limits = vec![limit(
        ScopeKind::Key,
        "k",
        LimitSpec { rpm: Some(10), tpm: Some(100), concurrent: Some(10) },
        OnStoreFailure::Closed,
    )];
    let first = gateway.ask(&limits, 40).await.unwrap();
    let second = gateway.ask(&limits, 40).await.unwrap();
    redis::cmd("SCRIPT").arg("FLUSH").exec(&mut world.server.connect()).unwrap();
    first.settle(10);
    world.settled().await;
    let calls = &gateway.store.inner.calls;
    let mut ended = crate::redis::calls::Ended {
        id: format!("{}-0", calls.next_id().rsplit_once('-').unwrap().0),
        keys: vec![calls.keys.window(&limits[0].scope), calls.keys.running(&limits[0].scope)],
        reserved: 40,
        used: 0,
        was_admitted: false,
    };
    calls.settle(&ended).await.unwrap();
    let seen = gateway.peek(&limits).await;
    assert_eq!((seen.requests.unwrap().remaining, seen.tokens.unwrap().remaining), (8, 50));
    drop(second);
    world.settled().await;
    ended.id = "nobody".to_owned();
    calls.settle(&ended).await.unwrap();
    let seen = gateway.peek(&limits).await;
    assert_eq!((seen.requests.unwrap().remaining, seen.tokens.unwrap().remaining), (8, 90));
}
