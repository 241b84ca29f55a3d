//! [`Shared`]: what all clones of a client have in common, and the key that must be shown nowhere.

use std::fmt;
use std::sync::Arc;

use http::header::HeaderValue;

use crate::errors::Error;
use crate::options::{Options, header_value};
use crate::retirement::Retirements;
use crate::retry::Entropy;

/// Same for every clone of a client.
pub struct Shared {
    pub http: reqwest::Client,
    pub base_url: String,
    pub api_key: ApiKey,
    pub authorization: HeaderValue,
    pub entropy: Entropy,
    pub retirements: Retirements,
}

impl Shared {
    pub fn new(base_url: &str, api_key: ApiKey, options: &Options) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::configuration(format!("base URL: {reason}"));
        let url = reqwest::Url::parse(base_url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold a user name or a password; they would end up in logs"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must end with its path"));
        }
        let mut authorization = header_value(&format!("Bearer {}", api_key.0)).ok_or_else(|| {
            Error::configuration("API key: holds a line break or another character that a header cannot hold")
        })?;
        authorization.set_sensitive(true);
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("novai-rust/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry prompt and key to wherever it points.
            .redirect(reqwest::redirect::Policy::none());
        if options.timeouts.connect < std::time::Duration::MAX {
            http = http.connect_timeout(options.timeouts.connect);
        }
        // A proxy is of no use on the way to this machine, and rarely reaches it.
        if url.host_str().is_some_and(is_loopback) {
            http = http.no_proxy();
            // Nor is there an authority to trust, and reading the system's costs more than many calls.
            #[cfg(any(feature = "rustls", feature = "native-tls"))]
            if url.scheme() == "http" {
                http = http.tls_certs_only([]);
            }
        }
        let http = http
            .build()
            .map_err(|error| Error::configuration(format!("the HTTP client cannot be built: {error}")))?;
        Ok(Self {
            http,
            base_url: url.as_str().trim_end_matches('/').to_owned(),
            api_key,
            authorization,
            entropy: Entropy::from_os(),
            retirements: Retirements::default(),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .finish_non_exhaustive()
    }
}

/// A secret: shown nowhere.
#[derive(Clone)]
pub struct ApiKey(Arc<str>);

impl ApiKey {
    pub fn new(key: String) -> Self {
        // What `$(cat key.txt)` and compose files leave behind.
        Self(key.trim().into())
    }

    /// Whether text, such as a server's message about a key, repeats it.
    pub fn is_in(&self, text: &str) -> bool {
        !self.0.is_empty() && text.contains(&*self.0)
    }

    pub fn scrub(&self, text: String) -> String {
        if self.is_in(&text) { text.replace(&*self.0, "[redacted]") } else { text }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
