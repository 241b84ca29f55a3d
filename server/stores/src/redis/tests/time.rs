//! Clocks that are set: Redis' own, by up to five seconds, forward and back, at any time; and gateways that disagree.

use std::time::Duration;

use novai_core::limits::window::{BUCKET_US, WINDOW_US};
use novai_core::limits::{OnStoreFailure, Refusal};

use super::world::{World, rpm};

const LIMIT: u64 = 20;
/// The longest a call may take. Smaller steps of a clock cannot be told from a slow answer; time servers do not step a
/// clock by less than 128 ms, they slow it down or speed it up.
const CALL_TIMEOUT: Duration = Duration::from_millis(500);
const STEP_MIN_US: i64 = 600_000;

/// A small generator: the same sequence on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[tokio::test]
async fn no_true_window_holds_more_than_the_limit_whatever_happens_to_redis_clock() {
    for seed in 1u64..=6 {
        let Some(mut world) = World::with(3, |settings| {
            settings.call_timeout = CALL_TIMEOUT;
        }) else {
            return;
        };
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let limits = rpm(LIMIT, OnStoreFailure::Closed);
        let mut admitted: Vec<u64> = Vec::new();
        // A gateway that has never had an answer has to believe Redis.
        for gateway in &world.gateways {
            while gateway.store.stats().failed == gateway.store.stats().asked {
                gateway.peek(&limits).await;
            }
        }
        for _ in 0..400 {
            match random.below(10) {
                0 => {
                    let off_us = random.below(10_000_000) as i64 - 5_000_000;
                    if (off_us - world.off_us).abs() >= STEP_MIN_US {
                        world.set_off(off_us);
                    }
                }
                1 => world.pass(random.below(20_000_000)),
                _ => world.pass(random.below(2_000_000)),
            }
            let gateway = &world.gateways[random.below(3) as usize];
            let within = |width_us: u64| {
                admitted.iter().filter(|at_us| **at_us + width_us > world.true_us).count() as u64
            };
            match gateway.ask(&limits, 0).await {
                Ok(_) => {
                    assert!(within(WINDOW_US) < LIMIT, "seed {seed}: over the limit at {} µs", world.true_us);
                    admitted.push(world.true_us);
                }
                Err(refusal) => {
                    assert!(matches!(refusal, Refusal::Rejected(_)), "{refusal:?}");
                    assert!(
                        within(WINDOW_US + BUCKET_US) >= LIMIT,
                        "seed {seed}: refused at {} µs",
                        world.true_us
                    );
                }
            }
        }
        assert!(admitted.len() > 60, "seed {seed}: {}", admitted.len());
    }
}
