//! What a worker counts: its calls of providers, and how they ended.

use std::sync::Arc;

use novai_core::{CallEnded, CallOutcome};
use novai_http::observer::{Metrics, Observer};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::families::{self, Counters, DURATION_S, Histograms};
use super::{Positions, page_of};

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
        let in_flight = Gauge::default();
        let durations: Histograms<3> = Family::new_with_constructor(|| Histogram::new(DURATION_S));
        let calls = Counters::default();
        registry.register_with_unit(
            "gen_ai_client_operation_duration",
            "From a call of a provider to the last byte of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register("novai_worker_calls", "Calls of providers that have ended", calls.clone());
        registry.register(
            "novai_worker_calls_in_flight",
            "Calls of providers that have not ended",
            in_flight.clone(),
        );
        let spans_dropped = families::register_process(&mut registry, "The worker's version");
        let providers = Positions::new(providers);
        WorkerMetrics { registry, providers, in_flight, durations, calls, spans_dropped }
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
