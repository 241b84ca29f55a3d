//! The gateway's decisions, one call per operation: find the targets, ask them, guarantee what comes back.

mod embeddings;
mod opened;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use novai_types::{ChatCompletionRequest, EmbeddingRequest};
use tokio::time::Instant;

use crate::catalog::{Catalog, ModelCard, ModelInfo, Target};
use crate::charge::{Charge, Charged};
use crate::error::Error;
use crate::limits::estimate::BYTES_PER_TOKEN_LIKELY;
use crate::limits::limiter::{Ask, OUTPUT_TOKENS_DEFAULT};
use crate::limits::{Estimate, LimitPolicy, LimitSnapshot, Limits, Payload, StoreReport};
use crate::money::payload::with_cost;
use crate::money::till::Purchase;
use crate::money::{Ledger, Outcome, Progress, Reserving, Till};
use crate::principal::Principal;
use crate::provider::{Call, Completion, Provider, ResponseMeta};
use crate::routing::{Attempt, BreakerState, Journey, Route, RouteEvents, Routing, Served};
use crate::stream::{GatewayStream, StreamFacts, Wants, Watch};
use crate::trace::TraceContext;
use opened::Opened;

/// A checked request as it came from the caller.
pub struct Asked<T> {
    pub raw: Bytes,
    pub request: Arc<T>,
    pub request_id: Arc<str>,
    /// Whom the call is counted and charged to.
    pub principal: Arc<Principal>,
    /// Hears which targets are asked, and what becomes of it.
    pub observer: Option<Arc<dyn RouteEvents>>,
    /// Told to providers, as the parent of what they do.
    pub trace: Option<TraceContext>,
}

pub type ChatRequest = Asked<ChatCompletionRequest>;
pub type EmbeddingsRequest = Asked<EmbeddingRequest>;

/// By hand: derived, it would ask for a request that can be cloned.
impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        Asked {
            raw: self.raw.clone(),
            request: Arc::clone(&self.request),
            request_id: Arc::clone(&self.request_id),
            principal: Arc::clone(&self.principal),
            observer: self.observer.clone(),
            trace: self.trace,
        }
    }
}

pub struct Answered {
    pub completion: Completion,
    pub charged: Charged,
    /// Who answered.
    pub target: Arc<Target>,
}

pub struct Streamed {
    pub events: GatewayStream,
    pub meta: ResponseMeta,
    /// Who answers.
    pub target: Arc<Target>,
}

/// What is certain of an answer that nobody has begun.
pub struct Expected {
    pub card: Arc<ModelCard>,
    /// `None`: there are several who could.
    pub upstream_model: Option<Arc<str>>,
}

/// Whether requests can be served now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub ready: bool,
    /// Models that can be called.
    pub models: usize,
}

pub struct Gateway {
    catalog: Catalog,
    routing: Arc<Routing>,
    limits: Limits,
    till: Till,
}

/// How a provider is asked for one answer.
type AskWhole<T> = fn(&dyn Provider, Call<T>) -> BoxFuture<'_, Result<Completion, Error>>;

/// A request that may run.
struct Admitted {
    route: Route,
    charge: Charge,
    reserving: Reserving,
}

impl Gateway {
    /// Without limits and budgets but those that keys bring along, and without books.
    pub fn new(catalog: Catalog) -> Self {
        let limits = Limits::in_process(LimitPolicy::default());
        Gateway { catalog, routing: Arc::default(), limits, till: Till::without_ledger() }
    }

    pub fn routed_by(self, routing: Routing) -> Self {
        Gateway { routing: Arc::new(routing), ..self }
    }

    pub fn limited_by(self, limits: Limits) -> Self {
        Gateway { limits, ..self }
    }

    pub fn paid_through(self, till: Till) -> Self {
        Gateway { till, ..self }
    }

    /// What has been used, and what it cost.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        self.till.ledger()
    }

    pub async fn complete(&self, chat: ChatRequest) -> Result<Answered, Error> {
        let wants = Wants::of(&chat.request);
        let route = self.route(&chat.principal, &chat.request.model).await?;
        let tokens_likely = |completion: &Completion| completion.json.len() as u64 / BYTES_PER_TOKEN_LIKELY;
        let mut answered =
            self.whole(route, chat, |provider, call| provider.complete(call), tokens_likely).await?;
        if wants.cost {
            answered.completion.json = with_cost(&answered.completion.json, answered.charged.cost);
        }
        Ok(answered)
    }

    /// One answer, asked for with `ask`; where nobody counts, it most likely took `tokens_likely`.
    async fn whole<T>(
        &self,
        route: Route,
        asked: Asked<T>,
        ask: AskWhole<T>,
        tokens_likely: fn(&Completion) -> u64,
    ) -> Result<Answered, Error>
    where
        for<'a> Payload<'a>: From<&'a T>,
    {
        let Admitted { route, mut charge, reserving } = self.admit(route, &asked, None).await?;
        let observer = asked.observer.clone();
        let deadline = self.routing.deadline();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline };
        let mut calls = Calls { asked: Some(asked), deadline, made: 0 };
        let answer = self.routing.serve(journey, |attempt| {
            charge.sent_to(attempt.target);
            match calls.next(attempt) {
                Ok(call) => ask(&*attempt.target.provider, call),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        match once_durable(reserving, answer).await {
            Ok(Served { answer: completion, target, .. }) => {
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
                Ok(Answered { completion, charged, target })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// Resolves when it is certain who serves: with the first event, or as soon as the only target there is has accepted the
    /// request.
    pub async fn stream(&self, chat: ChatRequest) -> Result<Streamed, Error> {
        let started_at = Instant::now();
        let wants = Wants::of(&chat.request);
        let facts = Arc::new(StreamFacts::default());
        let route = self.route(&chat.principal, &chat.request.model).await?;
        let Admitted { route, mut charge, reserving } = self.admit(route, &chat, Some(&facts)).await?;
        let observer = chat.observer.clone();
        let deadline = self.routing.deadline();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline };
        let mut calls = Calls { asked: Some(chat), deadline, made: 0 };
        let answer = self.routing.serve(journey, |attempt| {
            charge.sent_to(attempt.target);
            match calls.next(attempt) {
                Ok(call) => Box::pin(Opened::open(attempt, call)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        match once_durable(reserving, answer).await {
            Ok(Served { answer: Opened { meta, first, events }, target, .. }) => {
                if let Some(limits) = &meta.limits {
                    self.routing.note_limits(&target, limits);
                }
                let (routing, target_asked) = (Arc::clone(&self.routing), Arc::clone(&target));
                let watch = Watch { routing, target: target_asked, observer };
                let events = GatewayStream::new(events, first, wants, started_at, facts, charge, watch);
                Ok(Streamed { events, meta, target })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// What is certain about who will serve a model, before anybody does: its card, and by which name, if there is only one.
    /// For callers who wait for its answer already.
    pub fn expected(&self, model: &str) -> Option<Expected> {
        let route = self.catalog.known(model)?;
        let only = (route.targets().len() == 1).then(|| Arc::clone(&route.first().upstream_model));
        Some(Expected { card: Arc::clone(&route.first().card), upstream_model: only })
    }

    /// The targets of a model that the caller may use.
    async fn route(&self, principal: &Principal, model: &str) -> Result<Route, Error> {
        check_model(principal, model)?;
        self.catalog.resolve(model).await
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

    /// Resolves when what requests gave back to shared limits has arrived there.
    pub async fn drained(&self) {
        self.limits.drained().await;
    }

    /// How the limits' store does, where it is on another machine.
    pub fn limits_report(&self) -> Option<StoreReport> {
        self.limits.report()
    }

    /// How the configured targets stand: provider, upstream model, state.
    pub fn breakers(&self) -> Vec<(Arc<str>, Arc<str>, BreakerState)> {
        self.catalog.breakers()
    }

    /// How a caller's limits stand.
    pub async fn limits(&self, principal: &Principal, model: Option<&str>) -> LimitSnapshot {
        self.limits.peek(principal, model).await
    }

    /// Those that `principal` may call.
    pub async fn models(&self, principal: &Principal) -> Result<Vec<ModelInfo>, Error> {
        let mut models = self.catalog.list().await?;
        models.retain(|model| principal.may_call(&model.id));
        Ok(models)
    }

    pub async fn model(&self, principal: &Principal, id: &str) -> Result<ModelInfo, Error> {
        check_model(principal, id)?;
        self.catalog.get(id).await
    }

    /// Ready as soon as one model can be called. Why not, if not, is in the log: probes are not authenticated.
    pub async fn ready(&self) -> Readiness {
        let models = self.catalog.list().await.map_or(0, |models| models.len());
        Readiness { ready: models > 0, models }
    }
}

/// A model that a caller may not use does not exist for them: they must not learn which there are.
fn check_model(principal: &Principal, model: &str) -> Result<(), Error> {
    if principal.may_call(model) { Ok(()) } else { Err(Error::ModelNotFound { model: model.to_owned() }) }
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
    deadline: Instant,
    made: u32,
}

impl<T> Calls<T> {
    fn next(&mut self, attempt: Attempt<'_>) -> Result<Call<T>, Error> {
        let asked = if attempt.is_last { self.asked.take() } else { self.asked.clone() };
        let number = self.made;
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
            deadline: Some(self.deadline),
        })
    }
}

#[cfg(test)]
mod paying;
#[cfg(test)]
mod routed;
#[cfg(test)]
mod tests;
