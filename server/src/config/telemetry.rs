//! `[telemetry]`: what is told to those who watch the gateway. OpenTelemetry's own variables stand above the file.

use novai_core::Secret;
use novai_stores::keys::chosen;
use novai_telemetry::TraceSettings;

use super::Env;
use super::problem::Problem;
use super::reader::Section;

/// Good for `/metrics` and for nothing else.
pub const METRICS_TOKEN: &str = "NOVAI_METRICS_TOKEN";
const OTLP_EXAMPLE: &str = "http://127.0.0.1:4318";
const TRACES_PATH: &str = "/v1/traces";

#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// Whether anything is counted, and `/metrics` is there.
    pub has_metrics: bool,
    pub metrics_token: Option<Secret>,
    /// `None`: nothing is recorded.
    pub traces: Option<TraceSettings>,
}

/// `service` is what traces call the process unless told otherwise.
pub fn telemetry(mut section: Section<'_>, env: Env<'_>, service: &str) -> TelemetrySettings {
    let has_metrics = section.boolean("metrics", true);
    let metrics_token = match env(METRICS_TOKEN).map(chosen).transpose() {
        Ok(token) => token,
        Err(error) => {
            section.report(problem(METRICS_TOKEN, error.to_string(), ""));
            None
        }
    };
    let in_file = section.string("otlp_endpoint", OTLP_EXAMPLE);
    let endpoint = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        .or_else(|| env("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| with_path(&base)))
        .or_else(|| in_file.as_ref().map(|at| with_path(&at.value)));
    let mut sampling_ratio = section.ratio("sampling_ratio", 1.0);
    if let Some(argument) = env("OTEL_TRACES_SAMPLER_ARG") {
        match argument.parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => sampling_ratio = ratio,
            _ => section.report(problem(
                "OTEL_TRACES_SAMPLER_ARG",
                format!("must be a number from 0.0 to 1.0, but is {argument:?}"),
                "write OTEL_TRACES_SAMPLER_ARG=0.1",
            )),
        }
    }
    let joins_callers = section.boolean("join_callers_traces", false);
    if let Some(endpoint) = &endpoint
        && !is_http(endpoint)
    {
        let place = in_file.as_ref().map_or("OTEL_EXPORTER_OTLP_ENDPOINT", |at| at.reference().key.as_str());
        section.report(problem(
            place,
            format!("must be an http(s) URL, but is {endpoint:?}"),
            &format!("write {OTLP_EXAMPLE}"),
        ));
    }
    section.finish();
    let is_off = env("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let traces = endpoint.filter(|_| !is_off).map(|endpoint| TraceSettings {
        endpoint,
        service: env("OTEL_SERVICE_NAME").unwrap_or_else(|| service.to_owned()),
        sampling_ratio,
        joins_callers,
    });
    TelemetrySettings { has_metrics, metrics_token, traces }
}

fn problem(place: &str, rule: String, fix: &str) -> Problem {
    Problem { place: place.to_owned(), key: String::new(), rule, fix: fix.to_owned() }
}

fn with_path(base: &str) -> String {
    format!("{}{TRACES_PATH}", base.trim_end_matches('/'))
}

fn is_http(text: &str) -> bool {
    let uri: Option<http::Uri> = text.parse().ok();
    uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}
