//! One line of JSON per request, written at its true end: when the last byte of a stream is out, or its client is gone.
//!
//! [`Trail`] collects what there is to say while the request lives; every part that works on the request holds it. The
//! line is written when the last holder lets go, so it is written exactly once, also after a panic or a disconnect.
//!
//! **Invariant:** no content and no key: only names, numbers and ids. Strings go through JSON escapes, so no input can
//! begin a line of its own.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use novai_core::limits::QuotaSnapshot;
use novai_core::money::Usd;
use novai_core::{LimitSnapshot, Provider, StreamFacts, TokenUsage};
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// Takes finished lines; each ends with a line break. Must not block.
pub trait LineSink: Send + Sync + 'static {
    fn write_line(&self, line: &[u8]);
}

/// No access log.
impl LineSink for () {
    fn write_line(&self, _line: &[u8]) {}
}

/// A caller's model name in the log: long enough to recognise, too short to flood it.
const MODEL_CHARS_MAX: usize = 128;

pub(crate) struct Trail {
    sink: Arc<dyn LineSink>,
    started_at: Instant,
    request_id: Arc<str>,
    method: Method,
    facts: Mutex<Facts>,
}

#[derive(Default)]
pub(crate) struct Facts {
    /// The template of the matched route, such as `/v1/models/{model}`; the raw path may hold anything.
    pub route: Option<Arc<str>>,
    pub key_id: Option<Arc<str>>,
    pub model: Option<String>,
    pub provider: Option<Arc<dyn Provider>>,
    pub status: Option<StatusCode>,
    pub error_code: Option<Cow<'static, str>>,
    pub upstream_request_id: Option<String>,
    pub stream: Option<Arc<StreamFacts>>,
    pub is_stream: bool,
    pub usage: Option<TokenUsage>,
    pub cost: Option<Usd>,
    pub limits: Option<LimitSnapshot>,
    pub bytes_sent: u64,
    /// The answer was handed to the connection whole.
    pub is_sent: bool,
}

impl Facts {
    pub(crate) fn set_model(&mut self, model: &str) {
        let end = model.char_indices().nth(MODEL_CHARS_MAX).map_or(model.len(), |(end, _)| end);
        self.model = Some(model[..end].to_owned());
    }

    /// How it ended, in one word.
    fn outcome(&self) -> &'static str {
        match (self.is_sent, self.status) {
            (false, _) | (_, None) => "client_closed",
            (true, Some(status)) if status.is_client_error() => "rejected",
            (true, Some(status)) if status.is_server_error() => "failed",
            // In mid-stream: the status was out already.
            (true, Some(_)) if self.error_code.is_some() => "failed",
            (true, Some(_)) => "ok",
        }
    }
}

/// What does not apply is left out.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "rfc_3339")]
    timestamp: SystemTime,
    level: &'a str,
    target: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    stream: bool,
    /// Absent if the client left before there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttft_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<u64>,
    /// An exact decimal.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "decimal")]
    cost_usd: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_remaining: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
    bytes_sent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_request_id: Option<&'a str>,
}

impl Trail {
    pub(crate) fn new(sink: Arc<dyn LineSink>, request_id: Arc<str>, method: Method) -> Arc<Self> {
        Arc::new(Trail {
            sink,
            started_at: Instant::now(),
            request_id,
            method,
            facts: Mutex::new(Facts::default()),
        })
    }

    pub(crate) fn request_id(&self) -> &Arc<str> {
        &self.request_id
    }

    /// Held for single assignments only.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let facts = self.facts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let stream = facts.stream.as_deref();
        let usage = facts.usage.or_else(|| stream.and_then(StreamFacts::usage));
        let remaining = |of: fn(&LimitSnapshot) -> Option<QuotaSnapshot>| {
            facts.limits.as_ref().and_then(of).map(|quota| quota.remaining)
        };
        let line = Line {
            timestamp: SystemTime::now(),
            level: "INFO",
            target: "novai::access",
            request_id: &self.request_id,
            key_id: facts.key_id.as_deref(),
            method: self.method.as_str(),
            route: facts.route.as_deref(),
            model: facts.model.as_deref(),
            provider: facts.provider.as_ref().map(|provider| provider.name()),
            stream: facts.is_stream,
            status: facts.status.map(|status| status.as_u16()),
            outcome: facts.outcome(),
            error_code: facts.error_code.as_deref(),
            duration_ms: ms(self.started_at.elapsed()),
            ttft_ms: stream.and_then(StreamFacts::time_to_first_event).map(ms),
            prompt_tokens: usage.map(|usage| usage.prompt),
            cached_tokens: usage.map(|usage| usage.cached_prompt),
            completion_tokens: usage.map(|usage| usage.completion),
            cost_usd: facts.cost.or_else(|| stream.and_then(StreamFacts::cost)),
            requests_remaining: remaining(|limits| limits.requests),
            tokens_remaining: remaining(|limits| limits.tokens),
            events: stream.map(StreamFacts::events_sent),
            bytes_sent: facts.bytes_sent,
            upstream_request_id: facts.upstream_request_id.as_deref(),
        };
        let mut text = Vec::with_capacity(512);
        if serde_json::to_writer(&mut text, &line).is_ok() {
            text.push(b'\n');
            self.sink.write_line(&text);
        }
    }
}

fn decimal<S: Serializer>(cost: &Option<Usd>, serializer: S) -> Result<S::Ok, S::Error> {
    match cost {
        Some(cost) => serializer.collect_str(cost),
        None => serializer.serialize_none(),
    }
}

fn ms(duration: Duration) -> f64 {
    // Microseconds are as precise as the log needs to be.
    duration.as_micros() as f64 / 1000.0
}

/// RFC 3339 with microseconds, in UTC.
fn rfc_3339<S: serde::Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*at))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Mutex<Vec<u8>>);

    impl LineSink for Lines {
        fn write_line(&self, line: &[u8]) {
            self.0.lock().unwrap().extend_from_slice(line);
        }
    }

    #[test]
    fn hostile_strings_stay_inside_one_line_and_the_last_holder_writes_it() {
        let lines = Arc::new(Lines(Mutex::default()));
        let trail = Trail::new(lines.clone(), Arc::from("req_1"), Method::POST);
        let other_holder = Arc::clone(&trail);
        trail.facts().set_model(&format!("m\r\n\u{2028}\"}}{{\0{}", "x".repeat(10_000)));
        drop(trail);
        assert!(lines.0.lock().unwrap().is_empty(), "the other holder is still at work");
        drop(other_holder);

        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(written.len() < 2000);
        let line: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert!(humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).is_ok(), "{line}");
        assert_eq!(line["request_id"], "req_1");
        assert_eq!(line["outcome"], "client_closed");
        assert!(line["model"].as_str().unwrap().starts_with("m\r\n"));
    }
}
