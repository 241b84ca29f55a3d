//! [`Client`]: what a user holds, and the two calls that generated resources make.
//!
//! Start at [`Client::from_env`] or [`Client::builder`]. A client is two `Arc`s: clone it freely.
//!
//! **Invariant:** nothing here names an operation, a path or a wire type. Those are generated from `spec/openapi.yaml`
//! into `crate::generated`, over the two methods below:
//!
//! - [`Client::call`] runs one JSON operation. The closure gets a progenitor client that carries this call's options
//!   (key, deadlines, retries, headers) in its hooks, and is run once: retries happen below it, on the encoded request.
//! - [`Client::stream`] does the same for an operation that answers `text/event-stream`. The type parameter is the
//!   generated accumulator; it implements [`Accumulate`](crate::stream::Accumulate) and names event and result.
//!
//! A generated resource is therefore no more than:
//!
//! ```ignore
//! /// Namespace `chat.completions`.
//! #[derive(Debug, Clone)]
//! pub struct Completions { client: Client }
//!
//! impl Completions {
//!     pub(crate) fn new(client: Client) -> Self { Self { client } }
//!
//!     pub async fn create(&self, request: ChatCompletionRequest) -> Result<Response<ChatCompletion>, Error> {
//!         self.client.call(|raw| async move { raw.create_chat_completion().body(request).send().await }).await
//!     }
//!
//!     pub async fn stream(&self, mut request: ChatCompletionRequest) -> Result<Stream<ChatCompletionAccumulator>, Error> {
//!         request.stream = Some(true);
//!         self.client.stream(|raw| async move { raw.create_chat_completion_stream().body(request).send().await }).await
//!     }
//! }
//!
//! impl Models {
//!     pub async fn retrieve(&self, model: &str) -> Result<Response<Model>, Error> {
//!         let model = model.to_owned();
//!         self.client.call(|raw| async move { raw.retrieve_model().model(model).send().await }).await
//!     }
//! }
//!
//! impl Client {
//!     pub fn chat(&self) -> Chat { Chat::new(self.clone()) }
//!     pub fn models(&self) -> Models { Models::new(self.clone()) }
//! }
//!
//! impl Accumulate for ChatCompletionAccumulator {
//!     type Event = ChatCompletionChunk;
//!     type Final = ChatCompletion;
//!     const TERMINAL: Option<&'static str> = Some("[DONE]");
//!     fn push(&mut self, event: &ChatCompletionChunk) { ... }
//!     fn snapshot(&self) -> ChatCompletion { ... }
//!     fn finish(self) -> ChatCompletion { ... }
//! }
//! ```
//!
//! progenitor's client lives at `crate::generated::raw::Client`, has `crate::transport::Inner` as its inner type, and is
//! generated with `HooksMode::Expected`: `crate::transport` implements `ClientHooks<Inner>` for it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use progenitor_client::{ByteStream, ResponseValue};

use crate::call::{Call, Mode};
use crate::errors::Error;
use crate::options::Options;
use crate::response::Response;
use crate::shared::{ApiKey, Shared};
use crate::stream::{Accumulate, Stream};
use crate::transport::{Inner, RawClient};

/// Where a gateway listens when nothing else is said.
pub const DEFAULT_BASE_URL: &str = "http://127.0.0.1:8080/v1";

const ENV_API_KEY: &str = "NOVAI_API_KEY";
const ENV_BASE_URL: &str = "NOVAI_BASE_URL";

/// A connection pool, a key and the options that calls start from. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    options: Arc<Options>,
}

impl Client {
    /// A client for `api_key`, with the base URL from `NOVAI_BASE_URL` or else [`DEFAULT_BASE_URL`].
    pub fn new(api_key: impl Into<String>) -> Result<Self, Error> {
        Self::builder().api_key(api_key).build()
    }

    /// A client from `NOVAI_API_KEY` and `NOVAI_BASE_URL`.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same client with other options: for one call, or for a part of a program.
    ///
    /// ```
    /// # fn demo(client: novai::Client) {
    /// use std::time::Duration;
    /// let patient = client.with_options(|options| options.total_timeout(Duration::from_secs(3_600)).max_retries(5));
    /// # }
    /// ```
    #[must_use]
    pub fn with_options(&self, change: impl FnOnce(Options) -> Options) -> Self {
        Self { shared: Arc::clone(&self.shared), options: Arc::new(change(Options::clone(&self.options))) }
    }

    /// progenitor's client, one method per operation: status, headers and every documented reply, untouched.
    ///
    /// It signs and retries as this client does. Its errors are progenitor's, and of the deadlines only `connect` and
    /// `total` hold.
    pub fn raw(&self) -> RawClient {
        self.raw_for(None)
    }

    /// The URL that paths are appended to, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Runs one operation that answers JSON. `send` is run once, on a raw client made for this call.
    pub(crate) async fn call<T, E, F, Fut>(&self, send: F) -> Result<Response<T>, Error>
    where
        F: FnOnce(RawClient) -> Fut,
        Fut: Future<Output = Result<ResponseValue<T>, progenitor_client::Error<E>>>,
    {
        self.options.check()?;
        let call = Arc::new(Call::new(Mode::Json));
        let sent = send(self.raw_for(Some(Arc::clone(&call)))).await;
        call.reply(&self.shared, sent)
    }

    /// Opens the stream of one operation that answers `text/event-stream`; ready once its first event is there, so
    /// that whatever fails before it is retried and reported here.
    pub(crate) async fn stream<A, E, F, Fut>(&self, send: F) -> Result<Stream<A>, Error>
    where
        A: Accumulate,
        F: FnOnce(RawClient) -> Fut,
        Fut: Future<Output = Result<ResponseValue<ByteStream>, progenitor_client::Error<E>>>,
    {
        self.options.check()?;
        let call = Arc::new(Call::new(Mode::Stream));
        let sent = send(self.raw_for(Some(Arc::clone(&call)))).await;
        Ok(Stream::new(call.opened(&self.shared, sent)?))
    }

    fn raw_for(&self, call: Option<Arc<Call>>) -> RawClient {
        let inner = Inner { shared: Arc::clone(&self.shared), options: Arc::clone(&self.options), call };
        RawClient::new_with_client(&self.shared.base_url, self.shared.http.clone(), inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("shared", &self.shared).field("options", &self.options).finish()
    }
}

/// Collects what a [`Client`] needs; whatever is not set comes from the environment or a default.
#[derive(Debug, Clone, Default)]
pub struct ClientBuilder {
    api_key: Option<ApiKey>,
    base_url: Option<String>,
    options: Options,
}

impl ClientBuilder {
    /// Default: the environment variable `NOVAI_API_KEY`.
    #[must_use]
    pub fn api_key(mut self, api_key: impl Into<String>) -> Self {
        self.api_key = Some(ApiKey::new(api_key.into()));
        self
    }

    /// With the version in it, such as `https://gateway.example/v1`. Default: the environment variable
    /// `NOVAI_BASE_URL`, or else [`DEFAULT_BASE_URL`].
    #[must_use]
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The options that every call starts from.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(Options) -> Options) -> Self {
        self.options = change(self.options);
        self
    }

    /// Fails with [`Error::Configuration`] when there is no key, or when the key, the base URL or a header cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let api_key = match self.api_key {
            Some(key) => key,
            None => ApiKey::new(from_env(ENV_API_KEY).ok_or_else(|| {
                Error::configuration(format!("no API key: set {ENV_API_KEY} or call ClientBuilder::api_key"))
            })?),
        };
        let base_url =
            self.base_url.or_else(|| from_env(ENV_BASE_URL)).unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        self.options.check()?;
        let shared = Shared::new(&base_url, api_key, &self.options)?;
        Ok(Client { shared: Arc::new(shared), options: Arc::new(self.options) })
    }
}

/// An empty variable counts as absent: shells and compose files set them so.
fn from_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
