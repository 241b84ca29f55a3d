//! Prometheus metrics, with OpenTelemetry's names for generative AI where it has any.
//!
//! Start at [`GatewayMetrics`]. [`families`] says which metrics there are (docs/operations.md lists them, and a test compares);
//! [`inference`] and [`requests`] find the series of a request without making a string; [`stores`] reads, when somebody
//! looks, what the stores have counted.

mod families;
mod inference;
mod requests;
mod stores;

use std::collections::HashMap;
use std::sync::Arc;

use novai_core::Gateway;
use novai_http::observer::{self, Cause, Metrics, Observer, RequestEnded};
use prometheus_client::registry::Registry;

pub use families::Families;
use inference::Inference;
use requests::Requests;

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
    models: Positions,
    providers: Positions,
    requests: Requests,
    inference: Inference,
}

impl GatewayMetrics {
    pub fn new(names: Names, gateway: Arc<Gateway>) -> Self {
        let mut registry = Registry::default();
        let families = Families::register(&mut registry);
        registry.register_collector(Box::new(stores::Stores { gateway }));
        let models = Positions::new(names.models);
        let providers = Positions::new(names.providers);
        let operations: Vec<&'static str> = observer::operation_ids().collect();
        let requests = Requests::new(&operations, models.len());
        let inference = Inference::new(&operations, models.len(), providers.len());
        GatewayMetrics { registry, families, models, providers, requests, inference }
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
                self.count_cause(cause, model);
                cause.provider()
            }
            None => None,
        };
        if let Some(provider) = ended.provider.or(asked) {
            let provider = self.providers.of(provider);
            self.families.admitted.inc();
            let place = inference::Place { operation: ended.operation, model, provider };
            let series = self.inference.at(place, &self.families, &self.models, &self.providers);
            if let Some(series) = series {
                series.count(&self.families, ended);
            }
        }
    }
}

impl Metrics for GatewayMetrics {
    fn page(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        // Writing to memory cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests;
