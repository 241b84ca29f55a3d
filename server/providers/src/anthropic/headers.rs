//! What Anthropic says in headers.

use std::time::{Duration, UNIX_EPOCH};

use novai_core::{RateLimitSnapshot, WindowSnapshot};

use crate::client::Headers;

/// `anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`; a reset is a moment in RFC 3339.
pub(super) fn limits(headers: &Headers, now: Duration) -> Option<RateLimitSnapshot> {
    let window = |kind: &str| {
        let text = |fact: &str| headers.get(&format!("anthropic-ratelimit-{kind}-{fact}"));
        let reset_at = text("reset").and_then(|at| humantime::parse_rfc3339(at).ok());
        WindowSnapshot {
            limit: text("limit").and_then(|limit| limit.parse().ok()),
            remaining: text("remaining").and_then(|remaining| remaining.parse().ok()),
            reset: reset_at.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(now)),
        }
    };
    let snapshot = RateLimitSnapshot { requests: window("requests"), tokens: window("tokens") };
    (snapshot != RateLimitSnapshot::default()).then_some(snapshot)
}
