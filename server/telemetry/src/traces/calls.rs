//! A worker's span of one call, below the span of the gateway that asked.

use std::borrow::Cow;

use novai_core::{CallEnded, CallOutcome, CallSpan};
use opentelemetry::trace::{Event, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::SpanData;

use super::spans::empty;

/// Numbers and names, as in the log; never content.
pub(super) fn span(scope: &InstrumentationScope, of: CallSpan, ended: &CallEnded<'_>) -> SpanData {
    let CallEnded { operation, provider, upstream_model, request_id, started_at, duration, .. } = *ended;
    let name = Cow::Owned(format!("{operation} {upstream_model}"));
    let mut span = empty(scope, of.context, of.parent, name, started_at, started_at + duration);
    span.parent_span_is_remote = true;
    span.span_kind = SpanKind::Server;
    span.attributes = vec![
        KeyValue::new("gen_ai.operation.name", operation),
        KeyValue::new("gen_ai.provider.name", provider.to_owned()),
        KeyValue::new("gen_ai.request.model", upstream_model.to_owned()),
        KeyValue::new("novai.request_id", request_id.to_owned()),
        KeyValue::new("novai.outcome", ended.outcome.name()),
    ];
    if let Some(time) = ended.time_to_first_event {
        span.events.events.push(Event::new("first event", started_at + time, Vec::new(), 0));
    }
    if let CallOutcome::Failed(fault) = ended.outcome {
        span.status = Status::error(fault);
        span.attributes.push(KeyValue::new("error.type", fault));
    }
    span
}
