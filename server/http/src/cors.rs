//! Cross-origin requests: off unless origins are configured, and then exactly those.
//!
//! No wildcard and no patterns: a browser key leaks to whoever may read answers, so each origin is a decision.

use std::collections::HashSet;

use dropshot::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Response, StatusCode};

use crate::codes::Code;
use crate::problem::Problem;

/// What scripts may read beside the body.
static EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, retry-after-ms, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, \
     x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, \
     x-ratelimit-limit-rpm, x-ratelimit-remaining-rpm, x-ratelimit-limit-tpm, x-ratelimit-remaining-tpm, \
     x-ratelimit-degraded, ratelimit, ratelimit-policy, x-should-retry, deprecation, \
     sunset",
);
static PREFLIGHT_VARY: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
/// Browsers cap it themselves (Chromium: 2 h).
static MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

#[derive(Debug, Clone, Default)]
pub struct Cors {
    origins: HashSet<HeaderValue>,
}

impl Cors {
    /// Origins as browsers send them: scheme, host and, unless it is the scheme's own, port; nothing else.
    pub fn new(origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        Cors { origins: origins.into_iter().collect() }
    }

    fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The request's origin, if it may read the answer.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if !self.is_on() {
            return None;
        }
        headers.get(ORIGIN).filter(|origin| self.origins.contains(*origin)).cloned()
    }

    /// Lets `allowed` read the answer. With CORS on, caches must keep the answers to different origins apart.
    pub(crate) fn decorate(&self, allowed: Option<HeaderValue>, headers: &mut HeaderMap) {
        if !self.is_on() {
            return;
        }
        if !headers.contains_key(VARY) {
            headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
        }
    }
}

/// A browser asking whether it may send the real request.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// `allow` lists what the path takes. The asked-for headers are all granted: none of them opens anything here, and the
/// official clients send a changing set of their own.
pub(crate) fn preflight(is_allowed: bool, allow: &str, asked: &HeaderMap) -> Result<Response<Body>, Problem> {
    if !is_allowed {
        return Err(Problem::new(
            Code::PermissionDenied,
            "this origin may not call the gateway from a browser: the operator lists origins in `cors.origins`",
        ));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(VARY, PREFLIGHT_VARY.clone());
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_S.clone());
    if let Ok(methods) = HeaderValue::from_str(allow) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    Ok(response)
}
