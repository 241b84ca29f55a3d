//! Prometheus metrics, with OpenTelemetry's names for generative AI where it has any.
//!
//! Start at [`GatewayMetrics`]. [`families`] says which metrics there are (docs/operations.md lists them, and a test compares);
//! [`inference`] and [`requests`] find the series of a request without making a string; [`stores`] reads, when somebody
//! looks, what the stores have counted.

mod families;
mod inference;
mod requests;
mod stores;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use novai_core::{Error, Gateway, RouteEvents, Target};
use novai_http::observer::{self, Cause, Metrics, Observer, RequestEnded};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use families::Families;
use inference::Inference;
use requests::Requests;
pub use worker::WorkerMetrics;

/// What a label shows for a model that the configuration does not name: discovered ones, and whatever callers make up.
pub(crate) const OTHER: &str = "other";

/// The labels that there are.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Of `[[models]]`.
    pub models: Vec<Arc<str>>,
    /// Of `[[providers]]`.
    pub providers: Vec<Arc<str>>,
}

/// One position per name, and one more for everything else.
struct Positions {
    by_name: HashMap<Arc<str>, usize>,
    names: Vec<Arc<str>>,
}

impl Positions {
    fn new(names: Vec<Arc<str>>) -> Self {
        let by_name = names.iter().cloned().enumerate().map(|(position, name)| (name, position)).collect();
        let names = names.into_iter().chain([Arc::from(OTHER)]).collect();
        Positions { by_name, names }
    }

    fn of(&self, name: &str) -> usize {
        self.by_name.get(name).copied().unwrap_or(self.names.len() - 1)
    }

    fn len(&self) -> usize {
        self.names.len()
    }
}

/// Everything that is counted.
pub struct GatewayMetrics {
    registry: Registry,
    families: Families,
    spans_dropped: Counter,
    models: Positions,
    providers: Positions,
    requests: Requests,
    inference: Inference,
    gateway: Arc<OnceLock<Weak<Gateway>>>,
}

impl GatewayMetrics {
    pub fn new(names: Names) -> Self {
        let gateway: Arc<OnceLock<Weak<Gateway>>> = Arc::default();
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        let spans_dropped = families::register_process(&mut registry, "The gateway's version");
        registry.register_collector(Box::new(stores::Stores { gateway: Arc::clone(&gateway) }));
        let models = Positions::new(names.models);
        let providers = Positions::new(names.providers);
        let operations: Vec<&'static str> = observer::operation_ids().collect();
        let requests = Requests::new(&operations, models.len());
        let inference = Inference::new(&operations, models.len(), providers.len());
        GatewayMetrics { registry, families, spans_dropped, models, providers, requests, inference, gateway }
    }

    /// Whose stores and breakers are shown. Not held: it holds this.
    pub fn watch(&self, gateway: &Arc<Gateway>) {
        // A second one is not watched.
        let _ = self.gateway.set(Arc::downgrade(gateway));
    }

    /// For the tracer.
    pub fn spans_dropped(&self) -> Counter {
        self.spans_dropped.clone()
    }

    fn count_cause(&self, cause: &Cause, model: usize) {
        let text = |text: &'static str| Arc::<str>::from(text);
        match cause {
            Cause::Refused { limit, scope } => {
                let labels = [("decision", text("refused")), ("limit", text(limit)), ("scope", text(scope))];
                self.families.limit_decisions.get_or_create(&labels).inc();
            }
            Cause::Upstream { provider, fault } => {
                let provider = Arc::clone(&self.providers.names[self.providers.of(provider)]);
                let model = Arc::clone(&self.models.names[model]);
                let labels = [("provider", provider), ("model", model), ("error_type", text(fault))];
                self.families.upstream_errors.get_or_create(&labels).inc();
            }
        }
    }
}

impl Observer for GatewayMetrics {
    fn request_began(&self) {
        self.families.requests_in_flight.inc();
    }

    fn stream_began(&self) {
        self.families.streams_in_flight.inc();
    }

    fn request_ended(&self, ended: &RequestEnded<'_>) {
        self.families.requests_in_flight.dec();
        if ended.is_streaming {
            self.families.streams_in_flight.dec();
        }
        let model = ended.model.map(|name| self.models.of(name));
        self.requests.count(&self.families.requests, &self.models, ended, model);
        let Some(model) = model else { return };
        let asked = match ended.cause {
            Some(cause) => {
                // Told already, unless it ended the search at once, or came in mid-stream.
                let is_told = ended.failures > 0 && !ended.is_streaming && cause.provider().is_some();
                if !is_told {
                    self.count_cause(cause, model);
                }
                cause.provider()
            }
            None => None,
        };
        if let Some(provider) = ended.provider.or(asked) {
            let provider = self.providers.of(provider);
            self.families.admitted.inc();
            if ended.failures > 0 && ended.cause.is_none() {
                let names = [&self.models.names[model], &self.providers.names[provider]];
                let [model, provider] = names.map(Arc::clone);
                self.families.fallbacks.get_or_create(&[("model", model), ("provider", provider)]).inc();
            }
            let place = inference::Place { operation: ended.operation, model, provider };
            let series = self.inference.at(place, &self.families, &self.models, &self.providers);
            if let Some(series) = series {
                series.count(&self.families, ended);
            }
        }
    }
}

/// Failures that another call may make up for.
impl RouteEvents for GatewayMetrics {
    fn failed(&self, target: &Arc<Target>, error: &Error, _: u32) {
        if let Some(cause) = Cause::of(error) {
            self.count_cause(&cause, self.models.of(&target.model));
        }
    }

    fn tool_ended(&self, tool: &str, outcome: &'static str, _: Duration) {
        let labels = [("tool", Arc::from(tool)), ("outcome", Arc::from(outcome))];
        self.families.tool_calls.get_or_create(&labels).inc();
    }
}

impl Metrics for GatewayMetrics {
    fn page(&self) -> String {
        page_of(&self.registry)
    }
}

fn page_of(registry: &Registry) -> String {
    let mut text = String::with_capacity(16 * 1024);
    // Writing to memory cannot fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, registry);
    text
}

#[cfg(test)]
mod tests;
