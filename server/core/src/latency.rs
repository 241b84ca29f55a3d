//! How long something takes, counted where it happens and read by whoever shows it.
//!
//! Plain atomics: no lock, no allocation, and no metrics library below `http`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a decision of a store may take: from one that is in memory to one that missed every deadline.
pub const BOUNDS: [Duration; 12] = {
    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }
    [
        us(100),
        us(250),
        us(500),
        us(1_000),
        us(2_500),
        us(5_000),
        us(10_000),
        us(25_000),
        us(50_000),
        us(100_000),
        us(500_000),
        us(2_500_000),
    ]
};

/// A histogram over [`BOUNDS`].
#[derive(Debug, Default)]
pub struct Latencies {
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum_ns: AtomicU64,
}

/// As [`Latencies`] stood at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencySnapshot {
    /// Those up to each bound and above the one before; the last: those above all bounds.
    pub counts: [u64; BOUNDS.len() + 1],
    pub sum: Duration,
}

impl Latencies {
    pub fn observe(&self, took: Duration) {
        let bucket = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn snapshot(&self) -> LatencySnapshot {
        LatencySnapshot {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Relaxed)),
            sum: Duration::from_nanos(self.sum_ns.load(Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let latencies = Latencies::default();
        for us in [0, 100, 101, 2_500_000, 2_500_001] {
            latencies.observe(Duration::from_micros(us));
        }
        let seen = latencies.snapshot();
        assert_eq!((seen.counts[0], seen.counts[1]), (2, 1));
        assert_eq!((seen.counts[11], seen.counts[12]), (1, 1));
        assert_eq!(seen.sum, Duration::from_micros(5_000_202));
    }
}
