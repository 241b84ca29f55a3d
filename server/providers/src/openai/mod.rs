//! Any server that speaks OpenAI's chat API: OpenAI, Azure, Groq, Mistral, OpenRouter, vLLM, llama.cpp, Ollama, …
//!
//! The caller's JSON goes out and the upstream's JSON comes back as the bytes they are; between them stand light checks
//! (is it JSON, is it an error, what does it say about usage). Start at [`OpenAi`]; [`stream`] is the hot path.
//!
//! **Invariant:** the upstream's words about *our* credentials never reach a caller, and neither does our key.

mod facts;
mod json;
mod models;
mod request;
mod stream;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use novai_core::{
    ChatCall, Clock, Completion, Deadlines, Error, Provider, Streaming, SystemClock, UpstreamModel,
};

use crate::client::{
    Client, Incoming, Method, Origin, OriginError, Outgoing, PoolConfig, RequestHead, TlsError, client_config,
};
use crate::errors::{self, Errors};
use crate::headers;

/// What the configuration says about one OpenAI-compatible upstream.
#[derive(Clone)]
pub struct Config {
    /// As it appears in logs and errors.
    pub name: String,
    /// Everything before `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    pub api_key: Option<String>,
    /// PEM file with further certificate authorities, for private upstreams.
    pub ca_file: Option<PathBuf>,
    pub deadlines: Deadlines,
    pub pool: PoolConfig,
    /// Largest JSON answer.
    pub response_bytes_max: usize,
    /// Largest single event of a stream.
    pub event_bytes_max: usize,
    /// Ask for the usage of every stream (`stream_options.include_usage`), whether or not the caller did. Off for upstreams
    /// that refuse the field; their streams are then counted only if the caller asks.
    pub asks_for_stream_usage: bool,
}

impl Config {
    pub fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Config {
            name: name.into(),
            base_url: base_url.into(),
            api_key: None,
            ca_file: None,
            deadlines: Deadlines::default(),
            pool: PoolConfig::default(),
            response_bytes_max: 32 * 1024 * 1024,
            event_bytes_max: 1024 * 1024,
            asks_for_stream_usage: true,
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("name", &self.name)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// Which setting cannot be used, and why. Never repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("base_url: {0}")]
    BaseUrl(#[from] OriginError),
    #[error("the API key contains characters that cannot be sent in a header")]
    ApiKey,
    #[error("ca_file: {0}")]
    Tls(#[from] TlsError),
}

pub struct OpenAi {
    client: Client,
    chat: RequestHead,
    chat_stream: RequestHead,
    models: RequestHead,
    errors: Errors,
    response_bytes_max: usize,
    event_bytes_max: usize,
    stream_kind: request::Kind,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// A list of every model an aggregator offers is some hundred kilobytes.
const MODELS_BYTES_MAX: usize = 8 * 1024 * 1024;

impl OpenAi {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let origin = Origin::parse(&config.base_url)?;
        let tls = match (origin.is_tls(), &config.ca_file) {
            (true, ca_file) => Some(client_config(ca_file.as_deref())?),
            (false, _) => None,
        };
        let client = Client::to(&origin, tls, config.pool, config.deadlines)?;
        OpenAi::with_client(config, &origin, client, Arc::new(SystemClock))
    }

    fn with_client(
        config: Config,
        origin: &Origin,
        client: Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let mut headers = common_headers(origin, config.api_key.as_deref())?;
        headers.insert(header::ACCEPT, JSON);
        let models = RequestHead::new(Method::Get, &origin.target("/models")?, &headers);
        let target = origin.target("/chat/completions")?;
        headers.insert(header::CONTENT_TYPE, JSON);
        let chat = RequestHead::new(Method::Post, &target, &headers);
        headers.insert(header::ACCEPT, EVENT_STREAM);
        let chat_stream = RequestHead::new(Method::Post, &target, &headers);
        Ok(OpenAi {
            client,
            chat,
            chat_stream,
            models,
            errors: Errors::new(config.name, config.api_key, clock),
            response_bytes_max: config.response_bytes_max,
            event_bytes_max: config.event_bytes_max,
            stream_kind: match config.asks_for_stream_usage {
                true => request::Kind::StreamWithUsage,
                false => request::Kind::AsIs,
            },
        })
    }

    async fn post(&self, head: &RequestHead, body: Bytes, request_id: &str) -> Result<Incoming, Error> {
        // Ours are harmless; another that cannot be sent is left out.
        let id =
            HeaderValue::from_str(request_id).ok().map(|id| (headers::name_of_request_id(request_id), id));
        self.send(Outgoing { head, headers: id.as_slice(), body }).await
    }

    /// An answer with status 200, or the error that it is.
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Incoming, Error> {
        let answer = self.client.send(&outgoing).await.map_err(|failure| self.errors.of_failure(failure))?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let Incoming { status, headers, body } = answer;
        let body = body.read_beginning(errors::BODY_BYTES_MAX).await;
        Err(self.errors.of_answer(status, &headers, &body))
    }

    async fn json(&self, answer: Incoming, bytes_max: usize) -> Result<Bytes, Error> {
        if !headers::is_json(&answer.headers) {
            return Err(self.errors.malformed("its content type is not JSON"));
        }
        answer.body.read_whole(bytes_max).await.map_err(|failure| self.errors.of_failure(failure))
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        self.errors.provider()
    }

    fn complete(&self, call: ChatCall) -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let body = request::body(&call, request::Kind::AsIs)?;
            let request_id = call.request_id.clone();
            // What waits for the answer needs no decoded request.
            drop(call);
            let answer = self.post(&self.chat, body, &request_id).await?;
            let meta = headers::meta(&answer.headers);
            let json = self.json(answer, self.response_bytes_max).await?;
            let facts = facts::Facts::of(&json).map_err(|reason| self.errors.malformed(reason))?;
            // Some upstreams answer 200 and put the refusal into the body.
            if facts.error && !facts.choices {
                return Err(self.errors.of_payload(&json));
            }
            let usage = facts.usage;
            Ok(Completion { json, usage, meta })
        })
    }

    fn stream(&self, call: ChatCall) -> BoxFuture<'_, Result<Streaming, Error>> {
        Box::pin(async move {
            let body = request::body(&call, self.stream_kind)?;
            let request_id = call.request_id.clone();
            drop(call);
            let answer = self.post(&self.chat_stream, body, &request_id).await?;
            if !headers::is_event_stream(&answer.headers) {
                if headers::is_json(&answer.headers) {
                    let json = answer.body.read_beginning(errors::BODY_BYTES_MAX).await;
                    if facts::Facts::of(&json).is_ok_and(|facts| facts.error && !facts.choices) {
                        return Err(self.errors.of_payload(&json));
                    }
                }
                return Err(self.errors.malformed("it answered a stream request without an event stream"));
            }
            let meta = headers::meta(&answer.headers);
            let events = stream::Events::new(answer.body, self.errors.clone(), self.event_bytes_max);
            Ok(Streaming { events: Box::pin(events), meta })
        })
    }

    fn models(&self) -> BoxFuture<'_, Result<Vec<UpstreamModel>, Error>> {
        Box::pin(async move {
            let outgoing = Outgoing { head: &self.models, headers: &[], body: Bytes::new() };
            let answer = self.send(outgoing).await?;
            let json = self.json(answer, MODELS_BYTES_MAX).await?;
            models::parse(&json, self.name()).map_err(|reason| self.errors.malformed(reason))
        })
    }
}

fn common_headers(origin: &Origin, api_key: Option<&str>) -> Result<HeaderMap, ConfigError> {
    let mut headers = headers::common(origin)?;
    if let Some(key) = api_key {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ConfigError::ApiKey)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
