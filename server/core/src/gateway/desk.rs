//! What every call of a model passes, whoever makes it: limits, the books, and the targets that may serve it.
//!
//! Most requests are one call. One whose registered tools the gateway runs is several (`tooled`), each admitted, reserved and
//! settled by itself.

use std::sync::Arc;

use futures_util::future::{BoxFuture, TryFutureExt};
use tokio::time::Instant;

use super::opened::Opened;
use super::{Answered, Asked, ChatRequest};
use crate::catalog::Target;
use crate::charge::Charge;
use crate::error::Error;
use crate::limits::estimate::BYTES_PER_TOKEN_LIKELY;
use crate::limits::limiter::{Ask, OUTPUT_TOKENS_DEFAULT};
use crate::limits::{Estimate, Limits, Payload};
use crate::money::payload::with_estimate;
use crate::money::till::Purchase;
use crate::money::{Outcome, Progress, Reserving, Till};
use crate::provider::{Call, Completion, Provider, ResponseMeta};
use crate::routing::{Attempt, Journey, Route, RouteEvents, Routing, Served};
use crate::stream::{CallStream, StreamFacts, Wants, Watch};

#[derive(Clone)]
pub(crate) struct Desk {
    pub routing: Arc<Routing>,
    pub limits: Arc<Limits>,
    pub till: Arc<Till>,
}

/// Where a call stands in its request.
#[derive(Clone, Copy)]
pub(crate) struct Leg {
    /// Of the whole request.
    pub deadline: Instant,
    /// Attempts that earlier calls of the same request took: each attempt has a number of its own in its trace.
    pub attempts_before: u32,
}

/// How a provider is asked for one answer.
pub(super) type AskWhole<T> = fn(&dyn Provider, Call<T>) -> BoxFuture<'_, Result<Completion, Error>>;

/// A whole answer, and the attempts that it took.
pub(super) struct Whole {
    pub answered: Answered,
    pub attempts: u32,
}

/// A stream that has begun, and the attempts that it took.
pub(super) struct Begun {
    pub events: CallStream,
    pub meta: ResponseMeta,
    pub target: Arc<Target>,
    pub attempts: u32,
}

/// A request that may run.
struct Admitted {
    route: Route,
    charge: Charge,
    reserving: Reserving,
}

impl Desk {
    pub fn first_leg(&self) -> Leg {
        Leg { deadline: self.routing.deadline(), attempts_before: 0 }
    }

    /// One chat completion; where nobody counted its tokens, with our estimate in it.
    pub fn complete(
        &self,
        route: Route,
        chat: ChatRequest,
        leg: Leg,
    ) -> impl Future<Output = Result<Whole, Error>> {
        let tokens_likely = |completion: &Completion| completion.json.len() as u64 / BYTES_PER_TOKEN_LIKELY;
        let ask: AskWhole<_> = |provider, call| provider.complete(call);
        // Not an async function: that would keep its arguments twice, and move them once more.
        self.whole(route, chat, leg, ask, tokens_likely).map_ok(|mut whole| {
            let Answered { completion, charged, .. } = &mut whole.answered;
            if charged.is_estimate {
                completion.json = with_estimate(&completion.json, &charged.usage);
            }
            whole
        })
    }

    /// One answer, asked for with `ask`; where nobody counts, it most likely took `tokens_likely`.
    pub async fn whole<T>(
        &self,
        route: Route,
        asked: Asked<T>,
        leg: Leg,
        ask: AskWhole<T>,
        tokens_likely: fn(&Completion) -> u64,
    ) -> Result<Whole, Error>
    where
        for<'a> Payload<'a>: From<&'a T>,
    {
        let Admitted { route, mut charge, reserving } = self.admit(route, &asked, None).await?;
        let observer = asked.observer.clone();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline: leg.deadline };
        let mut calls = Calls { asked: Some(asked), leg, made: 0 };
        let answer = self.routing.serve(journey, |attempt| {
            charge.sent_to(attempt.target);
            match calls.next(attempt) {
                Ok(call) => ask(&*attempt.target.provider, call),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        match once_durable(reserving, answer).await {
            Ok(Served { answer: completion, target, attempts }) => {
                self.routing.note_success(&target);
                if let Some(limits) = &completion.meta.limits {
                    self.routing.note_limits(&target, limits);
                }
                let progress =
                    Progress { tokens_likely: tokens_likely(&completion), usage: completion.usage };
                tell(observer.as_ref(), |events| events.settling());
                // Nobody else has it to settle.
                let charged = charge
                    .settle(Outcome::Complete, progress)
                    .ok_or(Error::LimitsUnavailable { reason: "the request was settled before its end" })?;
                tell(observer.as_ref(), |events| events.settled());
                Ok(Whole { answered: Answered { completion, charged, target }, attempts })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// Resolves when it is certain who serves: with the first event, or as soon as the only target there is has accepted the
    /// request.
    pub async fn stream(
        &self,
        route: Route,
        chat: ChatRequest,
        leg: Leg,
        wants: Wants,
        started_at: Instant,
    ) -> Result<Begun, Error> {
        let facts = Arc::new(StreamFacts::default());
        let Admitted { route, mut charge, reserving } = self.admit(route, &chat, Some(&facts)).await?;
        let observer = chat.observer.clone();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline: leg.deadline };
        let mut calls = Calls { asked: Some(chat), leg, made: 0 };
        let answer = self.routing.serve(journey, |attempt| {
            charge.sent_to(attempt.target);
            match calls.next(attempt) {
                Ok(call) => Box::pin(Opened::open(attempt, call)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        match once_durable(reserving, answer).await {
            Ok(Served { answer: Opened { meta, first, events }, target, attempts }) => {
                if let Some(limits) = &meta.limits {
                    self.routing.note_limits(&target, limits);
                }
                let (routing, target_asked) = (Arc::clone(&self.routing), Arc::clone(&target));
                let watch = Watch { routing, target: target_asked, observer };
                let events = CallStream::new(events, first, wants, started_at, facts, charge, watch);
                Ok(Begun { events, meta, target, attempts })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// Takes the request's share of limits and budgets.
    async fn admit<T>(
        &self,
        route: Route,
        asked: &Asked<T>,
        facts: Option<&Arc<StreamFacts>>,
    ) -> Result<Admitted, Error>
    where
        for<'a> Payload<'a>: From<&'a T>,
    {
        let request = Payload::from(&*asked.request);
        let permit = self
            .limits
            .admit(Ask {
                principal: &asked.principal,
                model: request.model(),
                upstream_model: &route.first().upstream_model,
                output_tokens_max: route.output_tokens_max(),
                request,
                raw: &asked.raw,
            })
            .await?;
        let output_tokens_max = route.output_tokens_max().unwrap_or(OUTPUT_TOKENS_DEFAULT);
        let (reservation, reserving) = self.till.reserve(Purchase {
            principal: &asked.principal,
            route: &route,
            request_id: &asked.request_id,
            request,
            estimate: Estimate::of(request, asked.raw.len(), output_tokens_max),
            facts,
        });
        let ledger = Arc::clone(self.till.ledger());
        let clock = Arc::clone(self.till.clock());
        let mut charge = Charge::new(ledger, clock, reservation, permit, facts.cloned());
        if reserving.may_overlap() {
            tell(asked.observer.as_ref(), |events| events.admitted());
            return Ok(Admitted { route, charge, reserving });
        }
        match reserving.durable().await {
            Ok(()) => {
                tell(asked.observer.as_ref(), |events| events.admitted());
                Ok(Admitted { route, charge, reserving: Reserving::Done(Ok(())) })
            }
            Err(refusal) => {
                charge.release();
                Err(refusal.into())
            }
        }
    }
}

/// Asks the upstream while the reservation is written; the answer is handed out when both are there.
async fn once_durable<T>(
    reserving: Reserving,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if let Reserving::Done(reserved) = reserving {
        reserved?;
        return answer.await;
    }
    let (reserved, answer) = futures_util::future::join(reserving.durable(), answer).await;
    reserved?;
    answer
}

fn tell(observer: Option<&Arc<dyn RouteEvents>>, what: impl FnOnce(&dyn RouteEvents)) {
    if let Some(observer) = observer {
        what(&**observer);
    }
}

/// One request as the calls that it becomes.
struct Calls<T> {
    /// Given away with the last: what waits for an answer needs no decoded request.
    asked: Option<Asked<T>>,
    leg: Leg,
    made: u32,
}

impl<T> Calls<T> {
    fn next(&mut self, attempt: Attempt<'_>) -> Result<Call<T>, Error> {
        let asked = if attempt.is_last { self.asked.take() } else { self.asked.clone() };
        let number = self.leg.attempts_before.saturating_add(self.made);
        self.made += 1;
        // Nothing follows the last.
        let asked = asked.ok_or_else(|| Error::ProviderUnavailable {
            provider: attempt.target.provider_name.to_string(),
            retry_after: None,
            source: "it was to be asked after the last attempt".into(),
        })?;
        Ok(Call {
            raw: asked.raw,
            request: asked.request,
            upstream_model: Arc::clone(&attempt.target.upstream_model),
            request_id: asked.request_id,
            trace: asked.trace.map(|trace| trace.call(number)),
            deadline: Some(self.leg.deadline),
        })
    }
}
