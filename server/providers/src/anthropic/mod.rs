//! Anthropic's Messages API: <https://platform.claude.com/docs/en/api/messages>.
//!
//! Nothing passes through here: requests are rewritten ([`request`]), answers and streams rewritten back ([`response`],
//! [`stream`]). What Anthropic cannot express is a 400 that names the field, never dropped.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key.

mod headers;
mod models;
mod request;
mod response;
mod stream;
mod usage;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderName, Uri};
use novai_core::{ChatCall, Clock, Completion, Error, Provider, Streaming, SystemClock, UpstreamModel};

use crate::translate::chunks::{Chunks, counts};
use crate::translate::events::Events;
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
    messages: Uri,
    models: Uri,
    max_tokens_default: u64,
}

fn dialect() -> Dialect {
    Dialect {
        key_header: HeaderName::from_static("x-api-key"),
        // The version that this adaptor is written for; the only one so far.
        constants: &[("anthropic-version", "2023-06-01")],
        id_header: "request-id",
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
            messages: upstream.origin.target("/messages")?,
            models: upstream.origin.target("/models?limit=1000")?,
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
            let (headers, json) = self.upstream.post(self.messages.clone(), body).await?;
            let malformed = |reason| self.upstream.errors.malformed(reason);
            let created = self.upstream.clock.unix_time().as_secs();
            let completion = response::completion(&json, created).map_err(malformed)?;
            let usage = completion.usage.as_ref().map(counts);
            let json = serde_json::to_vec(&completion)
                .map_err(|_| malformed("its answer cannot be written as JSON"))?;
            Ok(Completion { json: json.into(), usage, meta: self.upstream.meta(&headers) })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let upstream = &self.upstream;
            let body = request::body(&call, self.max_tokens_default)?;
            let answer = upstream.open(self.messages.clone(), body).await?;
            let meta = upstream.meta(&answer.headers);
            let chunks = Chunks::begun_at(upstream.clock.unix_time());
            let reader = stream::Reader::default();
            let events =
                Events::new(answer.body, reader, chunks, upstream.errors.clone(), upstream.event_bytes_max);
            Ok(Streaming { events: Box::pin(events), meta })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            let json = self.upstream.get(self.models.clone(), MODELS_BYTES_MAX).await?;
            models::parse(&json).map_err(|reason| self.upstream.errors.malformed(reason))
        })
    }
}

#[cfg(test)]
mod tests;
