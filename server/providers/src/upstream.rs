//! What every adaptor does alike with its upstream: credentials, one kind of call, and the reaction to what is no answer.

use std::path::PathBuf;
use std::sync::Arc;
#[cfg(test)]
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use novai_core::{Clock, Deadlines, Error, ResponseMeta};

use crate::client::{
    Client, Headers, Incoming, Method, Origin, OriginError, Outgoing, PoolConfig, RequestHead, TlsError,
    client_config,
};
use crate::errors::{self, Errors};
use crate::headers::{self, LimitsReader};

/// Largest JSON answer, unless configured.
pub const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest single event of a stream, unless configured.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Where an upstream is, and what may be spent on it.
#[derive(Clone)]
pub struct Config {
    /// As it appears in logs and errors.
    pub name: String,
    /// What stands before every path, such as `https://api.anthropic.com/v1`.
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
            response_bytes_max: RESPONSE_BYTES_MAX,
            event_bytes_max: EVENT_BYTES_MAX,
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

/// What differs between vendors that are called this way.
pub(crate) struct Dialect {
    /// The header that carries the key, and what stands before it there.
    pub key_header: HeaderName,
    pub key_prefix: &'static str,
    /// Sent with every request.
    pub constants: &'static [(&'static str, &'static str)],
    /// Headers that name an answer; the first that is there counts.
    pub id_headers: &'static [&'static str],
    pub limits: LimitsReader,
}

pub(crate) struct Upstream {
    client: Client,
    origin: Origin,
    pub errors: Errors,
    pub clock: Arc<dyn Clock>,
    pub event_bytes_max: usize,
    headers: HeaderMap,
    dialect: Dialect,
    response_bytes_max: usize,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

impl Upstream {
    pub(crate) fn new(config: Config, dialect: Dialect, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let origin = Origin::parse(&config.base_url)?;
        let tls = match (origin.is_tls(), &config.ca_file) {
            (true, ca_file) => Some(client_config(ca_file.as_deref())?),
            (false, _) => None,
        };
        let client = Client::to(&origin, tls, config.pool, config.deadlines)?;
        Upstream::with_client(config, dialect, clock, origin, client)
    }

    pub(crate) fn with_client(
        config: Config,
        dialect: Dialect,
        clock: Arc<dyn Clock>,
        origin: Origin,
        client: Client,
    ) -> Result<Self, ConfigError> {
        let mut headers = headers::common(&origin)?;
        for (name, value) in dialect.constants {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        if let Some(key) = &config.api_key {
            let mut value = HeaderValue::from_str(&format!("{}{key}", dialect.key_prefix))
                .map_err(|_| ConfigError::ApiKey)?;
            value.set_sensitive(true);
            headers.insert(dialect.key_header.clone(), value);
        }
        Ok(Upstream {
            client,
            origin,
            errors: Errors::new(config.name, config.api_key, dialect.limits, Arc::clone(&clock)),
            clock,
            event_bytes_max: config.event_bytes_max,
            headers,
            dialect,
            response_bytes_max: config.response_bytes_max,
        })
    }

    /// The head of requests for a document below the base URL.
    pub(crate) fn get(&self, path: &str) -> Result<RequestHead, OriginError> {
        self.head(Method::Get, path, JSON)
    }

    /// The head of requests whose body and answer are JSON.
    pub(crate) fn post(&self, path: &str) -> Result<RequestHead, OriginError> {
        self.head(Method::Post, path, JSON)
    }

    /// The head of requests whose answer is a stream of events.
    pub(crate) fn post_for_events(&self, path: &str) -> Result<RequestHead, OriginError> {
        self.head(Method::Post, path, EVENT_STREAM)
    }

    fn head(&self, method: Method, path: &str, accept: HeaderValue) -> Result<RequestHead, OriginError> {
        let mut headers = self.headers.clone();
        if method == Method::Post {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        headers.insert(header::ACCEPT, accept);
        Ok(RequestHead::new(method, &self.origin.target(path)?, &headers))
    }

    /// An answer with status 200, or the error that it is.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Incoming, Error> {
        let answer = self.client.send(&outgoing).await.map_err(|failure| self.errors.of_failure(failure))?;
        if answer.status == StatusCode::OK {
            return match headers::is_compressed(&answer.headers) {
                false => Ok(answer),
                true => Err(self.errors.malformed("its answer is compressed, though it was asked not to be")),
            };
        }
        let Incoming { status, headers, body } = answer;
        let body = body.read_beginning(errors::BODY_BYTES_MAX).await;
        Err(self.errors.of_answer(status, &headers, &body))
    }

    /// The JSON of an answer, and its headers.
    pub(crate) async fn json(&self, outgoing: Outgoing<'_>) -> Result<(Headers, Bytes), Error> {
        self.json_within(outgoing, self.response_bytes_max).await
    }

    /// As [`Upstream::json`], with a bound of its own.
    pub(crate) async fn json_within(
        &self,
        outgoing: Outgoing<'_>,
        bytes_max: usize,
    ) -> Result<(Headers, Bytes), Error> {
        let Incoming { headers, body, .. } = self.send(outgoing).await?;
        if !headers::is_json(&headers) {
            return Err(self.errors.malformed("its content type is not JSON"));
        }
        let json = body.read_whole(bytes_max).await.map_err(|failure| self.errors.of_failure(failure))?;
        Ok((headers, json))
    }

    pub(crate) fn not_a_stream(&self) -> Error {
        self.errors.malformed("it answered a stream request without an event stream")
    }

    pub(crate) fn meta(&self, headers: &Headers) -> ResponseMeta {
        ResponseMeta {
            upstream_request_id: self.dialect.id_headers.iter().find_map(|name| headers::id(headers, name)),
            limits: (self.dialect.limits)(headers, self.clock.unix_time()),
        }
    }
}

/// An upstream over in-process pipes, at a time that stands still.
#[cfg(test)]
pub(crate) fn scripted(
    config: Config,
    dialect: Dialect,
    now: Duration,
) -> (Upstream, crate::client::testing::Upstream) {
    let origin = Origin::parse(&config.base_url).unwrap();
    let (pipes, far) = crate::client::testing::pipes();
    let client = Client::new(pipes, config.pool, config.deadlines);
    let clock = Arc::new(novai_core::clock::FixedClock(now));
    (Upstream::with_client(config, dialect, clock, origin, client).unwrap(), far)
}
