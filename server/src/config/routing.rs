//! `[routing]`: what is done when a target of a model fails.

use novai_core::RoutingPolicy;
use novai_core::routing::BreakerPolicy;

use super::reader::Section;

pub fn routing(mut section: Section<'_>) -> RoutingPolicy {
    let default = RoutingPolicy::default();
    let mut count = |key, range, default: u32| section.integer(key, range, default.into()) as u32;
    let failures_max = count("failures_max", 1..=1000, default.breaker.failures_max);
    let retries = count("retries", 0..=10, default.retries);
    let retries_percent = count("retries_percent", 0..=100, default.retries_percent);
    let breaker = BreakerPolicy {
        failures_max,
        cool_down: section.millis("cool_down_ms", default.breaker.cool_down),
        cool_down_max: section.millis("cool_down_max_ms", default.breaker.cool_down_max),
    };
    let policy = RoutingPolicy {
        breaker,
        retries,
        retry_pause: section.millis("retry_pause_ms", default.retry_pause),
        retry_pause_max: section.millis("retry_pause_max_ms", default.retry_pause_max),
        retries_percent,
        timeout: section.millis("timeout_ms", default.timeout),
    };
    section.finish();
    policy
}
