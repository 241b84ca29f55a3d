//! The order in which one request asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::health::{BreakerPolicy, Standing};
use super::random::Random;
use super::route::Route;
use crate::catalog::Target;

pub(super) struct Plan<'a> {
    route: &'a Route,
    /// Drawn when somebody is first asked.
    first: usize,
    /// Bit by bit, who has been asked in this round; a route has no more targets than that.
    asked: u64,
    is_first_round: bool,
}

pub(super) enum Next<'a> {
    Ask(&'a Arc<Target>),
    /// All have been asked, or said to wait; `soonest` is when the first of those may be asked.
    Nobody {
        soonest: Duration,
    },
}

impl<'a> Plan<'a> {
    pub(super) fn new(route: &'a Route, random: &Random) -> Self {
        Plan { route, first: route.draw(random), asked: 0, is_first_round: true }
    }

    /// A new round.
    pub(super) fn again(&mut self) {
        self.asked = 0;
        self.is_first_round = false;
    }

    /// Somebody is left who might be asked in this round.
    pub(super) fn has_more(&self) -> bool {
        (self.asked.count_ones() as usize) < self.route.targets().len()
    }

    pub(super) fn next(&mut self, policy: &BreakerPolicy, now: Instant) -> Next<'a> {
        let targets = self.route.targets();
        let is_only_choice = self.is_first_round && self.asked == 0;
        // Without a choice there is nothing to look at.
        if is_only_choice && targets.len() == 1 {
            return self.ask(0);
        }
        let mut broken = None;
        let mut waiting: Option<(Instant, usize)> = None;
        let mut soonest = None;
        let others = (0..targets.len()).filter(|index| *index != self.first);
        for index in std::iter::once(self.first).chain(others) {
            let health = &targets[index].health;
            let waits_until = if self.asked & 1 << index != 0 {
                // Could be asked again after a pause, and unless it says otherwise, after any.
                Some(health.waits_until(now).unwrap_or(now))
            } else {
                match health.standing(policy, now) {
                    Standing::Well => return self.ask(index),
                    Standing::Broken => {
                        broken = broken.or(Some(index));
                        None
                    }
                    Standing::Waiting { until } => {
                        waiting = [waiting, Some((until, index))].into_iter().flatten().min();
                        Some(until)
                    }
                }
            };
            soonest = [soonest, waits_until].into_iter().flatten().min();
        }
        match (broken, waiting) {
            (Some(index), _) => self.ask(index),
            (None, Some((_, index))) if is_only_choice => self.ask(index),
            _ => Next::Nobody { soonest: soonest.map_or(Duration::ZERO, |at: Instant| at - now) },
        }
    }

    fn ask(&mut self, index: usize) -> Next<'a> {
        self.asked |= 1 << index;
        Next::Ask(&self.route.targets()[index])
    }
}
