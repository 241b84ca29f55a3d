//! Google's Gemini API: <https://ai.google.dev/api/generate-content>.
//!
//! Nothing passes through here: requests are rewritten ([`request`]), answers and streams rewritten back ([`response`],
//! [`stream`]). What Gemini cannot express is a 400 that names the field, never dropped.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key. It travels in a
//! header, never in the URL.

mod citations;
mod embeddings;
mod images;
mod logprobs;
mod models;
mod request;
mod response;
mod stream;
mod wire;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderName;
use novai_core::{
    ChatCall, Clock, Completion, EmbeddingCall, Error, Provider, Streaming, SystemClock, UpstreamModel,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::{Outgoing, RequestHead};
use crate::fetch::{self, Fetcher};
use crate::translate::calls;
use crate::upstream::{self, ConfigError, Dialect, Upstream};
#[cfg(test)]
pub(crate) use request::SUPPORT;

pub const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// A thousand models are some megabytes.
const MODELS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Debug, Clone)]
pub struct Config {
    pub upstream: upstream::Config,
    /// Whether pictures that a request names by URL are fetched, and how. Refused otherwise.
    pub images: Option<fetch::Settings>,
}

impl Config {
    pub fn new(upstream: upstream::Config) -> Self {
        Config { upstream, images: None }
    }
}

pub struct Gemini {
    upstream: Upstream,
    models: RequestHead,
    fetcher: Option<Fetcher>,
}

fn dialect() -> Dialect {
    Dialect {
        key_header: HeaderName::from_static("x-goog-api-key"),
        key_prefix: "",
        constants: &[],
        id_headers: &["x-goog-request-id"],
        // Gemini says nothing about its limits until they are reached.
        limits: |_, _| None,
    }
}

impl Gemini {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let fetcher = config.images.map(Fetcher::new).transpose()?;
        let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
        let provider = Gemini::with_upstream(Upstream::new(config.upstream, dialect(), clock)?)?;
        Ok(Gemini { fetcher, ..provider })
    }

    fn with_upstream(upstream: Upstream) -> Result<Self, ConfigError> {
        Ok(Gemini { models: upstream.get("/models?pageSize=1000")?, upstream, fetcher: None })
    }

    /// The request in Gemini's words, its pictures included.
    async fn body(&self, call: &ChatCall) -> Result<Bytes, Error> {
        let images = images::fetch(self.fetcher.as_ref(), &call.request.messages).await?;
        request::body(call, &images)
    }

    /// A model's name is a segment of the path, and comes from configuration or from Gemini's own list.
    fn path(model: &str, method: &str) -> String {
        let model = utf8_percent_encode(model.strip_prefix("models/").unwrap_or(model), SEGMENT);
        format!("/models/{model}:{method}")
    }

    /// A segment that is percent-encoded cannot fail to be one.
    fn unnameable(upstream_model: &str) -> Error {
        Error::ModelNotFound { model: upstream_model.to_owned() }
    }
}

impl Provider for Gemini {
    fn name(&self) -> &str {
        self.upstream.errors.provider()
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let body = self.body(&call).await?;
            let path = Self::path(&call.upstream_model, "generateContent");
            let head = self.upstream.post(&path).map_err(|_| Self::unnameable(&call.upstream_model))?;
            let outgoing = Outgoing { head: &head, headers: &[], body, deadline: call.deadline };
            calls::complete(&self.upstream, outgoing, response::completion).await
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let body = self.body(&call).await?;
            let path = Self::path(&call.upstream_model, "streamGenerateContent?alt=sse");
            let head =
                self.upstream.post_for_events(&path).map_err(|_| Self::unnameable(&call.upstream_model))?;
            let outgoing = Outgoing { head: &head, headers: &[], body, deadline: call.deadline };
            calls::stream(&self.upstream, outgoing, stream::Reader::default()).await
        })
    }

    /// Google names them so, and they do nothing else.
    fn embeds(&self, upstream_model: &str) -> Option<bool> {
        Some(upstream_model.contains("embedding"))
    }

    fn embed(&self, call: EmbeddingCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let path = Self::path(&call.upstream_model, "batchEmbedContents");
            let head = self.upstream.post(&path).map_err(|_| Self::unnameable(&call.upstream_model))?;
            embeddings::embed(&self.upstream, &head, &call).await
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
