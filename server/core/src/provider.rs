//! The port that every upstream implements: one request in, one answer or a stream of events out.
//!
//! Payloads stay the JSON bytes that go to the caller. An adaptor that speaks OpenAI's wire hands the upstream's
//! own bytes through; one that translates serialises once. Whatever the gateway has to *know* about a payload is
//! lifted beside it ([`TokenUsage`]), so nobody downstream parses it again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use novai_types::{ChatCompletionRequest, EmbeddingRequest};
use tokio::time::Instant;

use crate::error::Error;
use crate::trace::TraceContext;

/// One checked request on its way to a target.
#[derive(Debug, Clone)]
pub struct Call<T> {
    /// The request as the caller sent it: pass-through adaptors forward these bytes.
    pub raw: Bytes,
    /// The same request, decoded and checked.
    pub request: Arc<T>,
    /// The name that the upstream knows the model by.
    pub upstream_model: Arc<str>,
    /// Sent along, so that both logs can be joined.
    pub request_id: Arc<str>,
    /// Sent along, if there is one: the parent of whatever the upstream traces.
    pub trace: Option<TraceContext>,
    /// When the whole request must be over, its earlier attempts at other targets included: a provider gives up then, with
    /// [`Error::ProviderTimeout`], if its own deadlines have not passed before.
    pub deadline: Option<Instant>,
}

pub type ChatCall = Call<ChatCompletionRequest>;
pub type EmbeddingCall = Call<EmbeddingRequest>;

/// A finished, non-streamed answer.
#[derive(Debug, Clone)]
pub struct Completion {
    /// JSON of a `ChatCompletion`, or of an `EmbeddingList`, which may lack `usage` where the upstream does not count.
    pub json: Bytes,
    pub usage: Option<TokenUsage>,
    pub meta: ResponseMeta,
}

/// An answer that has begun to stream.
pub struct Streaming {
    pub events: ChatStream,
    pub meta: ResponseMeta,
}

/// Ends after its last event; an `Err` is always the last item. Dropping it cancels the upstream request.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatEvent, Error>> + Send>>;

/// One event of a stream.
#[derive(Debug, Clone)]
pub struct ChatEvent {
    /// JSON of a `ChatCompletionChunk`, without line breaks.
    pub json: Bytes,
    /// Token counts, where this event reports them.
    pub usage: Option<TokenUsage>,
    /// True for the extra event that carries usage and no choice: callers get it only if they asked for it.
    pub usage_only: bool,
}

/// Tokens as the upstream counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    pub prompt: u64,
    /// Part of `prompt` that was read from the upstream's cache.
    pub cached_prompt: u64,
    /// Part of `prompt` that was sound.
    pub audio_prompt: u64,
    pub completion: u64,
    /// Part of `completion` that was spent on reasoning.
    pub reasoning: u64,
    /// Part of `completion` that was sound.
    pub audio_completion: u64,
    pub total: u64,
}

impl TokenUsage {
    /// Both together.
    pub fn plus(&self, other: &TokenUsage) -> Self {
        TokenUsage {
            prompt: self.prompt.saturating_add(other.prompt),
            cached_prompt: self.cached_prompt.saturating_add(other.cached_prompt),
            audio_prompt: self.audio_prompt.saturating_add(other.audio_prompt),
            completion: self.completion.saturating_add(other.completion),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_completion: self.audio_completion.saturating_add(other.audio_completion),
            total: self.total.saturating_add(other.total),
        }
    }
}

/// What the upstream said about the answer, beside the answer.
#[derive(Debug, Clone, Default)]
pub struct ResponseMeta {
    pub upstream_request_id: Option<String>,
    pub limits: Option<RateLimitSnapshot>,
}

/// The state of the limits that apply to a caller, as last known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimitSnapshot {
    pub requests: WindowSnapshot,
    pub tokens: WindowSnapshot,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowSnapshot {
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    /// Time until the whole limit is available again.
    pub reset: Option<Duration>,
}

/// A model that an upstream offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamModel {
    pub id: String,
    /// Unix seconds; 0 where the upstream does not say.
    pub created: u64,
    pub owned_by: String,
}

pub trait Provider: Send + Sync + 'static {
    /// The configured name, as it appears in logs and errors.
    fn name(&self) -> &str;

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>>;

    /// Resolves when the upstream has accepted the request; its first event may still be far away.
    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>>;

    /// Whether a model makes embeddings; `None` where only the upstream knows.
    fn embeds(&self, _upstream_model: &str) -> Option<bool> {
        Some(false)
    }

    /// One vector for each input, in their order, or none at all. Asked only of models that [`Provider::embeds`] does not
    /// rule out.
    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        let reason = format!("the provider of {} makes no embeddings", call.request.model);
        let error = Error::InvalidRequest { param: Some("model".to_owned()), reason };
        Box::pin(std::future::ready(Err(error)))
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>>;
}
