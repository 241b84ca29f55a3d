//! The gateway's decisions, one call per operation: find the target, ask it, guarantee what comes back.

use std::sync::Arc;

use bytes::Bytes;
use novai_types::ChatCompletionRequest;
use tokio::time::Instant;

use crate::catalog::{Catalog, ModelInfo, Target};
use crate::error::Error;
use crate::limits::limiter::Ask;
use crate::limits::{LimitPolicy, LimitSnapshot, Limits, Permit};
use crate::principal::Principal;
use crate::provider::{ChatCall, Completion, ResponseMeta};
use crate::stream::GatewayStream;

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
    /// The caller's limits once this answer is counted.
    pub limits: LimitSnapshot,
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
}

impl Gateway {
    /// Without limits but those that keys bring along.
    pub fn new(catalog: Catalog) -> Self {
        Gateway { catalog, limits: Limits::in_process(LimitPolicy::default()) }
    }

    pub fn limited_by(self, limits: Limits) -> Self {
        Gateway { limits, ..self }
    }

    pub async fn complete(&self, chat: ChatRequest) -> Result<Answered, Error> {
        check_model(&chat.principal, &chat.request.model)?;
        let target = self.catalog.resolve(&chat.request.model).await?;
        let permit = self.admit(&chat, &target).await?;
        let completion = target.provider.complete(call(chat, &target)).await?;
        // A provider that does not count is taken to have used all it might have.
        let used = completion.usage.map_or(permit.reserved_tokens(), |usage| usage.total);
        let limits = permit.settle(used);
        Ok(Answered { completion, limits, target })
    }

    /// Resolves when the upstream has accepted the request; the first event may be far away.
    pub async fn stream(&self, chat: ChatRequest) -> Result<Streamed, Error> {
        let started_at = Instant::now();
        let usage_wanted = usage_wanted(&chat.request);
        check_model(&chat.principal, &chat.request.model)?;
        let target = self.catalog.resolve(&chat.request.model).await?;
        let permit = self.admit(&chat, &target).await?;
        let streaming = target.provider.stream(call(chat, &target)).await?;
        let events = GatewayStream::new(streaming.events, usage_wanted, started_at, permit);
        Ok(Streamed { events, meta: streaming.meta, target })
    }

    /// How a caller's limits stand.
    pub async fn limits(&self, principal: &Principal, model: Option<&str>) -> LimitSnapshot {
        self.limits.peek(principal, model).await
    }

    async fn admit(&self, chat: &ChatRequest, target: &Target) -> Result<Permit, Error> {
        let ask = Ask {
            principal: &chat.principal,
            model: &chat.request.model,
            upstream_model: &target.upstream_model,
            request: &chat.request,
            raw: &chat.raw,
        };
        Ok(self.limits.admit(ask).await?)
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

fn call(chat: ChatRequest, target: &Target) -> ChatCall {
    ChatCall {
        raw: chat.raw,
        request: chat.request,
        upstream_model: Arc::clone(&target.upstream_model),
        request_id: chat.request_id,
    }
}

fn usage_wanted(request: &ChatCompletionRequest) -> bool {
    request.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true)
}

#[cfg(test)]
mod tests;
