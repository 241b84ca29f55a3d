//! One line of JSON per request, written at its true end: when the last byte of a stream is out, or its client is gone.
//!
//! [`Trail`] collects what there is to say while the request lives; every part that works on the request holds it. The
//! line is written when the last holder lets go, so it is written exactly once, also after a panic or a disconnect.
//!
//! **Invariant:** no content and no key: only names, numbers and ids. Strings go through JSON escapes, so no input can
//! begin a line of its own.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use novai_core::{Provider, StreamFacts, TokenUsage};
use serde::Serialize;
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
    timestamp: &'a str,
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
        let timestamp = Timestamp::now();
        let line = Line {
            timestamp: timestamp.as_str(),
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

fn ms(duration: Duration) -> f64 {
    // Microseconds are as precise as the log needs to be.
    duration.as_micros() as f64 / 1000.0
}

/// RFC 3339 with microseconds, in UTC, without an allocation.
struct Timestamp([u8; 27]);

impl Timestamp {
    fn now() -> Self {
        Self::of(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn of(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs();
        let (year, month, day) = civil(seconds / 86_400);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (at, digits, number) in [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, seconds / 3600 % 24),
            (14, 2, seconds / 60 % 60),
            (17, 2, seconds % 60),
            (20, 6, u64::from(since_epoch.subsec_micros())),
        ] {
            let mut rest = number;
            for place in text[at..at + digits].iter_mut().rev() {
                *place = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        Timestamp(text)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Days since 1970-01-01 → (year, month, day), after Howard Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // since 0000-03-01
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_799, "2000-02-29T23:59:59.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_795_315_435, "2026-11-22T02:43:55.000000Z"),
            (4_102_444_799, "2099-12-31T23:59:59.000000Z"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Timestamp::of(Duration::from_secs(seconds)).as_str(), text);
        }
        let with_micros = Timestamp::of(Duration::new(1, 987_654_321));
        assert_eq!(with_micros.as_str(), "1970-01-01T00:00:01.987654Z");
    }

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
        assert_eq!(line["request_id"], "req_1");
        assert_eq!(line["outcome"], "client_closed");
        assert!(line["model"].as_str().unwrap().starts_with("m\r\n"));
    }
}
