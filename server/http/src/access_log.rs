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
use novai_core::{
    BreakerState, Error, LimitSnapshot, RouteEvents, StreamFacts, Target, TokenUsage, TraceContext,
};
use tokio::time::Instant;

use crate::error::Chain;
use crate::log_line::{LogLine, member};
use crate::observer::{Cause, Mark, Marks, Observer, Outcome, RequestEnded, Span, TraceFacts};
use crate::problem::Failure;

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
    observer: Arc<dyn Observer>,
    started_at: Instant,
    request_id: Arc<str>,
    method: Method,
    span: Option<Span>,
    /// Marks are wanted.
    is_recorded: bool,
    facts: Mutex<Facts>,
}

#[derive(Default)]
pub(crate) struct Facts {
    /// The template of the matched route, such as `/v1/models/{model}`; the raw path may hold anything.
    pub route: Option<Arc<str>>,
    /// In `observer::operation_ids`.
    pub operation: Option<usize>,
    pub key_id: Option<Arc<str>>,
    pub model: Option<String>,
    /// Who was asked last: who served, if anybody did.
    pub target: Option<Arc<Target>>,
    /// How many targets were asked, that one included.
    pub attempts: u32,
    /// How many of them did not serve, so that another was looked for.
    pub failures: u32,
    /// Calls of registered tools.
    pub tool_calls: u32,
    pub status: Option<StatusCode>,
    pub error_code: Option<Cow<'static, str>>,
    pub cause: Option<Cause>,
    pub upstream_request_id: Option<String>,
    pub stream: Option<Arc<StreamFacts>>,
    pub is_stream: bool,
    pub usage: Option<TokenUsage>,
    pub cost: Option<Usd>,
    pub limits: Option<LimitSnapshot>,
    pub marks: Marks,
    pub bytes_sent: u64,
    /// The answer was handed to the connection whole.
    pub is_sent: bool,
}

impl Facts {
    pub(crate) fn set_model(&mut self, model: &str) {
        let cut = || model.char_indices().nth(MODEL_CHARS_MAX).map_or(model.len(), |(end, _)| end);
        let end = if model.len() <= MODEL_CHARS_MAX { model.len() } else { cut() };
        self.model = Some(model[..end].to_owned());
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        self.error_code = Some(failure.code);
        self.cause = failure.cause;
    }

    fn outcome(&self) -> Outcome {
        match (self.is_sent, self.status) {
            (false, _) | (_, None) => Outcome::ClientClosed,
            (true, Some(status)) if status.is_client_error() => Outcome::Rejected,
            (true, Some(status)) if status.is_server_error() => Outcome::Failed,
            // In mid-stream: the status was out already.
            (true, Some(_)) if self.error_code.is_some() => Outcome::Failed,
            (true, Some(_)) => Outcome::Ok,
        }
    }
}

impl Trail {
    pub(crate) fn new(
        sink: Arc<dyn LineSink>,
        observer: Arc<dyn Observer>,
        request_id: Arc<str>,
        method: Method,
        span: Option<Span>,
    ) -> Arc<Self> {
        observer.request_began();
        let is_recorded = span.is_some_and(|span| span.context.is_sampled);
        Arc::new(Trail {
            sink,
            observer,
            started_at: Instant::now(),
            request_id,
            method,
            span,
            is_recorded,
            facts: Mutex::new(Facts::default()),
        })
    }

    pub(crate) fn request_id(&self) -> &Arc<str> {
        &self.request_id
    }

    /// An upstream has accepted it.
    pub(crate) fn begin_stream(&self, stream: Arc<StreamFacts>) {
        self.observer.stream_began();
        self.facts().stream = Some(stream);
    }

    /// What an upstream is told as its parent; `None` if nobody traces.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.span.map(|span| span.context)
    }

    /// For the trace, if there is one.
    pub(crate) fn note(&self, mark: impl FnOnce() -> Mark) {
        if self.is_recorded {
            let at = self.started_at.elapsed();
            self.facts().marks.note(at, mark());
        }
    }

    /// Held for single assignments only.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows its request from target to target.
impl RouteEvents for Trail {
    fn asked(&self, target: &Arc<Target>, attempt: u32) {
        let mut facts = self.facts();
        facts.target = Some(Arc::clone(target));
        facts.attempts = attempt;
        drop(facts);
        self.note(|| Mark::Asked {
            provider: Arc::clone(&target.provider_name),
            model: Arc::clone(&target.upstream_model),
        });
    }

    fn admitted(&self) {
        self.note(|| Mark::Admitted);
    }

    fn began_to_answer(&self) {
        self.note(|| Mark::FirstEvent);
    }

    fn tool_ended(&self, tool: &str, outcome: &'static str, took: Duration) {
        self.facts().tool_calls += 1;
        self.note(|| Mark::ToolEnded { tool: tool.to_owned(), outcome, took });
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(request_id = %self.request_id, tool, outcome, duration_ms, "a tool call has ended");
    }

    fn settling(&self) {
        self.note(|| Mark::Settling);
    }

    fn settled(&self) {
        self.note(|| Mark::Settled);
    }

    fn failed(&self, target: &Arc<Target>, error: &Error, attempt: u32) {
        self.facts().failures += 1;
        self.note(|| Mark::Failed {
            fault: Cause::of(error).and_then(|cause| cause.fault()).unwrap_or("unknown"),
        });
        tracing::warn!(
            request_id = %self.request_id, provider = %target.provider_name, upstream_model = %target.upstream_model,
            attempt, error = %Chain(error), "a target failed"
        );
    }

    fn breaker_changed(&self, target: &Target, state: BreakerState) {
        tracing::warn!(
            provider = %target.provider_name, upstream_model = %target.upstream_model, state = state.name(),
            "a target is passed over"
        );
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        let facts = self.facts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let stream = facts.stream.as_deref();
        let usage = facts.usage.or_else(|| stream.and_then(StreamFacts::usage));
        let cost = facts.cost.or_else(|| stream.and_then(StreamFacts::cost));
        let outcome = facts.outcome();
        let duration = self.started_at.elapsed();
        let time_to_first_event = stream.and_then(StreamFacts::time_to_first_event);
        let provider = facts.target.as_ref().map(|target| &*target.provider_name);
        let trace = self.span.filter(|_| self.is_recorded).map(|span| TraceFacts {
            span,
            started_at: SystemTime::now() - duration,
            method: &self.method,
            route: facts.route.as_deref(),
            request_id: &self.request_id,
            marks: facts.marks.as_slice(),
        });
        self.observer.request_ended(&RequestEnded {
            operation: facts.operation,
            model: facts.model.as_deref(),
            provider,
            status: facts.status,
            outcome,
            cause: facts.cause.as_ref(),
            failures: facts.failures,
            is_streaming: stream.is_some(),
            duration,
            time_to_first_event,
            usage,
            cost,
            trace: trace.as_ref(),
        });
        let remaining = |of: fn(&LimitSnapshot) -> Option<QuotaSnapshot>| {
            facts.limits.as_ref().and_then(of).map(|quota| quota.remaining)
        };
        // What does not apply is left out.
        let mut line = LogLine::new();
        member!(line, "timestamp", SystemTime::now());
        member!(line, "level", "INFO");
        member!(line, "target", "novai::access");
        member!(line, "request_id", &*self.request_id);
        member!(line, "key_id", facts.key_id.as_deref());
        member!(line, "method", self.method.as_str());
        member!(line, "route", facts.route.as_deref());
        member!(line, "model", facts.model.as_deref());
        member!(line, "provider", provider);
        member!(line, "upstream_model", facts.target.as_ref().map(|target| &*target.upstream_model));
        member!(line, "attempts", Some(u64::from(facts.attempts)).filter(|attempts| *attempts > 0));
        member!(line, "tool_calls", Some(u64::from(facts.tool_calls)).filter(|calls| *calls > 0));
        member!(line, "stream", facts.is_stream);
        // Absent if the client left before there was an answer.
        member!(line, "status", facts.status.map(|status| u64::from(status.as_u16())));
        member!(line, "outcome", outcome.name());
        member!(line, "error_code", facts.error_code.as_deref());
        member!(line, "duration_ms", duration);
        member!(line, "ttft_ms", time_to_first_event);
        member!(line, "prompt_tokens", usage.map(|usage| usage.prompt));
        member!(line, "cached_tokens", usage.map(|usage| usage.cached_prompt));
        member!(line, "completion_tokens", usage.map(|usage| usage.completion));
        member!(line, "cost_usd", cost);
        member!(line, "requests_remaining", remaining(|limits| limits.requests));
        member!(line, "tokens_remaining", remaining(|limits| limits.tokens));
        member!(line, "events", stream.map(StreamFacts::events_sent));
        member!(line, "bytes_sent", facts.bytes_sent);
        member!(line, "upstream_request_id", facts.upstream_request_id.as_deref());
        self.sink.write_line(&line.finish());
    }
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
        let trail = Trail::new(lines.clone(), Arc::new(()), Arc::from("req_1"), Method::POST, None);
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
