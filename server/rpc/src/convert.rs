//! From core's words to the wire's and back. Errors have a file of their own.

use std::time::Duration;

use novai_core::{ChatEvent, RateLimitSnapshot, ResponseMeta, TokenUsage, UpstreamModel, WindowSnapshot};

use crate::v1;

impl From<TokenUsage> for v1::TokenUsage {
    fn from(usage: TokenUsage) -> Self {
        // Named one by one: a new count must not be forgotten here.
        let TokenUsage {
            prompt,
            cached_prompt,
            audio_prompt,
            completion,
            reasoning,
            audio_completion,
            total,
        } = usage;
        v1::TokenUsage { prompt, cached_prompt, audio_prompt, completion, reasoning, audio_completion, total }
    }
}

impl From<v1::TokenUsage> for TokenUsage {
    fn from(usage: v1::TokenUsage) -> Self {
        let v1::TokenUsage {
            prompt,
            cached_prompt,
            audio_prompt,
            completion,
            reasoning,
            audio_completion,
            total,
        } = usage;
        TokenUsage { prompt, cached_prompt, audio_prompt, completion, reasoning, audio_completion, total }
    }
}

impl From<ResponseMeta> for v1::ResponseMeta {
    fn from(meta: ResponseMeta) -> Self {
        let ResponseMeta { upstream_request_id, limits } = meta;
        v1::ResponseMeta { upstream_request_id, limits: limits.map(Into::into) }
    }
}

impl From<v1::ResponseMeta> for ResponseMeta {
    fn from(meta: v1::ResponseMeta) -> Self {
        ResponseMeta { upstream_request_id: meta.upstream_request_id, limits: meta.limits.map(Into::into) }
    }
}

impl From<RateLimitSnapshot> for v1::RateLimits {
    fn from(limits: RateLimitSnapshot) -> Self {
        v1::RateLimits { requests: Some(limits.requests.into()), tokens: Some(limits.tokens.into()) }
    }
}

impl From<v1::RateLimits> for RateLimitSnapshot {
    fn from(limits: v1::RateLimits) -> Self {
        RateLimitSnapshot {
            requests: limits.requests.map(Into::into).unwrap_or_default(),
            tokens: limits.tokens.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<WindowSnapshot> for v1::RateLimitWindow {
    fn from(window: WindowSnapshot) -> Self {
        let WindowSnapshot { limit, remaining, reset } = window;
        v1::RateLimitWindow { limit, remaining, reset: reset.map(to_wire_duration) }
    }
}

impl From<v1::RateLimitWindow> for WindowSnapshot {
    fn from(window: v1::RateLimitWindow) -> Self {
        WindowSnapshot {
            limit: window.limit,
            remaining: window.remaining,
            reset: window.reset.and_then(from_wire_duration),
        }
    }
}

impl From<ChatEvent> for v1::ChatEvent {
    fn from(event: ChatEvent) -> Self {
        let ChatEvent { json, usage, usage_only } = event;
        v1::ChatEvent { json, usage: usage.map(Into::into), is_usage_only: usage_only }
    }
}

impl From<v1::ChatEvent> for ChatEvent {
    fn from(event: v1::ChatEvent) -> Self {
        ChatEvent { json: event.json, usage: event.usage.map(Into::into), usage_only: event.is_usage_only }
    }
}

impl From<UpstreamModel> for v1::Model {
    fn from(model: UpstreamModel) -> Self {
        let UpstreamModel { id, created, owned_by } = model;
        v1::Model { id, created, owned_by }
    }
}

impl From<v1::Model> for UpstreamModel {
    fn from(model: v1::Model) -> Self {
        UpstreamModel { id: model.id, created: model.created, owned_by: model.owned_by }
    }
}

/// Longer than any wait that means anything, and what protobuf's type can hold.
const SECONDS_MAX: u64 = 315_576_000_000;

pub(crate) fn to_wire_duration(duration: Duration) -> prost_types::Duration {
    let seconds = i64::try_from(duration.as_secs().min(SECONDS_MAX)).unwrap_or(i64::MAX);
    // Below 10^9, always.
    prost_types::Duration { seconds, nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0) }
}

/// `None` for what is no duration. prost-types' own conversion panics at the most negative number.
pub(crate) fn from_wire_duration(duration: prost_types::Duration) -> Option<Duration> {
    let (seconds, nanos) = (u64::try_from(duration.seconds).ok()?, u32::try_from(duration.nanos).ok()?);
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::new(86_400, 999_999_999)] {
            assert_eq!(from_wire_duration(to_wire_duration(duration)), Some(duration));
        }
        assert_eq!(to_wire_duration(Duration::MAX).seconds, SECONDS_MAX as i64);
        for (seconds, nanos) in [(-1, 0), (0, -1), (i64::MIN, i32::MIN), (0, 1_000_000_000)] {
            assert_eq!(from_wire_duration(prost_types::Duration { seconds, nanos }), None);
        }
    }
}
