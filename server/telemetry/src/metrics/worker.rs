//! What a worker counts: its calls of providers, and how they ended.

use std::sync::Arc;

use novai_core::{CallEnded, CallOutcome};
use novai_http::observer::{Metrics, Observer};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::families::{Counters, DURATION_S, Histograms};
use super::{Positions, page_of};
use prometheus_client::metrics::family::Family;

/// Everything that is counted in a worker.
pub struct WorkerMetrics {
    registry: Registry,
    /// Providers of the configuration; what a client makes up is `other`.
    providers: Positions,
    in_flight: Gauge,
    /// `gen_ai_operation_name`, `gen_ai_provider_name`, `error_type`.
    durations: Histograms<3>,
    /// `operation`, `provider`, `outcome`.
    calls: Counters<3>,
    spans_dropped: Counter,
}

impl WorkerMetrics {
    pub fn new(providers: Vec<Arc<str>>) -> Self {
        let mut registry = Registry::default();
        let metrics = WorkerMetrics {
            providers: Positions::new(providers),
            in_flight: Gauge::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATION_S)),
            calls: Family::default(),
            spans_dropped: Counter::default(),
            registry: Registry::default(),
        };
        registry.register_with_unit(
            "gen_ai_client_operation_duration",
            "From a call of a provider to the last byte of its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("novai_worker_calls", "Calls of providers that have ended", metrics.calls.clone());
        registry.register(
            "novai_worker_calls_in_flight",
            "Calls of providers that have not ended",
            metrics.in_flight.clone(),
        );
        registry.register(
            "novai_trace_spans_dropped",
            "Spans that no collector has got",
            metrics.spans_dropped.clone(),
        );
        registry.register("novai_build", "The worker's version", {
            Info::new([("version", env!("CARGO_PKG_VERSION"))])
        });
        WorkerMetrics { registry, ..metrics }
    }

    /// For the tracer.
    pub fn spans_dropped(&self) -> Counter {
        self.spans_dropped.clone()
    }

    pub(crate) fn began(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn ended(&self, ended: &CallEnded<'_>) {
        self.in_flight.dec();
        let provider = Arc::clone(&self.providers.names[self.providers.of(ended.provider)]);
        let fault = match ended.outcome {
            CallOutcome::Failed(fault) => fault,
            CallOutcome::Complete | CallOutcome::Cancelled => "",
        };
        let labels = [
            ("operation", Arc::from(ended.operation)),
            ("provider", Arc::clone(&provider)),
            ("outcome", Arc::from(ended.outcome.name())),
        ];
        self.calls.get_or_create(&labels).inc();
        let labels = [
            ("gen_ai_operation_name", Arc::from(ended.operation)),
            ("gen_ai_provider_name", provider),
            ("error_type", Arc::from(fault)),
        ];
        self.durations.get_or_create(&labels).observe(ended.duration.as_secs_f64());
    }
}

/// It serves no requests of its own.
impl Observer for WorkerMetrics {}

impl Metrics for WorkerMetrics {
    fn page(&self) -> String {
        page_of(&self.registry)
    }
}
