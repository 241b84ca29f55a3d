//! Randomness for draws and pauses: not secret, only spread. Seeded, so that tests know what comes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// splitmix64. Shared without a lock: each call takes a step of its own.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, without `end`; 0 if there is no such number.
    ///
    /// The high half of a product, not a remainder: its bias is below `end` in 2⁶⁴.
    pub(super) fn below(&self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_the_same_for_the_same_seed() {
        let random = Random::new(7);
        let mut drawn = [0_u32; 5];
        for _ in 0..10_000 {
            drawn[random.below(5) as usize] += 1;
        }
        assert!(drawn.iter().all(|count| (1800..2200).contains(count)), "{drawn:?}");
        assert_eq!((random.below(0), random.below(1)), (0, 0));
        let (one, other) = (Random::new(3), Random::new(3));
        assert!((0..10).all(|_| one.below(1000) == other.below(1000)));
    }
}
