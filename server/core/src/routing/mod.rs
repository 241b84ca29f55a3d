//! Which target of a model serves a request: the order, what is done when one fails, and who is passed over for a while.
//!
//! Start at [`Routing::serve`], which asks targets until one serves. [`Route`] is a model's list of them, [`Health`] what is
//! remembered of each, `Plan` the order within one request, [`RouteEvents`] the port for who counts and logs.
//!
//! The rules, in full:
//!
//! * **Order.** Targets are asked in the order of configuration. Where some have weights, the first is drawn by them; the others
//!   follow in order, and one without a weight is never drawn.
//! * **Fallback** goes on to the next target at once, and only before the first event: the caller has seen nothing yet. What the
//!   request itself is at fault for goes on nowhere ([`Failure::of`]).
//! * **Passed over.** A target that has failed several times in a row is asked after the others, until a single request has
//!   found it well again. One that said how long to wait is not asked before, unless nobody else is left.
//! * **Retries** ask all again after a jittered pause. They are off unless configured: clients retry, too. A budget bounds
//!   their share of all requests, so that an outage does not meet twice the load.
//! * **The error** that a caller gets when nobody serves is that of the target asked first.
//!
//! **Invariant:** between the failure of one target and the question to the next, nothing waits.

mod backoff;
mod budget;
mod events;
mod failure;
mod health;
mod plan;
mod random;
mod route;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::catalog::Target;
use crate::error::{Deadline, Error};
use backoff::Backoff;
use budget::RetryBudget;
use plan::{Next, Plan};

pub use events::{NoRouteEvents, RouteEvents};
pub use failure::Failure;
pub use health::{BreakerPolicy, BreakerState, Health};
pub use random::Random;
pub use route::{Route, RouteError, TARGETS_MAX};

/// What the operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutingPolicy {
    pub breaker: BreakerPolicy,
    /// How many times all targets are asked again when each has failed.
    pub retries: u32,
    /// Longest pause before the first retry; each further one may be twice as long.
    pub retry_pause: Duration,
    pub retry_pause_max: Duration,
    /// Retries per hundred requests.
    pub retries_percent: u32,
    /// The whole request, all attempts together.
    pub timeout: Duration,
}

impl Default for RoutingPolicy {
    fn default() -> Self {
        RoutingPolicy {
            breaker: BreakerPolicy::default(),
            // Every SDK retries twice by itself: twice in the gateway, too, would be nine calls in an outage.
            retries: 0,
            retry_pause: Duration::from_millis(250),
            retry_pause_max: Duration::from_secs(2),
            retries_percent: 20,
            // As long as one call may take ([`crate::Deadlines`]).
            timeout: Duration::from_secs(1800),
        }
    }
}

/// What all requests share.
pub struct Routing {
    policy: RoutingPolicy,
    random: Random,
    retries: RetryBudget,
    events: Arc<dyn RouteEvents>,
}

/// One request on its way to some target.
pub struct Journey<'a> {
    pub route: &'a Route,
    /// Hears of this request alone.
    pub observer: Option<&'a dyn RouteEvents>,
    pub deadline: Instant,
}

/// One attempt.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub target: &'a Arc<Target>,
    /// Nothing is tried after it.
    pub is_last: bool,
    /// And nothing was before: whatever comes of it is the caller's, as it comes.
    pub is_only: bool,
}

/// What came of it.
pub struct Served<T> {
    pub answer: T,
    pub target: Arc<Target>,
    /// With the one that served.
    pub attempts: u32,
}

impl Routing {
    /// `random`: of its own for each start of each process.
    pub fn new(policy: RoutingPolicy, random: Random, events: Arc<dyn RouteEvents>) -> Self {
        Routing { retries: RetryBudget::new(policy.retries_percent), policy, random, events }
    }

    /// The moment at which a request that begins now must be over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.policy.timeout
    }

    /// Of a request for which there is no time left.
    pub(crate) fn timed_out(&self, provider: &str) -> Error {
        let limit = self.policy.timeout;
        Error::ProviderTimeout { provider: provider.to_owned(), deadline: Deadline::Total, limit }
    }

    /// Whoever hears of every request.
    pub(crate) fn events(&self) -> &Arc<dyn RouteEvents> {
        &self.events
    }

    /// Asks one target after the other until one serves, or none is left.
    ///
    /// `ask` must not resolve well before it is certain that the target serves, unless the attempt is the only one.
    pub async fn serve<T>(
        &self,
        journey: Journey<'_>,
        mut ask: impl for<'t> FnMut(Attempt<'t>) -> BoxFuture<'t, Result<T, Error>>,
    ) -> Result<Served<T>, Error> {
        let Journey { route, observer, deadline } = journey;
        let notify = Notify { all: &*self.events, one: observer };
        let mut plan = Plan::new(route, &self.random);
        let mut backoff = Backoff::new(&self.policy);
        let mut first_failure = None;
        let mut attempts = 0;
        self.retries.earn();
        loop {
            match plan.next(&self.policy.breaker, Instant::now()) {
                Next::Ask(target) => {
                    attempts += 1;
                    let is_last = !plan.has_more() && backoff.is_spent();
                    notify.each(|events| events.asked(target, attempts));
                    let is_only = is_last && first_failure.is_none();
                    let error = match ask(Attempt { target, is_last, is_only }).await {
                        Ok(answer) => {
                            let target = Arc::clone(target);
                            return Ok(Served { answer, target, attempts });
                        }
                        Err(error) => error,
                    };
                    let Some(failure) = Failure::of(&error, first_failure.is_some()) else {
                        return Err(error);
                    };
                    self.note_failure(target, failure, notify);
                    notify.each(|events| events.failed(target, &error, attempts));
                    first_failure.get_or_insert(error);
                    if Instant::now() >= deadline {
                        break;
                    }
                }
                // Only when all have failed.
                Next::Nobody { soonest } => {
                    let Some(pause) = backoff.next(&self.random, soonest) else { break };
                    if Instant::now() + pause >= deadline || !self.retries.spend() {
                        break;
                    }
                    tokio::time::sleep(pause).await;
                    plan.again();
                }
            }
        }
        // Nobody was asked: that cannot be, for a route has a target, and the first round asks somebody.
        Err(first_failure.unwrap_or_else(|| self.timed_out("")))
    }

    /// A target whose stream has begun is not down.
    pub(crate) fn note_beginning(&self, target: &Target) {
        if let Some(state) = target.health.began(Instant::now()) {
            self.events.breaker_changed(target, state);
        }
    }

    /// A target that has answered is well.
    pub(crate) fn note_success(&self, target: &Target) {
        if let Some(state) = target.health.succeeded(Instant::now()) {
            self.events.breaker_changed(target, state);
        }
    }

    /// What an upstream said about its limits, beside an answer.
    pub(crate) fn note_limits(&self, target: &Target, limits: &crate::provider::RateLimitSnapshot) {
        let changed = target.health.told_limits(&self.policy.breaker, Instant::now(), limits);
        if let Some(state) = changed {
            self.events.breaker_changed(target, state);
        }
    }

    /// A stream that broke off, or failed in another way, after it was handed out.
    pub(crate) fn note_broken(&self, target: &Target, error: &Error) {
        if let Some(failure) = Failure::of(error, false) {
            self.note_failure(target, failure, Notify { all: &*self.events, one: None });
        }
    }

    fn note_failure(&self, target: &Target, failure: Failure, notify: Notify<'_>) {
        if let Some(state) = target.health.failed(&self.policy.breaker, Instant::now(), failure) {
            notify.each(|events| events.breaker_changed(target, state));
        }
    }
}

impl Default for Routing {
    /// Nobody counts, and the same targets are drawn at every start.
    fn default() -> Self {
        Routing::new(RoutingPolicy::default(), Random::new(0), Arc::new(NoRouteEvents))
    }
}

/// Who hears of it: whoever counts for all, and whoever follows this request.
#[derive(Clone, Copy)]
struct Notify<'a> {
    all: &'a dyn RouteEvents,
    one: Option<&'a dyn RouteEvents>,
}

impl Notify<'_> {
    fn each(&self, tell: impl Fn(&dyn RouteEvents)) {
        tell(self.all);
        self.one.into_iter().for_each(tell);
    }
}

#[cfg(test)]
mod tests;
