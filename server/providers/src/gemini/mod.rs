//! Google's Gemini API: <https://ai.google.dev/api/generate-content>.
//!
//! Nothing passes through here: requests are rewritten ([`request`]), answers and streams rewritten back ([`response`],
//! [`stream`]). What Gemini cannot express is a 400 that names the field, never dropped.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key. It travels in a
//! header, never in the URL.

mod models;
mod request;
mod response;
mod stream;
mod wire;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderName, Uri};
use novai_core::{ChatCall, Clock, Completion, Error, Provider, Streaming, SystemClock, UpstreamModel};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::translate::chunks::{Chunks, counts};
use crate::translate::events::Events;
use crate::upstream::{self, ConfigError, Dialect, Upstream};
#[cfg(test)]
pub(crate) use request::SUPPORT;

pub const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// A thousand models are some megabytes.
const MODELS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub struct Gemini {
    upstream: Upstream,
    models: Uri,
}

fn dialect() -> Dialect {
    Dialect {
        key_header: HeaderName::from_static("x-goog-api-key"),
        constants: &[],
        id_header: "x-goog-request-id",
        // Gemini says nothing about its limits until they are reached.
        limits: |_, _| None,
    }
}

impl Gemini {
    pub fn new(config: upstream::Config) -> Result<Self, ConfigError> {
        Gemini::with_upstream(Upstream::new(config, dialect(), Arc::new(SystemClock) as Arc<dyn Clock>)?)
    }

    fn with_upstream(upstream: Upstream) -> Result<Self, ConfigError> {
        Ok(Gemini { models: upstream.origin.target("/models?pageSize=1000")?, upstream })
    }

    /// A model's name is a segment of the path, and comes from configuration or from Gemini's own list.
    fn path(&self, model: &str, method: &str) -> Result<Uri, Error> {
        let model = utf8_percent_encode(model.strip_prefix("models/").unwrap_or(model), SEGMENT);
        self.upstream
            .origin
            .target(&format!("/models/{model}:{method}"))
            .map_err(|_| Error::ModelNotFound { model: model.to_string() })
    }
}

impl Provider for Gemini {
    fn name(&self) -> &str {
        self.upstream.errors.provider()
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let body = request::body(&call)?;
            let path = self.path(&call.upstream_model, "generateContent")?;
            let (headers, json) = self.upstream.post(path, body).await?;
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
            let body = request::body(&call)?;
            let path = self.path(&call.upstream_model, "streamGenerateContent?alt=sse")?;
            let answer = upstream.open(path, body).await?;
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
