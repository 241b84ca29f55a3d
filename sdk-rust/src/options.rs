//! [`Options`]: what may differ from call to call.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::errors::Error;
use crate::timeout::Timeouts;

/// Set on [`ClientBuilder::options`](crate::ClientBuilder::options) for every call, or on
/// [`Client::with_options`](crate::Client::with_options) for some.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) timeouts: Timeouts,
    pub(crate) max_retries: u32,
    pub(crate) retry_delay_base: Duration,
    pub(crate) retry_delay_max: Duration,
    pub(crate) idempotency_key: Option<HeaderValue>,
    pub(crate) headers: HeaderMap,
    pub(crate) event_bytes_max: usize,
    pub(crate) response_bytes_max: usize,
    /// The first value that cannot be sent; reported by the next call, because a setter cannot fail.
    invalid: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            max_retries: 2,
            retry_delay_base: Duration::from_millis(500),
            retry_delay_max: Duration::from_secs(8),
            idempotency_key: None,
            headers: HeaderMap::new(),
            event_bytes_max: 16 << 20,
            response_bytes_max: 64 << 20,
            invalid: None,
        }
    }
}

impl Options {
    /// All four deadlines at once.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// See [`Timeouts::first_event`].
    #[must_use]
    pub fn first_event_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.first_event = timeout;
        self
    }

    /// See [`Timeouts::idle`].
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.idle = timeout;
        self
    }

    /// See [`Timeouts::total`].
    #[must_use]
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = timeout;
        self
    }

    /// Attempts after the first. Default: 2. Zero turns retries off.
    #[must_use]
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// Longest wait between two attempts; also caps what `Retry-After` asks for. Default: 8 s.
    #[must_use]
    pub fn retry_delay_max(mut self, delay: Duration) -> Self {
        self.retry_delay_max = delay;
        self
    }

    /// The `Idempotency-Key` of the next call, for a caller that repeats it by itself. Without one, every call makes its
    /// own and keeps it across its attempts. Do not share one between different requests.
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        match header_value(key) {
            Some(value) => self.idempotency_key = Some(value),
            None => self.refuse("idempotency_key: a header value is ASCII without control characters"),
        }
        self
    }

    /// Sends one more header; replaces the client's own of that name. `Authorization` is the key's and is refused.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), header_value(value)) {
            (Ok(http::header::AUTHORIZATION), _) => {
                self.refuse("header Authorization: set the API key instead")
            }
            (Ok(name), Some(value)) => {
                self.headers.insert(name, value);
            }
            (Err(_), _) => self.refuse(&format!("header {name:?}: not a name that a header can have")),
            (_, None) => {
                self.refuse(&format!("header {name:?}: its value must be ASCII without control characters"));
            }
        }
        self
    }

    /// Largest single event that a stream buffers. Default: 16 MiB.
    #[must_use]
    pub fn event_bytes_max(mut self, bytes: usize) -> Self {
        self.event_bytes_max = bytes;
        self
    }

    /// Largest JSON reply that is read. Default: 64 MiB.
    #[must_use]
    pub fn response_bytes_max(mut self, bytes: usize) -> Self {
        self.response_bytes_max = bytes;
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.invalid {
            Some(reason) => Err(Error::configuration(reason.clone())),
            None => Ok(()),
        }
    }

    fn refuse(&mut self, reason: &str) {
        self.invalid.get_or_insert_with(|| reason.to_owned());
    }
}

/// `None` where the text cannot be sent. Bytes beyond ASCII could be, but no two servers read them alike.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    if text.is_ascii() { HeaderValue::from_str(text).ok() } else { None }
}
