//! The gateway's decisions, one call per operation: find the targets, ask them, guarantee what comes back.

mod opened;

use std::sync::Arc;

use bytes::Bytes;
use novai_types::{ChatCompletionRequest, ContentPart};
use tokio::time::Instant;

use crate::catalog::{Catalog, ModelInfo, Target};
use crate::charge::{Charge, Charged};
use crate::error::Error;
use crate::limits::limiter::{Ask, OUTPUT_TOKENS_DEFAULT};
use crate::limits::{Estimate, LimitPolicy, LimitSnapshot, Limits, StoreReport, estimate};
use crate::money::payload::with_cost;
use crate::money::till::{BYTES_PER_TOKEN_LIKELY, Purchase};
use crate::money::{Ledger, Outcome, Progress, Reserving, Till};
use crate::principal::Principal;
use crate::provider::{ChatCall, Completion, ResponseMeta};
use crate::routing::{Attempt, Journey, Route, RouteEvents, Routing, Served};
use crate::stream::{GatewayStream, StreamFacts, Wants, Watch};
use opened::Opened;

/// A checked chat request as it came from the caller.
#[derive(Clone)]
pub struct ChatRequest {
    pub raw: Bytes,
    pub request: Arc<ChatCompletionRequest>,
    pub request_id: Arc<str>,
    /// Whom the call is counted and charged to.
    pub principal: Arc<Principal>,
    /// Hears which targets are asked, and what becomes of it.
    pub observer: Option<Arc<dyn RouteEvents>>,
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
        let Admitted { route, mut charge, reserving } = self.admit(&chat, None).await?;
        let observer = chat.observer.clone();
        let deadline = self.routing.deadline();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline };
        let mut calls = Calls { chat: Some(chat), deadline };
        let answer = self.routing.serve(journey, |attempt| {
            charge.sent_to(attempt.target);
            match calls.next(attempt) {
                Ok(call) => attempt.target.provider.complete(call),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }
        });
        match once_durable(reserving, answer).await {
            Ok(Served { answer: mut completion, target, .. }) => {
                self.routing.note_success(&target);
                if let Some(limits) = &completion.meta.limits {
                    self.routing.note_limits(&target, limits);
                }
                let progress = Progress {
                    tokens_likely: completion.json.len() as u64 / BYTES_PER_TOKEN_LIKELY,
                    usage: completion.usage,
                };
                // Nobody else has it to settle.
                let charged = charge
                    .settle(Outcome::Complete, progress)
                    .ok_or(Error::LimitsUnavailable { reason: "the request was settled before its end" })?;
                if wants.cost {
                    completion.json = with_cost(&completion.json, charged.cost);
                }
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
        let Admitted { route, mut charge, reserving } = self.admit(&chat, Some(&facts)).await?;
        let observer = chat.observer.clone();
        let deadline = self.routing.deadline();
        let journey = Journey { route: &route, observer: observer.as_deref(), deadline };
        let mut calls = Calls { chat: Some(chat), deadline };
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
                let watch = Watch { routing: Arc::clone(&self.routing), target: Arc::clone(&target) };
                let events = GatewayStream::new(events, first, wants, started_at, facts, charge, watch);
                Ok(Streamed { events, meta, target })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// Finds the targets, and takes the request's share of limits and budgets.
    async fn admit(&self, chat: &ChatRequest, facts: Option<&Arc<StreamFacts>>) -> Result<Admitted, Error> {
        let request = &*chat.request;
        check_model(&chat.principal, &request.model)?;
        let route = self.catalog.resolve(&request.model).await?;
        let permit = self
            .limits
            .admit(Ask {
                principal: &chat.principal,
                model: &request.model,
                upstream_model: &route.first().upstream_model,
                output_tokens_max: route.output_tokens_max(),
                request,
                raw: &chat.raw,
            })
            .await?;
        let output_tokens_max = route.output_tokens_max().unwrap_or(OUTPUT_TOKENS_DEFAULT);
        let (reservation, reserving) = self.till.reserve(Purchase {
            principal: &chat.principal,
            route: &route,
            request_id: &chat.request_id,
            estimate: Estimate::of(request, chat.raw.len(), output_tokens_max),
            images: images(request),
            facts,
        });
        let ledger = Arc::clone(self.till.ledger());
        let clock = Arc::clone(self.till.clock());
        let mut charge = Charge::new(ledger, clock, reservation, permit, facts.cloned());
        if reserving.may_overlap() {
            return Ok(Admitted { route, charge, reserving });
        }
        match reserving.durable().await {
            Ok(()) => Ok(Admitted { route, charge, reserving: Reserving::Done(Ok(())) }),
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

    /// Every target that could be asked now, each provider and upstream model once, with how it stands.
    pub fn targets(&self) -> Vec<Arc<Target>> {
        self.catalog.targets()
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

/// Pictures that a price per picture counts.
fn images(request: &ChatCompletionRequest) -> u64 {
    let parts = request.messages.iter().filter_map(estimate::parts).flatten();
    parts.filter(|part| matches!(part, ContentPart::ImageUrl(_))).count() as u64
}

/// One request as the calls that it becomes.
struct Calls {
    /// Given away with the last: what waits for an answer needs no decoded request.
    chat: Option<ChatRequest>,
    deadline: Instant,
}

impl Calls {
    fn next(&mut self, attempt: Attempt<'_>) -> Result<ChatCall, Error> {
        let chat = if attempt.is_last { self.chat.take() } else { self.chat.clone() };
        // Nothing follows the last.
        let chat = chat.ok_or_else(|| Error::ProviderUnavailable {
            provider: attempt.target.provider_name.to_string(),
            retry_after: None,
            source: "it was to be asked after the last attempt".into(),
        })?;
        Ok(ChatCall {
            raw: chat.raw,
            request: chat.request,
            upstream_model: Arc::clone(&attempt.target.upstream_model),
            request_id: chat.request_id,
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
