//! The gateway's decisions, one call per operation: find the target, ask it, guarantee what comes back.

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
use crate::stream::{GatewayStream, StreamFacts, Wants};

/// A checked chat request as it came from the caller.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    pub raw: Bytes,
    pub request: Arc<ChatCompletionRequest>,
    pub request_id: Arc<str>,
    /// Whom the call is counted and charged to.
    pub principal: Arc<Principal>,
}

pub struct Answered {
    pub completion: Completion,
    pub charged: Charged,
    /// Who answered, for the access log.
    pub target: Target,
}

pub struct Streamed {
    pub events: GatewayStream,
    pub meta: ResponseMeta,
    /// Who answers, for the access log.
    pub target: Target,
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
    limits: Limits,
    till: Till,
}

/// A request that may run.
struct Admitted {
    target: Target,
    charge: Charge,
    reserving: Reserving,
}

impl Gateway {
    /// Without limits and budgets but those that keys bring along, and without books.
    pub fn new(catalog: Catalog) -> Self {
        let limits = Limits::in_process(LimitPolicy::default());
        Gateway { catalog, limits, till: Till::without_ledger() }
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
        let Admitted { target, mut charge, reserving } = self.admit(&chat, None).await?;
        charge.sent();
        let answer = target.provider.complete(call(chat, &target));
        match once_durable(reserving, answer).await {
            Ok(mut completion) => {
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

    /// Resolves when the upstream has accepted the request; the first event may be far away.
    pub async fn stream(&self, chat: ChatRequest) -> Result<Streamed, Error> {
        let started_at = Instant::now();
        let wants = Wants::of(&chat.request);
        let facts = Arc::new(StreamFacts::default());
        let Admitted { target, mut charge, reserving } = self.admit(&chat, Some(&facts)).await?;
        charge.sent();
        let answer = target.provider.stream(call(chat, &target));
        match once_durable(reserving, answer).await {
            Ok(streaming) => {
                let events = GatewayStream::new(streaming.events, wants, started_at, facts, charge);
                Ok(Streamed { events, meta: streaming.meta, target })
            }
            Err(error) => {
                charge.release();
                Err(error)
            }
        }
    }

    /// Finds the target, and takes the request's share of limits and budgets.
    async fn admit(&self, chat: &ChatRequest, facts: Option<&Arc<StreamFacts>>) -> Result<Admitted, Error> {
        let request = &*chat.request;
        check_model(&chat.principal, &request.model)?;
        let target = self.catalog.resolve(&request.model).await?;
        let permit = self
            .limits
            .admit(Ask {
                principal: &chat.principal,
                model: &request.model,
                upstream_model: &target.upstream_model,
                output_tokens_max: target.tariff.output_tokens_max,
                request,
                raw: &chat.raw,
            })
            .await?;
        let output_tokens_max = target.tariff.output_tokens_max.unwrap_or(OUTPUT_TOKENS_DEFAULT);
        let (reservation, reserving) = self.till.reserve(Purchase {
            principal: &chat.principal,
            target: &target,
            request_id: &chat.request_id,
            estimate: Estimate::of(request, chat.raw.len(), output_tokens_max),
            images: images(request),
            facts,
        });
        let ledger = Arc::clone(self.till.ledger());
        let clock = Arc::clone(self.till.clock());
        let mut charge = Charge::new(ledger, clock, reservation, permit, facts.cloned());
        if reserving.may_overlap() {
            return Ok(Admitted { target, charge, reserving });
        }
        match reserving.durable().await {
            Ok(()) => Ok(Admitted { target, charge, reserving: Reserving::Done(Ok(())) }),
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

fn call(chat: ChatRequest, target: &Target) -> ChatCall {
    ChatCall {
        raw: chat.raw,
        request: chat.request,
        upstream_model: Arc::clone(&target.upstream_model),
        request_id: chat.request_id,
    }
}

#[cfg(test)]
mod paying;
#[cfg(test)]
mod tests;
