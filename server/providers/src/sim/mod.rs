//! A provider without a model: deterministic answers that obey the request, and faults on demand.
//!
//! The same request gives the same answer, byte for byte but for `created`. It honours `max_tokens`,
//! `max_completion_tokens`, `stop`, `n`, `seed`, `logprobs`, `tools` with `tool_choice` and `parallel_tool_calls`,
//! `response_format`, `reasoning_effort` and `stream_options`; what it ignores is listed in [`plan`]. Tokens are counted by
//! [`tokens`], whose rule fits in one line.
//!
//! | Model | Answers | Streams |
//! |---|---|---|
//! | `novai-sim` | as asked | as asked, one token per event |
//! | `novai-sim-tokens-64`, `-tokens-1000` | with exactly that many tokens (any number by `upstream_id`) | the same |
//! | `novai-sim-slow` | after 50 ms per token (`-slow-N`: N ms, by `upstream_id`) | 50 ms before each event |
//! | `novai-sim-refusal` | with a refusal | the same |
//! | `novai-sim-content-filter` | cut off by a content filter | the same |
//! | `novai-sim-empty` | without content | the same |
//! | `novai-sim-error-400`, `-404`, `-409`, `-413`, `-422` | rejected | rejected at once |
//! | `novai-sim-error-401` | as if the gateway's key were refused | the same |
//! | `novai-sim-error-429`, `novai-sim-rate-limit` | limited, for 2 s | the same |
//! | `novai-sim-error-500` | unavailable | the same |
//! | `novai-sim-error-503` | unavailable, for 1 s | the same |
//! | `novai-sim-malformed` | out of contract | out of contract after 2 events |
//! | `novai-sim-truncated` | unavailable | ends after 3 events without its end |
//! | `novai-sim-reset` | unavailable | breaks before its first event |
//! | `novai-sim-error-in-stream` | unavailable | an error in place of the fourth event |
//! | `novai-sim-large-event` | out of contract | too large an event after 2 |
//! | `novai-sim-embed` | embeddings alone: see [`embeddings`] | – |
//! | `novai-sim-stall` | never; the first-byte deadline ends it | 2 events, then silence until the idle deadline |

mod behaviour;
mod embeddings;
mod instance;
mod pattern;
mod plan;
mod prompt;
mod render;
mod stream;
mod tokens;
mod tools;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use novai_core::{
    ChatCall, Clock, Completion, Deadlines, EmbeddingCall, Error, Provider, ResponseMeta, Streaming,
    SystemClock, UpstreamModel,
};

use behaviour::{Behaviour, Fault};
use plan::Plan;
use render::Renderer;

pub struct Sim {
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
}

impl Sim {
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Sim::with_clock(name, Arc::new(SystemClock))
    }

    /// For recordings: a clock that stands still makes answers equal to the byte.
    pub fn with_clock(name: impl Into<Arc<str>>, clock: Arc<dyn Clock>) -> Self {
        Sim { name: name.into(), clock, deadlines: Deadlines::default() }
    }

    fn begin(&self, call: &ChatCall) -> Result<(Behaviour, Plan, Renderer), Error> {
        if &*call.upstream_model == embeddings::MODEL {
            let reason =
                format!("the model {} makes embeddings only: ask it at /embeddings", call.request.model);
            return Err(Error::InvalidRequest { param: Some("model".to_owned()), reason });
        }
        let behaviour = Behaviour::of(&call.upstream_model)
            .ok_or_else(|| Error::ModelNotFound { model: call.upstream_model.to_string() })?;
        if let Some(Fault::Refuse(refusal)) = behaviour.fault {
            return Err(refusal.error(&self.name));
        }
        let plan = Plan::new(&call.request, &behaviour)?;
        let renderer = Renderer::new(call, &plan, self.clock.unix_time());
        Ok((behaviour, plan, renderer))
    }
}

impl Provider for Sim {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let (behaviour, plan, renderer) = self.begin(&call)?;
            if let Some(fault) = behaviour.fault {
                return Err(fault.whole(&self.name, &self.deadlines).await);
            }
            if let Some(delay) = behaviour.delay_per_token {
                let tokens = u32::try_from(plan.usage.completion).unwrap_or(u32::MAX);
                tokio::time::sleep(delay.saturating_mul(tokens)).await;
            }
            Ok(Completion {
                json: renderer.whole(&plan),
                usage: Some(plan.usage),
                meta: ResponseMeta::default(),
            })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let (behaviour, plan, renderer) = self.begin(&call)?;
            let events = stream::events(Arc::clone(&self.name), plan, renderer, behaviour, self.deadlines);
            Ok(Streaming { events, meta: ResponseMeta::default() })
        })
    }

    fn embeds(&self, upstream_model: &str) -> Option<bool> {
        Some(upstream_model == embeddings::MODEL)
    }

    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(std::future::ready(embeddings::embed(&call)))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        let models = behaviour::LISTED
            .iter()
            .chain([&embeddings::MODEL])
            .map(|id| UpstreamModel { id: (*id).to_owned(), created: 0, owned_by: "novai".to_owned() })
            .collect();
        Box::pin(std::future::ready(Ok(models)))
    }
}

#[cfg(test)]
mod tests;
