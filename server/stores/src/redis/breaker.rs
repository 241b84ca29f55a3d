//! Stops asking a store that does not answer: its silence would cost every request the whole deadline.

use std::sync::{Mutex, PoisonError};

/// One lost answer is bad luck.
const FAILURES_MAX: u32 = 3;
/// Between two trials.
pub const PAUSE_US: u64 = 1_000_000;

#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// Nobody asks before this moment; then one does, and the others wait for what it learns.
    Open {
        until_us: u64,
    },
}

impl Default for State {
    fn default() -> Self {
        State::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether to ask. Whoever may, tells how it went.
    pub fn may_ask(&self, now_us: u64) -> bool {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => true,
            State::Open { until_us } if now_us < until_us => false,
            State::Open { .. } => {
                *state = State::Open { until_us: now_us + PAUSE_US };
                true
            }
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    /// True if this ended a failure.
    pub fn succeeded(&self) -> bool {
        let before = std::mem::take(&mut *self.lock());
        matches!(before, State::Open { .. })
    }

    /// True if this was the failure that stops the asking.
    pub fn failed(&self, now_us: u64) -> bool {
        let mut state = self.lock();
        let open = State::Open { until_us: now_us + PAUSE_US };
        match *state {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => {
                *state = State::Closed { failures: failures + 1 };
                false
            }
            State::Closed { .. } => {
                *state = open;
                true
            }
            State::Open { .. } => {
                *state = open;
                false
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_stop_the_asking_and_one_trial_per_pause_goes_on() {
        let breaker = Breaker::default();
        assert!(!breaker.failed(0));
        assert!(!breaker.failed(0));
        assert!(!breaker.succeeded(), "nothing had ended");
        for _ in 0..2 {
            assert!(breaker.may_ask(0));
            assert!(!breaker.failed(0));
        }
        assert!(breaker.failed(0));
        assert!(breaker.is_open());
        assert!(!breaker.may_ask(PAUSE_US - 1));
        assert!(breaker.may_ask(PAUSE_US), "a trial");
        assert!(!breaker.may_ask(PAUSE_US), "one at a time");
        assert!(!breaker.failed(PAUSE_US + 5));
        assert!(!breaker.may_ask(2 * PAUSE_US));
        assert!(breaker.may_ask(2 * PAUSE_US + 5));
        assert!(breaker.succeeded());
        assert!(breaker.may_ask(2 * PAUSE_US + 5) && !breaker.is_open());
    }
}
