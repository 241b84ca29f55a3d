//! Anthropic's Messages API: <https://platform.claude.com/docs/en/api/messages>.
//!
//! Nothing passes through here: requests are rewritten ([`request`]), answers and streams rewritten back ([`response`],
//! [`stream`]). What Anthropic cannot express is a 400 that names the field, never dropped.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key.

mod citations;
mod headers;
mod models;
mod request;
mod response;
mod stream;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderName;
use novai_core::{ChatCall, Clock, Completion, Error, Provider, Streaming, SystemClock, UpstreamModel};

use crate::client::{Outgoing, RequestHead};
use crate::translate::calls;
use crate::upstream::{self, ConfigError, Dialect, Upstream};
#[cfg(test)]
pub(crate) use request::SUPPORT;

pub const BASE_URL: &str = "https://api.anthropic.com/v1";

/// A page of a thousand models is some hundred kilobytes.
const MODELS_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Debug, Clone)]
pub struct Config {
    pub upstream: upstream::Config,
    /// Anthropic wants a bound on every answer, in tokens; this one stands in where the caller gives none.
    pub max_tokens_default: u64,
}

impl Config {
    /// With a bound that every model since Claude 3.5 takes.
    pub fn new(upstream: upstream::Config) -> Self {
        Config { upstream, max_tokens_default: 8192 }
    }
}

pub struct Anthropic {
    upstream: Upstream,
    messages: RequestHead,
    messages_stream: RequestHead,
    models: RequestHead,
    max_tokens_default: u64,
}

fn dialect() -> Dialect {
    Dialect {
        key_header: HeaderName::from_static("x-api-key"),
        key_prefix: "",
        // The version that this adaptor is written for; the only one so far.
        constants: &[("anthropic-version", "2023-06-01")],
        id_headers: &["request-id"],
        limits: headers::limits,
    }
}

impl Anthropic {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let upstream = Upstream::new(config.upstream, dialect(), Arc::new(SystemClock) as Arc<dyn Clock>)?;
        Anthropic::with_upstream(upstream, config.max_tokens_default)
    }

    fn with_upstream(upstream: Upstream, max_tokens_default: u64) -> Result<Self, ConfigError> {
        Ok(Anthropic {
            messages: upstream.post("/messages")?,
            messages_stream: upstream.post_for_events("/messages")?,
            models: upstream.get("/models?limit=1000")?,
            upstream,
            max_tokens_default,
        })
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &str {
        self.upstream.errors.provider()
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let body = request::body(&call, self.max_tokens_default)?;
            let outgoing = Outgoing { head: &self.messages, headers: &[], body, deadline: call.deadline };
            calls::complete(&self.upstream, outgoing, response::completion).await
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let body = request::body(&call, self.max_tokens_default)?;
            let outgoing =
                Outgoing { head: &self.messages_stream, headers: &[], body, deadline: call.deadline };
            calls::stream(&self.upstream, outgoing, stream::Reader::default()).await
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            let outgoing = Outgoing { head: &self.models, headers: &[], body: Bytes::new(), deadline: None };
            let (_, json) = self.upstream.json_within(outgoing, MODELS_BYTES_MAX).await?;
            models::parse(&json).map_err(|reason| self.upstream.errors.malformed(reason))
        })
    }
}

#[cfg(test)]
mod tests;
