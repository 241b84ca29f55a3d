//! `[telemetry]`: what is told to those who watch the gateway.

use novai_core::Secret;
use novai_stores::keys::chosen;

use super::Env;
use super::problem::Problem;
use super::reader::Section;

/// Good for `/metrics` and for nothing else.
pub const METRICS_TOKEN: &str = "NOVAI_METRICS_TOKEN";

#[derive(Debug, Clone)]
pub struct TelemetrySettings {
    /// Whether anything is counted, and `/metrics` is there.
    pub has_metrics: bool,
    pub metrics_token: Option<Secret>,
}

pub fn telemetry(mut section: Section<'_>, env: Env<'_>) -> TelemetrySettings {
    let has_metrics = section.boolean("metrics", true);
    let metrics_token = match env(METRICS_TOKEN).map(chosen).transpose() {
        Ok(token) => token,
        Err(error) => {
            section.report(Problem {
                place: METRICS_TOKEN.to_owned(),
                key: String::new(),
                rule: error.to_string(),
                fix: String::new(),
            });
            None
        }
    };
    section.finish();
    TelemetrySettings { has_metrics, metrics_token }
}
