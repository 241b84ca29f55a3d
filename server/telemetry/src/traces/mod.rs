//! Traces of requests, sent to an OpenTelemetry collector over OTLP/HTTP.
//!
//! Start at [`Tracer`]. [`ids`] says which requests are recorded, [`spans`] turns what is known of one into spans, [`calls`] does so
//! for a worker, [`exporter`] sends them.

mod calls;
mod exporter;
mod ids;
mod spans;

use novai_core::{CallEnded, TraceContext};
use novai_http::observer::{RequestEnded, Span, TraceFacts};
use opentelemetry::InstrumentationScope;
use prometheus_client::metrics::counter::Counter;

pub use exporter::ExporterError;
use exporter::Queue;
use ids::{Ids, Ratio};
use spans::Spans;

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Where a collector takes traces, with the path: `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    pub service: String,
    /// Of the traces that begin here, the part that is recorded: 0 to 1.
    pub sampling_ratio: f64,
    /// Callers' `traceparent` is joined; then they decide what is recorded.
    pub joins_callers: bool,
}

pub struct Tracer {
    queue: Queue,
    ids: Ids,
    ratio: Ratio,
    joins_callers: bool,
    scope: InstrumentationScope,
}

impl Tracer {
    /// Needs a tokio runtime. `random` is of its own for each start of each process; `dropped` counts spans that no collector
    /// has got.
    pub fn start(settings: TraceSettings, random: u64, dropped: Counter) -> Result<Self, ExporterError> {
        let TraceSettings { endpoint, service, sampling_ratio, joins_callers } = settings;
        Ok(Tracer {
            queue: Queue::start(&endpoint, &service, dropped)?,
            ids: Ids::new(random),
            ratio: Ratio::new(sampling_ratio),
            joins_callers,
            scope: InstrumentationScope::builder("novai").with_version(env!("CARGO_PKG_VERSION")).build(),
        })
    }

    /// The span of a request that begins, and that of its caller.
    pub fn begin(&self, caller: Option<&str>) -> Span {
        let caller = caller.filter(|_| self.joins_callers).and_then(TraceContext::parse);
        Span { context: self.ids.request(caller, self.ratio), parent: caller.map(|caller| caller.span_id) }
    }

    pub fn end(&self, trace: &TraceFacts<'_>, ended: &RequestEnded<'_>) {
        if trace.span.context.is_sampled {
            let spans = Spans { ids: &self.ids, scope: &self.scope, trace };
            self.queue.send(spans.of(ended));
        }
    }

    /// The span of a worker's call that begins; `None` if whoever asked does not record the trace.
    pub fn call(&self, parent: TraceContext) -> Option<TraceContext> {
        parent.is_sampled.then(|| self.ids.request(Some(parent), self.ratio))
    }

    pub fn call_ended(&self, ended: &CallEnded<'_>) {
        if let Some(span) = ended.span {
            self.queue.send(vec![calls::span(&self.scope, span, ended)]);
        }
    }

    /// The last call before the process ends.
    pub async fn flush(&self) {
        self.queue.flush().await;
    }
}

#[cfg(test)]
mod tests;
