//! What is remembered of a target: how often it failed in a row, and until when others are asked before it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;
use crate::provider::{RateLimitSnapshot, WindowSnapshot};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// So many in a row, and the target is passed over.
    pub failures_max: u32,
    /// For so long at first; twice as long each time that it then fails again.
    pub cool_down: Duration,
    /// Never longer, also where an upstream asks for more.
    pub cool_down_max: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        BreakerPolicy {
            failures_max: 5,
            cool_down: Duration::from_secs(5),
            cool_down_max: Duration::from_secs(300),
        }
    }
}

/// One request finds out whether a target is well again. If nothing is heard of it for so long (an answer may take minutes, or
/// its caller may have left), another may.
const PROBE_PATIENCE: Duration = Duration::from_secs(30);

/// Tokens come back bit by bit: a tenth of the time to a full limit brings a tenth of it.
const TOKENS_BACK: u32 = 10;

/// As it is shown in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Asked in its turn.
    Closed,
    /// Asked after the others.
    Open,
    /// One request finds out.
    HalfOpen,
    /// The upstream said when it may be asked again.
    Waiting,
}

impl BreakerState {
    pub const ALL: [BreakerState; 4] =
        [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen, BreakerState::Waiting];

    pub fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half_open",
            BreakerState::Waiting => "waiting",
        }
    }
}

/// How a target stands for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Ask it in its turn. Whoever hears this of one that failed is the one who finds out.
    Well,
    /// Ask it after the others.
    Broken,
    /// Do not ask it before, unless there is nobody else.
    Waiting { until: Instant },
}

/// Of one upstream model at one provider, whatever callers call it. One lock per failure; none while all is well.
#[derive(Debug)]
pub struct Health {
    /// The same as `*memory == Memory::default()`.
    is_spotless: AtomicBool,
    memory: Mutex<Memory>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Memory {
    failures_in_a_row: u32,
    open: Option<Open>,
    waits_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    until: Instant,
    cool_down: Duration,
    probed_at: Option<Instant>,
}

impl Default for Health {
    fn default() -> Self {
        Health { is_spotless: AtomicBool::new(true), memory: Mutex::default() }
    }
}

impl Health {
    /// For metrics.
    pub fn state(&self) -> BreakerState {
        if self.is_spotless.load(Relaxed) { BreakerState::Closed } else { self.lock().state(Instant::now()) }
    }

    /// How it stands for a request that could ask it now.
    pub(super) fn standing(&self, policy: &BreakerPolicy, now: Instant) -> Standing {
        if self.is_spotless.load(Relaxed) {
            return Standing::Well;
        }
        let mut memory = self.lock();
        if let Some(until) = memory.waits_until.filter(|until| now < *until) {
            return Standing::Waiting { until };
        }
        let Some(open) = &mut memory.open else { return Standing::Well };
        let is_probed = open.probed_at.is_some_and(|at| now < at + PROBE_PATIENCE.min(policy.cool_down_max));
        if now < open.until || is_probed {
            return Standing::Broken;
        }
        open.probed_at = Some(now);
        Standing::Well
    }

    /// Until when the upstream said that it should not be asked.
    pub(super) fn waits_until(&self, now: Instant) -> Option<Instant> {
        if self.is_spotless.load(Relaxed) {
            return None;
        }
        self.lock().waits_until.filter(|until| now < *until)
    }

    /// The new state, if it changed.
    pub(super) fn failed(
        &self,
        policy: &BreakerPolicy,
        now: Instant,
        failure: Failure,
    ) -> Option<BreakerState> {
        self.change(now, |memory| match failure {
            Failure::Unfit => {}
            Failure::Wait(hint) => memory.wait(policy, now, hint.unwrap_or(policy.cool_down)),
            Failure::Broken => memory.count_failure(policy, now),
        })
    }

    /// The first event of a stream: it is no longer passed over, but the stream may still break off. The new state, if it changed.
    pub(super) fn began(&self, now: Instant) -> Option<BreakerState> {
        if self.is_spotless.load(Relaxed) {
            return None;
        }
        self.change(now, |memory| {
            if memory.open.take().is_some() {
                memory.failures_in_a_row = 0;
            }
        })
    }

    /// The new state, if it changed.
    pub(super) fn succeeded(&self, now: Instant) -> Option<BreakerState> {
        if self.is_spotless.load(Relaxed) {
            return None;
        }
        self.change(now, |memory| {
            // Not so what the upstream said about waiting: this answer may have been under way before.
            let waits_until = memory.waits_until.filter(|until| now < *until);
            *memory = Memory { waits_until, ..Memory::default() };
        })
    }

    /// What an answer said about the upstream's limits: with nothing left, the next request would be a refusal.
    pub(super) fn told_limits(
        &self,
        policy: &BreakerPolicy,
        now: Instant,
        limits: &RateLimitSnapshot,
    ) -> Option<BreakerState> {
        let wait_for = |window: &WindowSnapshot, parts: u32| match window {
            WindowSnapshot { remaining: Some(0), reset: Some(reset), .. } => Some(*reset / parts.max(1)),
            _ => None,
        };
        let requests_max = limits.requests.limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(1);
        let requests = wait_for(&limits.requests, requests_max);
        let wait = requests.max(wait_for(&limits.tokens, TOKENS_BACK))?;
        self.change(now, |memory| memory.wait(policy, now, wait))
    }

    fn change(&self, now: Instant, change: impl FnOnce(&mut Memory)) -> Option<BreakerState> {
        let mut memory = self.lock();
        let before = memory.state(now);
        change(&mut memory);
        self.is_spotless.store(*memory == Memory::default(), Relaxed);
        Some(memory.state(now)).filter(|after| *after != before)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn state(&self, now: Instant) -> BreakerState {
        if self.waits_until.is_some_and(|until| now < until) {
            return BreakerState::Waiting;
        }
        match self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn wait(&mut self, policy: &BreakerPolicy, now: Instant, wait: Duration) {
        let until = now + wait.min(policy.cool_down_max);
        self.waits_until = self.waits_until.max(Some(until));
    }

    fn count_failure(&mut self, policy: &BreakerPolicy, now: Instant) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        match &mut self.open {
            // Requests that were under way when it was opened.
            Some(open) if now < open.until => {}
            Some(open) => {
                let cool_down = (open.cool_down * 2).min(policy.cool_down_max);
                *open = Open { until: now + cool_down, cool_down, probed_at: None };
            }
            None if self.failures_in_a_row >= policy.failures_max => {
                let cool_down = policy.cool_down.min(policy.cool_down_max);
                self.open = Some(Open { until: now + cool_down, cool_down, probed_at: None });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures_max: 3,
        cool_down: Duration::from_secs(5),
        cool_down_max: Duration::from_secs(15),
    };

    /// What happens at a second, and how the target then stands.
    enum Step {
        Fail,
        Wait(Option<u64>),
        Succeed,
        Look,
    }

    #[track_caller]
    fn check(steps: &[(u64, Step, Standing)], start: Instant) {
        let health = Health::default();
        for (index, (at_s, step, expected)) in steps.iter().enumerate() {
            let now = start + Duration::from_secs(*at_s);
            match step {
                Step::Fail => _ = health.failed(&POLICY, now, Failure::Broken),
                Step::Wait(hint) => {
                    _ = health.failed(&POLICY, now, Failure::Wait(hint.map(Duration::from_secs)));
                }
                Step::Succeed => _ = health.succeeded(now),
                Step::Look => {}
            }
            assert_eq!(health.standing(&POLICY, now), *expected, "step {index}, at {at_s} s");
        }
    }

    #[test]
    fn a_target_is_passed_over_until_one_request_finds_it_well() {
        use Standing::{Broken, Well};
        use Step::{Fail, Look, Succeed};
        let start = Instant::now();
        check(&[(0, Fail, Well), (0, Fail, Well), (1, Succeed, Well), (1, Fail, Well)], start);
        check(
            &[
                (0, Fail, Well),
                (0, Fail, Well),
                (0, Fail, Broken),
                // Was under way: changes nothing.
                (4, Fail, Broken),
                (5, Look, Well),
                (5, Look, Broken),
                // The one that found out: twice as long now.
                (6, Fail, Broken),
                (15, Look, Broken),
                (16, Look, Well),
                // The third time it would be 20 s.
                (16, Fail, Broken),
                (30, Look, Broken),
                (31, Look, Well),
                (32, Look, Broken),
                // Nothing is heard of it.
                (46, Look, Well),
                (47, Succeed, Well),
                (47, Fail, Well),
            ],
            start,
        );
    }

    #[test]
    fn an_upstream_says_how_long() {
        use Standing::{Waiting, Well};
        use Step::{Look, Succeed, Wait};
        let start = Instant::now();
        let until = |at_s| Waiting { until: start + Duration::from_secs(at_s) };
        check(
            &[
                (0, Wait(Some(7)), until(7)),
                (1, Wait(Some(2)), until(7)),
                // Under way since before.
                (2, Succeed, until(7)),
                (7, Look, Well),
                (8, Wait(None), until(13)),
                (9, Wait(Some(3600)), until(24)),
                (24, Look, Well),
            ],
            start,
        );
    }

    #[test]
    fn an_exhausted_limit_is_not_run_into() {
        let window = |limit, remaining, reset_s| WindowSnapshot {
            limit: Some(limit),
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(reset_s)),
        };
        let full = WindowSnapshot::default();
        for (requests, tokens, wait_ms) in [
            (window(60, 1, 60), full, None),
            (window(60, 0, 60), full, Some(1000)),
            (full, window(1000, 0, 60), Some(6000)),
            (window(60, 0, 60), window(1000, 0, 60), Some(6000)),
            (window(0, 0, 2), full, Some(2000)),
            (WindowSnapshot { remaining: Some(0), ..full }, full, None),
        ] {
            let (health, now) = (Health::default(), Instant::now());
            let changed = health.told_limits(&POLICY, now, &RateLimitSnapshot { requests, tokens });
            assert_eq!(changed, wait_ms.map(|_| BreakerState::Waiting));
            let waits = health.waits_until(now).map(|until| (until - now).as_millis());
            assert_eq!(waits, wait_ms, "{requests:?} {tokens:?}");
        }
    }

    #[test]
    fn states_for_metrics() {
        let (health, now) = (Health::default(), Instant::now());
        let broken = |at: Instant| health.failed(&POLICY, at, Failure::Broken);
        assert_eq!(health.state(), BreakerState::Closed);
        assert_eq!((broken(now), broken(now)), (None, None));
        assert_eq!(broken(now), Some(BreakerState::Open));
        let later = now + POLICY.cool_down;
        assert_eq!(health.lock().state(later), BreakerState::HalfOpen);
        assert_eq!(broken(later), Some(BreakerState::Open));
        assert_eq!(health.succeeded(later), Some(BreakerState::Closed));
        assert_eq!(health.failed(&POLICY, later, Failure::Unfit), None);
    }
}
