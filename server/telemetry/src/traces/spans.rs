//! From what is known of a request to its spans: the request, its admission, each call of an upstream, its settlement.
//!
//! Spans are made when the request has ended, from the moments that were noted meanwhile: while it runs, a trace costs a few
//! words of memory.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use novai_core::TraceContext;
use novai_http::observer::{Cause, Mark, Outcome, RequestEnded, Span, TraceFacts};
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::ids::Ids;

/// One request's.
pub(super) struct Spans<'a> {
    pub ids: &'a Ids,
    pub scope: &'a InstrumentationScope,
    pub trace: &'a TraceFacts<'a>,
}

impl Spans<'_> {
    pub(super) fn of(&self, ended: &RequestEnded<'_>) -> Vec<SpanData> {
        let TraceFacts { span: Span { context, parent }, marks, method, route, .. } = self.trace;
        let route = route.unwrap_or("unmatched");
        let end = ended.duration;
        let mut spans = Vec::with_capacity(4);
        let mut calls = 0;
        let mut admitting = true;
        let mut settling = None;
        // A request with registered tools is admitted once for each call of its model.
        let mut idle_since = Duration::ZERO;
        for (at, mark) in *marks {
            match mark {
                Mark::Admitted => {
                    spans.push(self.inner("admit", self.ids.span(), idle_since, *at));
                    admitting = false;
                }
                Mark::Asked { provider, model } => {
                    let mut call = self.inner("call", context.call(calls).span_id, *at, end);
                    call.name = Cow::Owned(format!("chat {model}"));
                    call.span_kind = SpanKind::Client;
                    call.attributes = vec![
                        KeyValue::new("gen_ai.provider.name", provider.to_string()),
                        KeyValue::new("gen_ai.request.model", model.to_string()),
                    ];
                    spans.push(call);
                    calls += 1;
                }
                Mark::Failed { fault } => {
                    if let Some(call) = last_call(&mut spans) {
                        call.end_time = self.moment(*at);
                        call.status = Status::error(*fault);
                        call.attributes.push(KeyValue::new("error.type", *fault));
                    }
                }
                Mark::FirstEvent => {
                    let event = Event::new("first event", self.moment(*at), Vec::new(), 0);
                    if let Some(call) = last_call(&mut spans) {
                        call.events.events.push(event);
                    }
                }
                Mark::Settling => {
                    settling = Some(*at);
                    if let Some(call) = last_call(&mut spans).filter(|call| call.status == Status::Unset) {
                        call.end_time = self.moment(*at);
                    }
                }
                Mark::ToolEnded { tool, outcome, took } => {
                    let mut run = self.inner("tool", self.ids.span(), at.saturating_sub(*took), *at);
                    run.name = Cow::Owned(format!("execute_tool {tool}"));
                    run.attributes = vec![KeyValue::new("gen_ai.tool.name", tool.clone())];
                    if *outcome != "ok" {
                        run.status = Status::error(*outcome);
                        run.attributes.push(KeyValue::new("error.type", *outcome));
                    }
                    spans.push(run);
                    idle_since = *at;
                }
                Mark::Settled => {
                    if let Some(from) = settling.take() {
                        spans.push(self.inner("settle", self.ids.span(), from, *at));
                    }
                }
            }
        }
        if let Some(fault) = ended.cause.and_then(Cause::fault)
            && let Some(call) = last_call(&mut spans).filter(|call| call.status == Status::Unset)
        {
            call.status = Status::error(fault);
            call.attributes.push(KeyValue::new("error.type", fault));
        }
        if let (true, Some(Cause::Refused { limit, .. })) = (admitting, ended.cause) {
            let mut admit = self.inner("admit", self.ids.span(), Duration::ZERO, end);
            admit.status = Status::error(*limit);
            spans.push(admit);
        }
        let mut request = self.inner("request", context.span_id, Duration::ZERO, end);
        request.name = Cow::Owned(format!("{method} {route}"));
        request.span_kind = SpanKind::Server;
        request.parent_span_id = parent.map_or(SpanId::INVALID, span_id);
        request.parent_span_is_remote = parent.is_some();
        request.status = match ended.outcome {
            Outcome::Failed => Status::error(""),
            Outcome::Ok | Outcome::Rejected | Outcome::ClientClosed => Status::Unset,
        };
        request.attributes = attributes(ended, self.trace);
        spans.push(request);
        spans
    }

    fn moment(&self, since_start: Duration) -> SystemTime {
        self.trace.started_at + since_start
    }

    /// A child of the request's span.
    fn inner(&self, name: &'static str, span_id: u64, from: Duration, to: Duration) -> SpanData {
        let request = self.trace.span.context;
        let (from, to) = (self.moment(from), self.moment(to.max(from)));
        empty(self.scope, TraceContext { span_id, ..request }, request.span_id, Cow::Borrowed(name), from, to)
    }
}

/// One of which nothing is known but when it was.
pub(super) fn empty(
    scope: &InstrumentationScope,
    context: TraceContext,
    parent: u64,
    name: Cow<'static, str>,
    from: SystemTime,
    to: SystemTime,
) -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(context.trace_id.to_be_bytes()),
            span_id(context.span_id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: span_id(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name,
        start_time: from,
        end_time: to,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    }
}

fn span_id(id: u64) -> SpanId {
    SpanId::from_bytes(id.to_be_bytes())
}

fn last_call(spans: &mut [SpanData]) -> Option<&mut SpanData> {
    spans.iter_mut().rev().find(|span| span.span_kind == SpanKind::Client)
}

/// Numbers and names, as in the log; never content.
fn attributes(ended: &RequestEnded<'_>, trace: &TraceFacts<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", trace.method.to_string()),
        KeyValue::new("novai.request_id", trace.request_id.to_string()),
        KeyValue::new("novai.outcome", ended.outcome.name()),
    ];
    let mut add = |name: &'static str, value: Option<opentelemetry::Value>| {
        attributes.extend(value.map(|value| KeyValue::new(name, value)));
    };
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).into();
    add("http.route", trace.route.as_ref().map(|route| route.to_string().into()));
    add("http.response.status_code", ended.status.map(|status| i64::from(status.as_u16()).into()));
    add("gen_ai.request.model", ended.model.map(|model| model.to_owned().into()));
    add("gen_ai.provider.name", ended.provider.map(|provider| provider.to_owned().into()));
    add("gen_ai.usage.input_tokens", ended.usage.map(|usage| count(usage.prompt)));
    add("gen_ai.usage.output_tokens", ended.usage.map(|usage| count(usage.completion)));
    add("novai.cost_usd", ended.cost.map(|cost| cost.to_string().into()));
    let error = match ended.cause {
        Some(Cause::Upstream { fault, .. }) => Some((*fault).into()),
        Some(Cause::Refused { limit, .. }) => Some((*limit).into()),
        None => None,
    };
    add("error.type", error);
    attributes
}
