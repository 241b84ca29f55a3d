//! Ids of reservations: milliseconds, the process, a counter. Nobody is asked, and no two are equal.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::ledger::ReservationId;

const PROCESS_BITS: u32 = 40;
const COUNTER_BITS: u32 = 40;

/// Makes one process's ids.
#[derive(Debug)]
pub struct ReservationIds {
    process: u128,
    next: AtomicU64,
}

impl ReservationIds {
    /// `random`: of its own for each start of each process; 40 bits of it are used.
    pub fn new(random: u64) -> Self {
        let process = u128::from(random) & ((1 << PROCESS_BITS) - 1);
        ReservationIds { process, next: AtomicU64::new(0) }
    }

    pub fn next(&self, unix_ms: u64) -> ReservationId {
        // 10¹² requests per start before a counter comes again, in another millisecond.
        let counter = u128::from(self.next.fetch_add(1, Relaxed)) & ((1 << COUNTER_BITS) - 1);
        let time = u128::from(unix_ms) << (PROCESS_BITS + COUNTER_BITS);
        ReservationId(time | self.process << COUNTER_BITS | counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_order_by_time() {
        let (one, other) = (ReservationIds::new(u64::MAX), ReservationIds::new(7));
        let ids = [one.next(5), one.next(5), other.next(5), one.next(6), other.next(6)];
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert!(ids[..3].iter().max() < ids[3..].iter().min());
        assert_eq!(one.next(1_795_315_435_000).0 >> 80, 1_795_315_435_000);
    }
}
