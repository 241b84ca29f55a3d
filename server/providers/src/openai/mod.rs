//! Any server that speaks OpenAI's API for chats and embeddings: OpenAI, Azure, Groq, Mistral, OpenRouter, vLLM, llama.cpp, Ollama, …
//!
//! The caller's JSON goes out and the upstream's JSON comes back as the bytes they are; between them stand light checks
//! (is it JSON, is it an error, what does it say about usage). Start at [`OpenAi`]; [`stream`] is the hot path. [`presets`] lists
//! vendors that do some things in their own way, [`quirks`] writes requests for them.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key.

mod facts;
mod json;
mod models;
mod paths;
pub mod presets;
pub(crate) mod quirks;
mod reasoning;
mod request;
mod stream;
mod tool_calls;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use novai_core::{
    Call, ChatCall, Clock, Completion, EmbeddingCall, Error, Provider, Streaming, SystemClock, UpstreamModel,
};
use smallvec::SmallVec;

use self::paths::Heads;
use self::presets::Preset;
use self::quirks::Quirks;
use crate::client::Outgoing;
use crate::embeddings::Batches;
use crate::embeddings::answer::{Answer, Wanted};
use crate::embeddings::vector::Encoding;
use crate::upstream::{self, ConfigError, Dialect, Upstream};
use crate::{errors, headers};

/// What the configuration says about one OpenAI-compatible upstream.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its base URL is everything before `/chat/completions`, such as `https://api.openai.com/v1`.
    pub upstream: upstream::Config,
    /// Whose it is, with what that changes.
    pub preset: &'static Preset,
    /// Of Azure's deployments.
    pub api_version: String,
    /// Ask for the usage of every stream (`stream_options.include_usage`), whether or not the caller did. Off for upstreams
    /// that refuse the field; their streams are then counted only if the caller asks.
    pub asks_for_stream_usage: bool,
    /// Inputs in one call for embeddings; more are cut into several calls.
    pub embedding_inputs_max: usize,
    /// Name a request's trace to it.
    pub tells_trace: bool,
}

/// What OpenAI takes.
pub const EMBEDDING_INPUTS_MAX: usize = 2048;

impl Config {
    /// Any server.
    pub fn new(upstream: upstream::Config) -> Self {
        Config::preset(upstream, &presets::OPENAI)
    }

    /// A vendor's own.
    pub fn preset(upstream: upstream::Config, preset: &'static Preset) -> Self {
        Config {
            upstream,
            preset,
            api_version: presets::AZURE_API_VERSION.to_owned(),
            asks_for_stream_usage: preset.takes_stream_options(),
            embedding_inputs_max: EMBEDDING_INPUTS_MAX,
            tells_trace: false,
        }
    }
}

pub struct OpenAi {
    upstream: Upstream,
    heads: Heads,
    quirks: &'static Quirks,
    stream_kind: request::Kind,
    embedding_inputs_max: usize,
    tells_trace: bool,
}

fn dialect(preset: &Preset) -> Dialect {
    let (key_header, key_prefix) = preset.key_header.parts();
    Dialect {
        key_header,
        key_prefix,
        constants: &[],
        // The second is Azure's own.
        id_headers: &["x-request-id", "apim-request-id"],
        limits: |headers, _| headers::limits(headers),
    }
}

/// A list of every model an aggregator offers is some hundred kilobytes.
const MODELS_BYTES_MAX: usize = 8 * 1024 * 1024;

impl OpenAi {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
        let upstream = Upstream::new(config.upstream.clone(), dialect(config.preset), clock)?;
        OpenAi::with_upstream(upstream, &config)
    }

    fn with_upstream(upstream: Upstream, config: &Config) -> Result<Self, ConfigError> {
        Ok(OpenAi {
            heads: Heads::new(&upstream, config)?,
            quirks: &config.preset.quirks,
            embedding_inputs_max: config.embedding_inputs_max,
            upstream,
            tells_trace: config.tells_trace,
            stream_kind: match config.asks_for_stream_usage {
                true => request::Kind::StreamWithUsage,
                false => request::Kind::AsIs,
            },
        })
    }
}

/// What goes along with a call, so that both logs can be joined, and both traces. Ours are harmless; an id that cannot be sent
/// is left out.
fn joining<T>(call: &Call<T>, tells_trace: bool) -> SmallVec<[(HeaderName, HeaderValue); 2]> {
    const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    let mut told = SmallVec::new();
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        told.push((headers::name_of_request_id(&call.request_id), id));
    }
    let trace = call.trace.filter(|_| tells_trace);
    if let Some(parent) = trace.and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok()) {
        told.push((TRACEPARENT, parent));
    }
    told
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        self.upstream.errors.provider()
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let upstream = &self.upstream;
            let body = request::body(&call, request::Kind::AsIs, self.quirks)?;
            let head = self.heads.chat(upstream, &call.upstream_model)?;
            let told = joining(&call, self.tells_trace);
            let deadline = call.deadline;
            // What waits for the answer needs no decoded request.
            drop(call);
            let (headers, json) =
                upstream.json(Outgoing { head: &head, headers: &told, body, deadline }).await?;
            let facts = facts::Facts::of(&json).map_err(|reason| upstream.errors.malformed(reason))?;
            // Some upstreams answer 200 and put the refusal into the body.
            if facts.error && !facts.choices {
                return Err(upstream.errors.of_payload(&json));
            }
            let json = self.quirks.in_our_words(json);
            Ok(Completion { json, usage: facts.usage, meta: upstream.meta(&headers) })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let upstream = &self.upstream;
            let body = request::body(&call, self.stream_kind, self.quirks)?;
            let head = self.heads.chat_stream(upstream, &call.upstream_model)?;
            let told = joining(&call, self.tells_trace);
            let deadline = call.deadline;
            drop(call);
            let answer = upstream.send(Outgoing { head: &head, headers: &told, body, deadline }).await?;
            if !headers::is_event_stream(&answer.headers) {
                if headers::is_json(&answer.headers) {
                    let json = answer.body.read_beginning(errors::BODY_BYTES_MAX).await;
                    if facts::Facts::of(&json).is_ok_and(|facts| facts.error && !facts.choices) {
                        return Err(upstream.errors.of_payload(&json));
                    }
                }
                return Err(upstream.not_a_stream());
            }
            let meta = upstream.meta(&answer.headers);
            let (errors, event_bytes_max) = (upstream.errors.clone(), upstream.event_bytes_max);
            let events = stream::Events::new(answer.body, errors, event_bytes_max, self.quirks);
            Ok(Streaming { events: Box::pin(events), meta })
        })
    }

    /// Names are all there is to go by: most makers put it there.
    fn embeds(&self, upstream_model: &str) -> Option<bool> {
        upstream_model.to_ascii_lowercase().contains("embed").then_some(true)
    }

    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let upstream = &self.upstream;
            let malformed = |reason: String| upstream.errors.malformed(reason);
            let (call, told) = (&call, &joining(&call, self.tells_trace));
            let head = &*self.heads.embeddings(upstream, &call.upstream_model)?;
            let batches = Batches::of(&call.request.input, self.embedding_inputs_max);
            let answered = batches
                .ask(|batch| async move {
                    let body = request::embeddings(call, &batch, self.quirks)?;
                    let deadline = call.deadline;
                    let outgoing = Outgoing { head, headers: told, body, deadline };
                    let (headers, json) = upstream.json(outgoing).await?;
                    let facts =
                        facts::Facts::of(&json).map_err(|reason| upstream.errors.malformed(reason))?;
                    if facts.error {
                        return Err(upstream.errors.of_payload(&json));
                    }
                    let wanted = Wanted::of(&call.request, batch.len());
                    Ok((Answer::read(json, wanted).map_err(malformed)?, upstream.meta(&headers)))
                })
                .await?;
            let (answers, mut metas): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
            let encoding = Encoding::asked(&call.request);
            let (json, usage) = Answer::joined(answers, encoding).map_err(malformed)?;
            // The last one's limits have all calls behind them.
            Ok(Completion { json, usage, meta: metas.pop().unwrap_or_default() })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            let Some(head) = self.heads.models() else { return Ok(Vec::new()) };
            let outgoing = Outgoing { head, headers: &[], body: Bytes::new(), deadline: None };
            let (_, json) = self.upstream.json_within(outgoing, MODELS_BYTES_MAX).await?;
            models::parse(&json, self.name()).map_err(|reason| self.upstream.errors.malformed(reason))
        })
    }
}

#[cfg(test)]
mod tests;
