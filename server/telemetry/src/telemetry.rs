//! Whoever watches, as `http` knows them.

use std::sync::Arc;

use novai_core::routing::NoRouteEvents;
use novai_core::{CallEnded, CallEvents, RouteEvents, TraceContext};
use novai_http::observer::{Observer, RequestEnded, Span};

use crate::metrics::{GatewayMetrics, WorkerMetrics};
use crate::traces::Tracer;

/// Counts, records, both or neither.
#[derive(Clone, Default)]
pub struct Telemetry {
    pub metrics: Option<Arc<GatewayMetrics>>,
    pub tracer: Option<Arc<Tracer>>,
}

impl Telemetry {
    /// Who hears of every call of an upstream.
    pub fn events(&self) -> Arc<dyn RouteEvents> {
        match &self.metrics {
            Some(metrics) => Arc::clone(metrics) as _,
            None => Arc::new(NoRouteEvents),
        }
    }
}

impl Observer for Telemetry {
    fn request_began(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.request_began();
        }
    }

    fn is_tracing(&self) -> bool {
        self.tracer.is_some()
    }

    fn trace_began(&self, caller: Option<&str>) -> Option<Span> {
        self.tracer.as_ref().map(|tracer| tracer.begin(caller))
    }

    fn stream_began(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.stream_began();
        }
    }

    fn request_ended(&self, ended: &RequestEnded<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.request_ended(ended);
        }
        if let (Some(tracer), Some(trace)) = (&self.tracer, ended.trace) {
            tracer.end(trace, ended);
        }
    }
}

/// The same in a worker.
pub struct WorkerTelemetry {
    pub metrics: Arc<WorkerMetrics>,
    pub tracer: Option<Tracer>,
}

impl CallEvents for WorkerTelemetry {
    fn began(&self) {
        self.metrics.began();
    }

    fn span(&self, parent: TraceContext) -> Option<TraceContext> {
        self.tracer.as_ref()?.call(parent)
    }

    fn ended(&self, ended: &CallEnded<'_>) {
        self.metrics.ended(ended);
        if let Some(tracer) = &self.tracer {
            tracer.call_ended(ended);
        }
    }
}
