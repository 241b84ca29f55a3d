//! How long to wait before all targets are asked again.

use std::time::Duration;

use super::RoutingPolicy;
use super::random::Random;

pub(super) struct Backoff {
    left: u32,
    longest: Duration,
    pause_max: Duration,
}

impl Backoff {
    pub(super) fn new(policy: &RoutingPolicy) -> Self {
        Backoff { left: policy.retries, longest: policy.retry_pause, pause_max: policy.retry_pause_max }
    }

    /// No retry is left.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// `None` if there is no retry left, or nobody can be asked soon enough: `soonest` is when the first may be.
    ///
    /// Anything from zero to the longest pause: callers who failed together come back apart.
    pub(super) fn next(&mut self, random: &Random, soonest: Duration) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let longest_us = u64::try_from(self.longest.as_micros()).unwrap_or(u64::MAX);
        let pause = Duration::from_micros(random.below(longest_us.saturating_add(1)));
        self.longest = (self.longest * 2).min(self.pause_max);
        (soonest <= self.pause_max).then(|| pause.max(soonest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_wait_for_who_said_when() {
        let ms = Duration::from_millis;
        let policy = RoutingPolicy {
            retries: 3,
            retry_pause: ms(100),
            retry_pause_max: ms(250),
            ..RoutingPolicy::default()
        };
        let random = Random::new(1);
        let mut longest = [Duration::ZERO; 3];
        for _ in 0..1000 {
            let mut backoff = Backoff::new(&policy);
            for longest in &mut longest {
                *longest = backoff.next(&random, Duration::ZERO).unwrap().max(*longest);
            }
            assert!(backoff.is_spent() && backoff.next(&random, Duration::ZERO).is_none());
        }
        for (longest, bound) in longest.iter().zip([ms(100), ms(200), ms(250)]) {
            assert!(*longest <= bound && *longest > bound * 9 / 10, "{longest:?} of {bound:?}");
        }
        assert_eq!(Backoff::new(&policy).next(&random, ms(240)), Some(ms(240)));
        assert_eq!(Backoff::new(&policy).next(&random, ms(251)), None);
    }
}
