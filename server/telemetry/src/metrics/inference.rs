//! The series of one operation, model and provider, made when the first request of these ends.

use std::sync::{Arc, OnceLock};

use novai_http::observer::{Cause, RequestEnded};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::Positions;
use super::families::{Dollars, Families};

/// Operations of the spec that ask a model, with OpenTelemetry's words for them.
const OPERATIONS: [(&str, &str); 2] = [("createChatCompletion", "chat"), ("createEmbedding", "embeddings")];

const NANO_PER_USD: f64 = 1e9;

pub(super) struct Inference {
    /// By position in the spec: which of [`OPERATIONS`].
    operations: Vec<Option<usize>>,
    models: usize,
    providers: usize,
    series: Box<[OnceLock<Box<Series>>]>,
}

#[derive(Clone, Copy)]
pub(super) struct Place {
    pub operation: Option<usize>,
    pub model: usize,
    pub provider: usize,
}

pub(super) struct Series {
    names: Labels,
    input: Histogram,
    output: Histogram,
    first_token: Histogram,
    output_token: Histogram,
    /// By fault, of which the last is none.
    durations: [OnceLock<Histogram>; Cause::FAULTS.len() + 1],
    /// Input, cached input, output, reasoning.
    tokens: [Counter; 4],
    cost: Dollars,
}

#[derive(Clone)]
struct Labels {
    operation: Arc<str>,
    provider: Arc<str>,
    model: Arc<str>,
}

impl Labels {
    fn all(&self) -> [(&'static str, Arc<str>); 3] {
        [
            ("gen_ai_operation_name", Arc::clone(&self.operation)),
            ("gen_ai_provider_name", Arc::clone(&self.provider)),
            ("gen_ai_request_model", Arc::clone(&self.model)),
        ]
    }

    fn with(&self, name: &'static str, value: &str) -> [(&'static str, Arc<str>); 4] {
        let [operation, provider, model] = self.all();
        [operation, provider, model, (name, Arc::from(value))]
    }
}

impl Inference {
    pub(super) fn new(operations: &[&'static str], models: usize, providers: usize) -> Self {
        let operations =
            operations.iter().map(|id| OPERATIONS.iter().position(|(own, _)| own == id)).collect();
        let series = (0..OPERATIONS.len() * models * providers).map(|_| OnceLock::new()).collect();
        Inference { operations, models, providers, series }
    }

    /// `None` for an operation that asks no model.
    pub(super) fn at(
        &self,
        place: Place,
        families: &Families,
        models: &Positions,
        providers: &Positions,
    ) -> Option<&Series> {
        let Place { operation, model, provider } = place;
        let operation = (*self.operations.get(operation?)?)?;
        let slot = self.series.get((operation * self.models + model) * self.providers + provider)?;
        let series = slot.get_or_init(|| {
            let names = Labels {
                operation: Arc::from(OPERATIONS[operation].1),
                provider: Arc::clone(&providers.names[provider]),
                model: Arc::clone(&models.names[model]),
            };
            Box::new(Series::new(names, families))
        });
        Some(series)
    }
}

impl Series {
    fn new(names: Labels, families: &Families) -> Self {
        let usage = |kind| families.token_usage.get_or_create_owned(&names.with("gen_ai_token_type", kind));
        let own = [("model", Arc::clone(&names.model)), ("provider", Arc::clone(&names.provider))];
        let tokens = ["input", "cached_input", "output", "reasoning"].map(|kind| {
            let [model, provider] = own.clone();
            families.tokens.get_or_create_owned(&[model, provider, ("type", Arc::from(kind))])
        });
        Series {
            input: usage("input"),
            output: usage("output"),
            first_token: families.time_to_first_token.get_or_create_owned(&names.all()),
            output_token: families.time_per_output_token.get_or_create_owned(&names.all()),
            durations: Default::default(),
            tokens,
            cost: families.cost.get_or_create_owned(&own),
            names,
        }
    }

    pub(super) fn count(&self, families: &Families, ended: &RequestEnded<'_>) {
        let fault = match ended.cause {
            Some(Cause::Upstream { fault, .. }) => Cause::FAULTS.iter().position(|known| known == fault),
            _ => None,
        };
        self.durations[fault.unwrap_or(Cause::FAULTS.len())]
            .get_or_init(|| {
                let fault = fault.map_or("", |fault| Cause::FAULTS[fault]);
                families.duration.get_or_create_owned(&self.names.with("error_type", fault))
            })
            .observe(ended.duration.as_secs_f64());
        if let Some(first) = ended.time_to_first_event {
            self.first_token.observe(first.as_secs_f64());
        }
        if let Some(cost) = ended.cost {
            self.cost.inc_by(cost.nano as f64 / NANO_PER_USD);
        }
        let Some(usage) = ended.usage else { return };
        self.input.observe(usage.prompt as f64);
        self.output.observe(usage.completion as f64);
        let counts = [usage.prompt, usage.cached_prompt, usage.completion, usage.reasoning];
        for (counter, tokens) in self.tokens.iter().zip(counts).filter(|(_, tokens)| *tokens > 0) {
            counter.inc_by(tokens);
        }
        // Of one token there is no time between tokens.
        if let (Some(first), 2..) = (ended.time_to_first_event, usage.completion) {
            let rest = ended.duration.saturating_sub(first);
            self.output_token.observe(rest.as_secs_f64() / (usage.completion - 1) as f64);
        }
    }
}
