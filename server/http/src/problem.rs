//! An error as callers see it: status, headers and the one JSON shape (`{"error": {...}}`).

use std::borrow::Cow;
use std::time::Duration;

use dropshot::Body;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use novai_core::{LimitSnapshot, RateLimitSnapshot};
use serde::Serialize;

use crate::codes::{Code, Row};
use crate::observer::Cause;
use crate::rate_limit;

#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub status: StatusCode,
    /// The family, such as `invalid_request_error`.
    pub kind: &'static str,
    /// What clients branch on; listed in docs/errors.md.
    pub code: Cow<'static, str>,
    pub message: Cow<'static, str>,
    /// Path of the offending field, such as `messages[0].content`.
    pub param: Option<String>,
    /// Boxed so that results stay small: most requests have no problem.
    pub details: Box<Details>,
}

/// What only some problems carry, as headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Details {
    pub retry_after: Option<Duration>,
    /// The provider's.
    pub limits: Option<Box<RateLimitSnapshot>>,
    /// The gateway's.
    pub own_limits: Option<Box<LimitSnapshot>>,
    pub allow: Option<HeaderValue>,
    /// The same request would fail forever, though its status says otherwise.
    pub never_retry: bool,
    /// For metrics.
    pub cause: Option<Cause>,
}

/// What an error response says of itself.
#[derive(Clone)]
pub(crate) struct Failure {
    pub code: Cow<'static, str>,
    pub cause: Option<Cause>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: &'a str,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let Row { status, kind, code } = code.row();
        Problem {
            status,
            kind,
            code: Cow::Borrowed(code),
            message: message.into(),
            param: None,
            details: Box::default(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Problem::new(Code::InvalidRequest, message)
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let mut problem = Problem::new(
            Code::MethodNotAllowed,
            format!("this path does not take that method; it takes {allow}"),
        );
        problem.details.allow = HeaderValue::from_str(allow).ok();
        problem
    }

    /// Our own fault. The cause is in the log, under the request id.
    pub(crate) fn internal() -> Self {
        Problem::new(
            Code::InternalError,
            "the gateway failed to handle this request; its log has the details under the request id",
        )
    }

    /// The JSON alone: the last event of a stream that failed.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let envelope = Envelope {
            error: Inner {
                message: &self.message,
                r#type: self.kind,
                param: self.param.as_deref(),
                code: &self.code,
            },
        };
        // Strings only: cannot fail. An empty body would still carry the status.
        serde_json::to_vec(&envelope).unwrap_or_default()
    }

    pub(crate) fn failure(self) -> Failure {
        Failure { code: self.code, cause: self.details.cause }
    }

    /// Code and cause travel along as an extension, for the access log and metrics.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status;
        response.extensions_mut().insert(Failure { code: self.code, cause: self.details.cause });
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"novai\""));
        }
        if let Some(wait) = self.details.retry_after {
            // Rounded up: a client that comes back on the dot must not be early.
            let wait_ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_ms.div_ceil(1000)));
            headers.insert("retry-after-ms", HeaderValue::from(wait_ms));
        }
        if let Some(allow) = self.details.allow {
            headers.insert(ALLOW, allow);
        }
        if self.details.never_retry {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if let Some(limits) = &self.details.limits {
            rate_limit::write_upstream(limits, headers);
        }
        if let Some(limits) = self.details.own_limits {
            response.extensions_mut().insert(*limits);
        }
        response
    }
}
