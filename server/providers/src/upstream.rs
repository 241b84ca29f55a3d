//! What every adaptor does alike with its upstream: credentials, one kind of call, and the reaction to what is no answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use novai_core::{Clock, Deadlines, Error, RateLimitSnapshot, ResponseMeta};

use crate::client::{
    Client, Headers, Incoming, Method, Origin, OriginError, Outgoing, PoolConfig, RequestHead, TlsError,
    client_config,
};
use crate::errors::{self, Errors};
use crate::headers;

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
    /// The header that carries the key.
    pub key_header: HeaderName,
    /// Sent with every request.
    pub constants: &'static [(&'static str, &'static str)],
    /// Names the vendor's id of an answer.
    pub id_header: &'static str,
    /// The vendor's rate-limit headers, at a time since 1970.
    pub limits: fn(&Headers, Duration) -> Option<RateLimitSnapshot>,
}

pub(crate) struct Upstream {
    pub client: Client,
    pub origin: Origin,
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
            let mut value = HeaderValue::from_str(key).map_err(|_| ConfigError::ApiKey)?;
            value.set_sensitive(true);
            headers.insert(dialect.key_header.clone(), value);
        }
        Ok(Upstream {
            client,
            origin,
            errors: Errors::new(config.name, config.api_key, Arc::clone(&clock)),
            clock,
            event_bytes_max: config.event_bytes_max,
            headers,
            dialect,
            response_bytes_max: config.response_bytes_max,
        })
    }

    /// The JSON that answers a POST of `body`, and the answer's headers.
    pub(crate) async fn post(&self, path: Uri, body: Bytes) -> Result<(Headers, Bytes), Error> {
        let mut answer = self.send(Method::Post, path, body, JSON).await?;
        self.check_json(&answer)?;
        let headers = std::mem::take(&mut answer.headers);
        Ok((headers, self.whole(answer, self.response_bytes_max).await?))
    }

    /// The stream that answers a POST of `body`.
    pub(crate) async fn open(&self, path: Uri, body: Bytes) -> Result<Incoming, Error> {
        let answer = self.send(Method::Post, path, body, EVENT_STREAM).await?;
        if !headers::is_event_stream(&answer.headers) {
            return Err(self.errors.malformed("it answered a stream request without an event stream"));
        }
        Ok(answer)
    }

    /// The JSON behind `path`, if it is no more than `bytes_max`.
    pub(crate) async fn get(&self, path: Uri, bytes_max: usize) -> Result<Bytes, Error> {
        let answer = self.send(Method::Get, path, Bytes::new(), JSON).await?;
        self.check_json(&answer)?;
        self.whole(answer, bytes_max).await
    }

    pub(crate) fn meta(&self, headers: &Headers) -> ResponseMeta {
        ResponseMeta {
            upstream_request_id: headers::id(headers, self.dialect.id_header),
            limits: self.limits(headers),
        }
    }

    fn limits(&self, headers: &Headers) -> Option<RateLimitSnapshot> {
        (self.dialect.limits)(headers, self.clock.unix_time())
    }

    /// An answer with status 200, or the error that it is.
    async fn send(
        &self,
        method: Method,
        path: Uri,
        body: Bytes,
        accept: HeaderValue,
    ) -> Result<Incoming, Error> {
        let mut headers = self.headers.clone();
        if method == Method::Post {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        headers.insert(header::ACCEPT, accept);
        let head = RequestHead::new(method, &path, &headers);
        let outgoing = Outgoing { head: &head, headers: &[], body };
        let answer = self.client.send(&outgoing).await.map_err(|failure| self.errors.of_failure(failure))?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        let Incoming { status, headers, body } = answer;
        let body = body.read_beginning(errors::BODY_BYTES_MAX).await;
        let told = self.limits(&headers);
        Err(match self.errors.of_answer(status, &headers, &body) {
            Error::ProviderRateLimited { provider, message, retry_after, .. } => {
                Error::ProviderRateLimited { provider, message, retry_after, limits: told.map(Box::new) }
            }
            other => other,
        })
    }

    fn check_json(&self, answer: &Incoming) -> Result<(), Error> {
        match headers::is_json(&answer.headers) {
            true => Ok(()),
            false => Err(self.errors.malformed("its content type is not JSON")),
        }
    }

    async fn whole(&self, answer: Incoming, bytes_max: usize) -> Result<Bytes, Error> {
        answer.body.read_whole(bytes_max).await.map_err(|failure| self.errors.of_failure(failure))
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
