//! Which metrics there are: names, units, labels, buckets.
//!
//! OpenTelemetry's semantic conventions for generative AI name the first four, and say how their buckets are cut; dots become
//! underscores, and the unit ends the name, as OpenTelemetry maps its names to Prometheus'.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub(super) type Labels<const N: usize> = [(&'static str, Arc<str>); N];
pub(super) type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub(super) type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;
/// US dollars, of which there are parts.
pub(super) type Dollars = Counter<f64, AtomicU64>;

pub(super) const DURATION_S: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN_S: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const OUTPUT_TOKEN_S: [f64; 13] = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
const TOKENS: [f64; 14] = [
    1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0,
    16777216.0, 67108864.0,
];

/// Those that requests change. What stores count themselves is in [`super::stores`].
pub(super) struct Families {
    /// `gen_ai_operation_name`, `gen_ai_provider_name`, `gen_ai_request_model`, `gen_ai_token_type`.
    pub(super) token_usage: Histograms<4>,
    /// `gen_ai_operation_name`, `gen_ai_provider_name`, `gen_ai_request_model`, `error_type`.
    pub(super) duration: Histograms<4>,
    /// `gen_ai_operation_name`, `gen_ai_provider_name`, `gen_ai_request_model`.
    pub(super) time_to_first_token: Histograms<3>,
    /// The same.
    pub(super) time_per_output_token: Histograms<3>,
    /// `operation`, `model`, `status`, `outcome`.
    pub(super) requests: Counters<4>,
    pub(super) requests_in_flight: Gauge,
    pub(super) streams_in_flight: Gauge,
    /// `model`, `provider`, `type`.
    pub(super) tokens: Counters<3>,
    /// `model`, `provider`.
    pub(super) cost: Family<Labels<2>, Dollars>,
    /// `decision`, `limit`, `scope`.
    pub(super) limit_decisions: Counters<3>,
    /// Of those, the ones that let a request pass.
    pub(super) admitted: Counter,
    /// `provider`, `model`, `error_type`.
    pub(super) upstream_errors: Counters<3>,
    /// `model`, `provider`.
    pub(super) fallbacks: Counters<2>,
    /// `tool`, `outcome`.
    pub(super) tool_calls: Counters<2>,
}

impl Families {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let limit_decisions: Counters<3> = Family::default();
        let none = || Arc::<str>::from("");
        let admitted = limit_decisions.get_or_create_owned(&[
            ("decision", Arc::from("admitted")),
            ("limit", none()),
            ("scope", none()),
        ]);
        let families = Families {
            token_usage: Family::new_with_constructor(|| Histogram::new(TOKENS)),
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_S)),
            time_to_first_token: Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN_S)),
            time_per_output_token: Family::new_with_constructor(|| Histogram::new(OUTPUT_TOKEN_S)),
            requests: Family::default(),
            requests_in_flight: Gauge::default(),
            streams_in_flight: Gauge::default(),
            tokens: Family::default(),
            cost: Family::default(),
            limit_decisions,
            admitted,
            upstream_errors: Family::default(),
            fallbacks: Family::default(),
            tool_calls: Family::default(),
        };
        registry.register(
            "gen_ai_client_token_usage",
            "Tokens of a request, input and output apart, as the upstream counted them",
            families.token_usage.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_request_duration",
            "From a request's head to the last byte of its answer",
            Unit::Seconds,
            families.duration.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_to_first_token",
            "From the gateway's start on a stream to the upstream's first event",
            Unit::Seconds,
            families.time_to_first_token.clone(),
        );
        registry.register_with_unit(
            "gen_ai_server_time_per_output_token",
            "Of a stream after its first event: the time divided by the tokens that came in it",
            Unit::Seconds,
            families.time_per_output_token.clone(),
        );
        registry.register("novai_requests", "Requests that have ended", families.requests.clone());
        registry.register(
            "novai_requests_in_flight",
            "Requests whose answer is not out yet",
            families.requests_in_flight.clone(),
        );
        registry.register(
            "novai_streams_in_flight",
            "Streams that an upstream answers now",
            families.streams_in_flight.clone(),
        );
        registry.register(
            "novai_tokens",
            "Tokens by type; cached_input is a part of input, and reasoning one of output",
            families.tokens.clone(),
        );
        registry.register("novai_cost_usd", "What requests cost, in US dollars", families.cost.clone());
        registry.register(
            "novai_limit_decisions",
            "Requests let pass by limits and budgets, and those refused, by what refused them",
            families.limit_decisions.clone(),
        );
        registry.register(
            "novai_upstream_errors",
            "Failures of upstreams, those included that a fallback made up for",
            families.upstream_errors.clone(),
        );
        registry.register(
            "novai_fallbacks",
            "Requests that this provider served after an earlier call had failed",
            families.fallbacks.clone(),
        );
        registry.register(
            "novai_tool_calls",
            "Calls of registered tools by how they ended; those of tools that nobody has under an empty name",
            families.tool_calls.clone(),
        );
        families
    }
}

/// What every process has, whatever it serves: its version, and the count of lost spans, which is given back.
pub(super) fn register_process(registry: &mut Registry, version_help: &str) -> Counter {
    let spans_dropped = Counter::default();
    registry.register("novai_trace_spans_dropped", "Spans that no collector has got", spans_dropped.clone());
    registry.register("novai_build", version_help, Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    spans_dropped
}
