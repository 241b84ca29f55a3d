//! The gateway's decisions, one call per operation: find the targets, ask them, guarantee what comes back.

mod desk;
mod embeddings;
mod opened;
mod rounds;
mod tooled;

use std::sync::Arc;

use bytes::Bytes;
use novai_types::{ChatCompletionRequest, EmbeddingRequest};
use tokio::time::Instant;

use crate::catalog::{Catalog, ModelCard, ModelInfo, Target};
use crate::charge::Charged;
use crate::error::Error;
use crate::limits::{LimitPolicy, LimitSnapshot, Limits, StoreReport};
use crate::money::payload::with_cost;
use crate::money::{Ledger, Till};
use crate::principal::Principal;
use crate::provider::{Completion, ResponseMeta};
use crate::routing::{BreakerState, Route, RouteEvents, Routing};
use crate::stream::{GatewayStream, Wants};
use crate::tools::{Conversation, Toolbox, invalid};
use crate::trace::TraceContext;
use desk::{Begun, Desk};
pub(crate) use rounds::Rounds;

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
    desk: Arc<Desk>,
    /// The tools that it runs by itself, if it does.
    toolbox: Option<Arc<Toolbox>>,
}

impl Gateway {
    /// Without limits and budgets but those that keys bring along, and without books.
    pub fn new(catalog: Catalog) -> Self {
        let limits = Arc::new(Limits::in_process(LimitPolicy::default()));
        let desk = Desk { routing: Arc::default(), limits, till: Arc::new(Till::without_ledger()) };
        Gateway { catalog, desk: Arc::new(desk), toolbox: None }
    }

    pub fn routed_by(self, routing: Routing) -> Self {
        self.with(|desk| Desk { routing: Arc::new(routing), ..desk })
    }

    pub fn limited_by(self, limits: Limits) -> Self {
        self.with(|desk| Desk { limits: Arc::new(limits), ..desk })
    }

    pub fn paid_through(self, till: Till) -> Self {
        self.with(|desk| Desk { till: Arc::new(till), ..desk })
    }

    pub fn with_tools(self, toolbox: Toolbox) -> Self {
        Gateway { toolbox: Some(Arc::new(toolbox)), ..self }
    }

    fn with(self, change: impl FnOnce(Desk) -> Desk) -> Self {
        let desk = change(Desk::clone(&self.desk));
        Gateway { desk: Arc::new(desk), ..self }
    }

    /// What has been used, and what it cost.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        self.desk.till.ledger()
    }

    pub async fn complete(&self, chat: ChatRequest) -> Result<Answered, Error> {
        let wants = Wants::of(&chat.request);
        let route = self.route(&chat.principal, &chat.request.model).await?;
        if let Some(toolbox) = self.toolbox_for(&chat.request)? {
            // Boxed: few requests name such tools, and every request's future has room for it.
            return Box::pin(self.desk.complete_with_tools(route, chat, toolbox)).await;
        }
        let leg = self.desk.first_leg();
        let mut answered = self.desk.complete(route, chat, leg).await?.answered;
        if wants.cost {
            answered.completion.json = with_cost(&answered.completion.json, answered.charged.cost);
        }
        Ok(answered)
    }

    /// Resolves when it is certain who serves: with the first event, or as soon as the only target there is has accepted the
    /// request.
    pub async fn stream(&self, chat: ChatRequest) -> Result<Streamed, Error> {
        let started_at = Instant::now();
        let route = self.route(&chat.principal, &chat.request.model).await?;
        if let Some(toolbox) = self.toolbox_for(&chat.request)? {
            let desk = Arc::clone(&self.desk);
            return Box::pin(desk.stream_with_tools(route, chat, Arc::clone(toolbox), started_at)).await;
        }
        let wants = Wants::of(&chat.request);
        let leg = self.desk.first_leg();
        let Begun { events, meta, target, .. } =
            self.desk.stream(route, chat, leg, wants, started_at).await?;
        Ok(Streamed { events: GatewayStream::of_call(events), meta, target })
    }

    /// What runs the registered tools of a request, if it names any.
    fn toolbox_for(&self, request: &ChatCompletionRequest) -> Result<Option<&Arc<Toolbox>>, Error> {
        let Some(at) = Conversation::needed(request) else { return Ok(None) };
        let none = || {
            let param = format!("tools[{at}]");
            let reason = format!(
                "{param} is a registered tool, and this gateway has none: its operator has to configure [[tool_servers]]"
            );
            invalid(&param, reason)
        };
        self.toolbox.as_ref().map(Some).ok_or_else(none)
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

    /// Resolves when what requests gave back to shared limits has arrived there.
    pub async fn drained(&self) {
        self.desk.limits.drained().await;
    }

    /// How the limits' store does, where it is on another machine.
    pub fn limits_report(&self) -> Option<StoreReport> {
        self.desk.limits.report()
    }

    /// How the configured targets stand: provider, upstream model, state.
    pub fn breakers(&self) -> Vec<(Arc<str>, Arc<str>, BreakerState)> {
        self.catalog.breakers()
    }

    /// How a caller's limits stand.
    pub async fn limits(&self, principal: &Principal, model: Option<&str>) -> LimitSnapshot {
        self.desk.limits.peek(principal, model).await
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

#[cfg(test)]
mod paying;
#[cfg(test)]
mod routed;
#[cfg(test)]
mod tests;
