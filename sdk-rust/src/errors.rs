//! [`Error`]: everything that a call can fail with, one variant per reaction.
//!
//! No transport's and no parser's type is in it: those are kept as opaque sources. [`ErrorDetails`] is the same for
//! every variant, so that a log line needs no `match`.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::rate_limit::RateLimit;
use crate::timeout::Deadline;

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong.
#[derive(Debug)]
pub enum Error {
    /// 400. The request is wrong; [`ErrorDetails::param`] names the field.
    BadRequest(Box<ErrorDetails>),
    /// 401. The key is missing, unknown or revoked.
    Authentication(Box<ErrorDetails>),
    /// 403. The key may not do this.
    PermissionDenied(Box<ErrorDetails>),
    /// 404. No such model, object or path.
    NotFound(Box<ErrorDetails>),
    /// 409. Another request holds what this one needs.
    Conflict(Box<ErrorDetails>),
    /// 422. Well formed, and yet not acceptable.
    UnprocessableEntity(Box<ErrorDetails>),
    /// 429. A limit is reached; see [`ErrorDetails::retry_after`] and [`ErrorDetails::rate_limit`].
    RateLimit(Box<ErrorDetails>),
    /// 500 and above: the gateway or a provider behind it failed.
    InternalServer(Box<ErrorDetails>),
    /// Any other status outside 2xx, redirects among them: they are not followed, the key would go with them.
    ApiStatus(Box<ErrorDetails>),
    /// The server reported an error, in mid-stream, of a kind that has no status.
    Api(Box<ErrorDetails>),
    /// The connection could not be made, or broke.
    ApiConnection(Box<ErrorDetails>),
    /// A deadline passed; [`ErrorDetails::deadline`] says which. The server may still have charged for the call.
    ApiTimeout(Box<ErrorDetails>),
    /// The stream ended without its terminal event. [`ErrorDetails::partial`] holds what came until then.
    StreamTruncated(Box<ErrorDetails>),
    /// The server answered with something that the API does not describe.
    ResponseDecode(Box<ErrorDetails>),
    /// The client cannot be built, or the request not sent, as it is. Nothing left this machine.
    Configuration(Box<ErrorDetails>),
}

/// What is known about a failure. A field is empty where it does not apply.
#[derive(Default)]
#[non_exhaustive]
pub struct ErrorDetails {
    /// For people. Branch on the variant or on `code`, never on this.
    pub message: String,
    /// HTTP status. In mid-stream, the status that the error would have had: the real one was already 200.
    pub status_code: Option<u16>,
    /// Stable code, such as `model_not_found`.
    pub code: Option<String>,
    /// Family of the code, such as `invalid_request_error`; the body's `type`.
    pub kind: Option<String>,
    /// Field of the request that is to blame, such as `messages[0].content`.
    pub param: Option<String>,
    /// `x-request-id`; absent if a proxy answered before the gateway did.
    pub request_id: Option<String>,
    /// Events that were handed out before the failure.
    pub events_received: u64,
    /// What a stream's accumulator holds.
    pub partial: Option<Partial>,
    pub rate_limit: Option<RateLimit>,
    /// What the server asked to wait, uncapped.
    pub retry_after: Option<Duration>,
    pub deadline: Option<Deadline>,
    /// The reply's body as it came, cut after 64 KiB, the key blotted out.
    pub body: Option<String>,
    /// Requests that were sent for this call.
    pub attempts: u32,
    pub(crate) source: Option<Source>,
}

impl Error {
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::Configuration(Box::new(ErrorDetails { message: message.into(), ..ErrorDetails::default() }))
    }

    /// The variant of a status; `details.status_code` decides.
    pub(crate) fn of_status(details: ErrorDetails) -> Self {
        let variant = match details.status_code {
            Some(400) => Self::BadRequest,
            Some(401) => Self::Authentication,
            Some(403) => Self::PermissionDenied,
            Some(404) => Self::NotFound,
            Some(409) => Self::Conflict,
            Some(422) => Self::UnprocessableEntity,
            Some(429) => Self::RateLimit,
            Some(500..) => Self::InternalServer,
            Some(_) => Self::ApiStatus,
            None => Self::Api,
        };
        variant(Box::new(details))
    }

    pub fn details(&self) -> &ErrorDetails {
        match self {
            Self::BadRequest(details)
            | Self::Authentication(details)
            | Self::PermissionDenied(details)
            | Self::NotFound(details)
            | Self::Conflict(details)
            | Self::UnprocessableEntity(details)
            | Self::RateLimit(details)
            | Self::InternalServer(details)
            | Self::ApiStatus(details)
            | Self::Api(details)
            | Self::ApiConnection(details)
            | Self::ApiTimeout(details)
            | Self::StreamTruncated(details)
            | Self::ResponseDecode(details)
            | Self::Configuration(details) => details,
        }
    }

    pub(crate) fn details_mut(&mut self) -> &mut ErrorDetails {
        match self {
            Self::BadRequest(details)
            | Self::Authentication(details)
            | Self::PermissionDenied(details)
            | Self::NotFound(details)
            | Self::Conflict(details)
            | Self::UnprocessableEntity(details)
            | Self::RateLimit(details)
            | Self::InternalServer(details)
            | Self::ApiStatus(details)
            | Self::Api(details)
            | Self::ApiConnection(details)
            | Self::ApiTimeout(details)
            | Self::StreamTruncated(details)
            | Self::ResponseDecode(details)
            | Self::Configuration(details) => details,
        }
    }

    /// The variant's name in every SDK: Python's and TypeScript's classes are called so.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequestError",
            Self::Authentication(_) => "AuthenticationError",
            Self::PermissionDenied(_) => "PermissionDeniedError",
            Self::NotFound(_) => "NotFoundError",
            Self::Conflict(_) => "ConflictError",
            Self::UnprocessableEntity(_) => "UnprocessableEntityError",
            Self::RateLimit(_) => "RateLimitError",
            Self::InternalServer(_) => "InternalServerError",
            Self::ApiStatus(_) => "APIStatusError",
            Self::Api(_) => "APIError",
            Self::ApiConnection(_) => "APIConnectionError",
            Self::ApiTimeout(_) => "APITimeoutError",
            Self::StreamTruncated(_) => "StreamTruncatedError",
            Self::ResponseDecode(_) => "ResponseDecodeError",
            Self::Configuration(_) => "NovAIError",
        }
    }

    pub fn status_code(&self) -> Option<u16> {
        self.details().status_code
    }

    pub fn code(&self) -> Option<&str> {
        self.details().code.as_deref()
    }

    pub fn param(&self) -> Option<&str> {
        self.details().param.as_deref()
    }

    pub fn request_id(&self) -> Option<&str> {
        self.details().request_id.as_deref()
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.details().retry_after
    }

    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.details().rate_limit.as_ref()
    }

    pub fn events_received(&self) -> u64 {
        self.details().events_received
    }

    /// What a stream had put together when it failed, such as a `ChatCompletion`.
    pub fn partial<T: 'static>(&self) -> Option<&T> {
        self.details().partial.as_ref()?.get()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = self.details();
        match (details.status_code, &details.code) {
            (Some(status), Some(code)) => write!(f, "{status} {code}: ")?,
            (Some(status), None) => write!(f, "{status}: ")?,
            (None, Some(code)) => write!(f, "{code}: ")?,
            (None, None) => {}
        }
        f.write_str(&details.message)?;
        if let Some(param) = &details.param {
            write!(f, " (param {param})")?;
        }
        if let Some(id) = &details.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.details().source.as_deref().map(|source| source as _)
    }
}

/// Without the contents of body and partial: what people and models write belongs in no log.
impl fmt::Debug for ErrorDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorDetails")
            .field("message", &self.message)
            .field("status_code", &self.status_code)
            .field("code", &self.code)
            .field("kind", &self.kind)
            .field("param", &self.param)
            .field("request_id", &self.request_id)
            .field("events_received", &self.events_received)
            .field("partial", &self.partial)
            .field("rate_limit", &self.rate_limit)
            .field("retry_after", &self.retry_after)
            .field("deadline", &self.deadline)
            .field("body_bytes", &self.body.as_ref().map(String::len))
            .field("attempts", &self.attempts)
            .field("source", &self.source)
            .finish()
    }
}

/// A result that is not complete, of the type that the operation would have returned.
pub struct Partial(Box<dyn Held>);

impl Partial {
    pub(crate) fn new<T: serde::Serialize + Send + Sync + 'static>(value: T) -> Self {
        Self(Box::new(value))
    }

    /// The value, if `T` is its type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_any().downcast_ref()
    }

    /// The value as JSON text.
    pub fn to_json(&self) -> String {
        self.0.to_json()
    }
}

impl fmt::Debug for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Partial { .. }")
    }
}

trait Held: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn to_json(&self) -> String;
}

impl<T: serde::Serialize + Send + Sync + 'static> Held for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
