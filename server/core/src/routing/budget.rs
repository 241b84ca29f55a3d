//! How many retries all requests together may make.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Every request earns a part of a retry. What is saved up is bounded: a quiet night does not pay for a stormy morning.
///
/// So of any N requests in a row, at most N × percent ÷ 100 + 100 are retries.
#[derive(Debug)]
pub(super) struct RetryBudget {
    /// Hundredths of a retry.
    saved: AtomicI64,
    earned_each: i64,
}

const RETRY: i64 = 100;
const SAVED_MAX: i64 = 100 * RETRY;
/// So that the first requests after a start may be retried.
const SAVED_AT_START: i64 = 10 * RETRY;

impl RetryBudget {
    pub(super) fn new(percent: u32) -> Self {
        let saved = if percent == 0 { 0 } else { SAVED_AT_START };
        RetryBudget { saved: AtomicI64::new(saved), earned_each: i64::from(percent) }
    }

    pub(super) fn earn(&self) {
        // Not exact when many do it at once, and need not be: too few are earned then, by less than there are threads.
        let saved = self.saved.load(Relaxed);
        if saved < SAVED_MAX {
            self.saved.fetch_add(self.earned_each.min(SAVED_MAX - saved), Relaxed);
        }
    }

    /// False if there is none left.
    pub(super) fn spend(&self) -> bool {
        let take = |saved: i64| (saved >= RETRY).then(|| saved - RETRY);
        self.saved.fetch_update(Relaxed, Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_the_requests() {
        let budget = RetryBudget::new(20);
        let spent = |requests: usize| {
            (0..requests)
                .filter(|_| {
                    budget.earn();
                    budget.spend()
                })
                .count()
        };
        assert_eq!(spent(1000), 10 + 1000 / 5);
        assert_eq!(spent(1000), 1000 / 5);
        for _ in 0..1_000_000 {
            budget.earn();
        }
        assert_eq!((0..1000).filter(|_| budget.spend()).count(), 100, "no more is ever saved");
        let none = RetryBudget::new(0);
        none.earn();
        assert!(!none.spend());
    }
}
