//! From an upstream's refusal to ours: one table for statuses, one reader for the shapes that error bodies come in.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use novai_core::{Clock, Error, Rejection, RejectionReason};
use serde_json::Value;

use crate::client::{Failure, Headers};
use crate::headers::{self, LimitsReader};

/// As much of an error body as is worth reading.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
const MESSAGE_CHARS_MAX: usize = 1000;

/// Makes this provider's errors. Cheap to clone: every stream holds one.
#[derive(Clone)]
pub(crate) struct Errors {
    inner: Arc<Inner>,
}

struct Inner {
    provider: String,
    /// To remove it from whatever the upstream says: some echo the key they refuse.
    api_key: Option<String>,
    /// How this vendor's headers tell its limits.
    limits: LimitsReader,
    clock: Arc<dyn Clock>,
}

impl Errors {
    pub(crate) fn new(
        provider: String,
        api_key: Option<String>,
        limits: LimitsReader,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // An empty "key" would match between any two letters.
        let api_key = api_key.filter(|key| !key.is_empty());
        Errors { inner: Arc::new(Inner { provider, api_key, limits, clock }) }
    }

    pub(crate) fn provider(&self) -> &str {
        &self.inner.provider
    }

    pub(crate) fn malformed(&self, reason: impl Into<String>) -> Error {
        Error::ProviderMalformed { provider: self.name(), reason: reason.into() }
    }

    /// The call failed before its answer was complete, and nobody has seen a part of it.
    pub(crate) fn of_failure(&self, failure: Failure) -> Error {
        match failure {
            Failure::Connect(_) | Failure::Broken(_) => self.unavailable(None, failure),
            Failure::NotHttp(_) => self.malformed("it does not speak HTTP/1.1"),
            Failure::Timeout { deadline, limit } => {
                Error::ProviderTimeout { provider: self.name(), deadline, limit }
            }
            Failure::TooLarge { bytes_max } => {
                self.malformed(format!("its answer is larger than {bytes_max} bytes"))
            }
        }
    }

    /// The call failed while the caller was already being served.
    pub(crate) fn of_broken_stream(&self, failure: Failure, events_sent: u64) -> Error {
        match failure {
            Failure::Timeout { deadline, limit } => {
                Error::ProviderTimeout { provider: self.name(), deadline, limit }
            }
            failure => self.stream_broken(events_sent, failure),
        }
    }

    pub(crate) fn stream_broken(
        &self,
        events_sent: u64,
        source: impl Into<novai_core::error::BoxError>,
    ) -> Error {
        Error::StreamBroken { provider: self.name(), events_sent, source: source.into() }
    }

    pub(crate) fn event_too_large(&self, bytes_max: usize) -> Error {
        Error::EventTooLarge { provider: self.name(), bytes_max }
    }

    /// An answer with any status but 200.
    pub(crate) fn of_answer(&self, status: StatusCode, headers: &Headers, body: &[u8]) -> Error {
        if status.is_redirection() {
            // Where to is not followed and not repeated: only configuration decides where the gateway connects.
            return self.malformed(format!("it redirects (HTTP {})", status.as_u16()));
        }
        if status.is_success() || status.is_informational() {
            return self.malformed(format!("it answered HTTP {}", status.as_u16()));
        }
        let html = headers::media_type(headers).is_some_and(|media| media.eq_ignore_ascii_case("text/html"));
        let is_unreadable = html || headers::is_compressed(headers);
        let payload = if is_unreadable { Payload::default() } else { Payload::read(body) };
        self.of_status(status.as_u16(), payload, Some(headers), |payload| payload.said(status.as_u16()))
    }

    /// An error that came with status 200, in place of a completion.
    pub(crate) fn of_payload(&self, body: &[u8]) -> Error {
        let payload = Payload::read(body);
        match payload.implied_status() {
            Some(status) => self.of_status(status, payload, None, |payload| payload.said(status)),
            None => self.unavailable(None, self.cleaned(&payload.said(200))),
        }
    }

    /// An error in place of a stream's event.
    pub(crate) fn of_event(&self, data: &[u8], events_sent: u64) -> Error {
        let payload = Payload::read(data);
        match payload.implied_status() {
            Some(status @ (400..=407 | 409..=499)) => {
                self.of_status(status, payload, None, |payload| payload.said(status))
            }
            _ => self.stream_broken(events_sent, self.cleaned(&payload.said(200))),
        }
    }

    fn of_status(
        &self,
        status: u16,
        payload: Payload,
        headers: Option<&Headers>,
        said: impl Fn(&Payload) -> String,
    ) -> Error {
        let now = self.inner.clock.unix_time();
        let retry_after =
            headers.and_then(|headers| headers::retry_after(headers, now)).or(payload.retry_after);
        let reason = match status {
            400 if payload.blames_our_key => return Error::ProviderAuth { provider: self.name() },
            400 => RejectionReason::Invalid,
            404 => RejectionReason::NotFound,
            409 => RejectionReason::Conflict,
            413 => RejectionReason::TooLarge,
            422 => RejectionReason::Unprocessable,
            401 | 403 => return Error::ProviderAuth { provider: self.name() },
            429 => {
                return Error::ProviderRateLimited {
                    provider: self.name(),
                    message: self.cleaned(&said(&payload)),
                    retry_after,
                    limits: headers.and_then(|headers| (self.inner.limits)(headers, now)).map(Box::new),
                };
            }
            // 402: the operator's account is empty. Another provider may serve the request.
            402 | 408 | 500..=599 => return self.unavailable(retry_after, self.cleaned(&said(&payload))),
            _ => return self.malformed(format!("it answered HTTP {status}")),
        };
        let message = self.cleaned(&said(&payload));
        let Payload { param, code, .. } = payload;
        let rejection = Rejection {
            reason,
            message,
            param: param.map(|param| self.cleaned(&param)),
            code: code.map(|code| self.cleaned(&code)),
        };
        Error::ProviderRejected { provider: self.name(), rejection: Box::new(rejection) }
    }

    fn unavailable(
        &self,
        retry_after: Option<std::time::Duration>,
        source: impl Into<novai_core::error::BoxError>,
    ) -> Error {
        Error::ProviderUnavailable { provider: self.name(), retry_after, source: source.into() }
    }

    fn name(&self) -> String {
        self.inner.provider.clone()
    }

    /// One line of bounded length without our key.
    fn cleaned(&self, text: &str) -> String {
        let text = match &self.inner.api_key {
            Some(key) => text.replace(key, "…"),
            None => text.to_owned(),
        };
        text.chars().take(MESSAGE_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

/// What an error body says, whatever its shape.
#[derive(Debug, Default, PartialEq, Eq)]
struct Payload {
    message: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    /// Google's `RetryInfo`, which stands in the body alone.
    retry_after: Option<Duration>,
    blames_our_key: bool,
}

impl Payload {
    /// Known shapes: `{"error":{…}}`, the same in a list (Gemini), `{"error":"…"}`, `{"detail":"…"}` and
    /// `{"detail":[{"loc":[…],"msg":"…"}]}` (FastAPI), `{"message":"…",…}` (vLLM, Mistral), and plain text.
    fn read(body: &[u8]) -> Payload {
        let value: Value = match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(_) => return Payload::plain(body),
        };
        let value = match value {
            Value::Array(list) => list.into_iter().next().unwrap_or_default(),
            value => value,
        };
        let inner = match (&value["error"], &value["detail"]) {
            (error @ (Value::Object(_) | Value::String(_)), _) => error,
            (_, detail @ (Value::Object(_) | Value::String(_))) => detail,
            (_, Value::Array(details)) if !details.is_empty() => &details[0],
            _ => &value,
        };
        let text = |name: &str| match &inner[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let status = [&inner["status"], &inner["code"], &value["status"], &value["code"]]
            .iter()
            .find_map(|status| match status {
                Value::Number(number) => number.as_u64(),
                // Azure writes its codes as text.
                Value::String(text) => text.parse().ok(),
                _ => None,
            })
            .filter(|status| (400..600).contains(status));
        let code = text("code");
        Payload {
            message: inner
                .as_str()
                .map(str::to_owned)
                .or_else(|| text("message"))
                .or_else(|| text("msg"))
                .or_else(|| value["message"].as_str().map(str::to_owned)),
            kind: text("type"),
            param: text("param").or_else(|| location(&inner["loc"])),
            blames_our_key: code.as_deref() == Some("invalid_api_key")
                || memchr::memmem::find(body, b"API_KEY_INVALID").is_some(),
            code,
            retry_after: inner["details"]
                .as_array()
                .and_then(|details| details.iter().find_map(|detail| detail["retryDelay"].as_str()))
                .and_then(headers::duration),
            status: status.and_then(|status| u16::try_from(status).ok()),
        }
    }

    fn plain(body: &[u8]) -> Payload {
        let message = std::str::from_utf8(body)
            .ok()
            .map(str::trim)
            // A page of markup explains nothing to an API's caller.
            .filter(|text| !text.is_empty() && !text.starts_with('<'))
            .map(str::to_owned);
        Payload { message, ..Payload::default() }
    }

    fn said(&self, status: u16) -> String {
        match &self.message {
            Some(message) if !message.trim().is_empty() => message.clone(),
            _ => format!("the provider answered HTTP {status} without an explanation"),
        }
    }

    /// The status that an error without one would have had.
    fn implied_status(&self) -> Option<u16> {
        let named = |name: &str| {
            Some(match name {
                "invalid_request_error" | "invalid_prompt" | "content_filter" | "context_length_exceeded" => {
                    400
                }
                "authentication_error" | "invalid_api_key" => 401,
                "permission_error" | "permission_denied" => 403,
                "not_found_error" | "model_not_found" => 404,
                "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" | "tokens" | "requests" => {
                    429
                }
                _ => return None,
            })
        };
        self.status
            .or_else(|| self.code.as_deref().and_then(named))
            .or_else(|| self.kind.as_deref().and_then(named))
    }
}

/// FastAPI's `["body","messages",0,"role"]` as `messages[0].role`.
fn location(loc: &Value) -> Option<String> {
    let mut path = String::new();
    for step in loc.as_array()? {
        match step {
            Value::String(name) if path.is_empty() && name == "body" => {}
            Value::String(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Value::Number(index) => path.push_str(&format!("[{index}]")),
            _ => return None,
        }
    }
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests;
