//! The `x-ratelimit-*` headers, as OpenAI writes them.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::WindowSnapshot;

use super::push;

struct Names {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

static REQUESTS: Names = Names {
    limit: HeaderName::from_static("x-ratelimit-limit-requests"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-requests"),
    reset: HeaderName::from_static("x-ratelimit-reset-requests"),
};

static TOKENS: Names = Names {
    limit: HeaderName::from_static("x-ratelimit-limit-tokens"),
    remaining: HeaderName::from_static("x-ratelimit-remaining-tokens"),
    reset: HeaderName::from_static("x-ratelimit-reset-tokens"),
};

/// Only what is known is written: an absent header beats a made-up number.
pub(super) fn requests(seen: &WindowSnapshot, headers: &mut HeaderMap) {
    window(seen, &REQUESTS, headers);
}

pub(super) fn tokens(seen: &WindowSnapshot, headers: &mut HeaderMap) {
    window(seen, &TOKENS, headers);
}

fn window(window: &WindowSnapshot, names: &Names, headers: &mut HeaderMap) {
    if let Some(limit) = window.limit {
        headers.insert(names.limit.clone(), HeaderValue::from(limit));
    }
    if let Some(remaining) = window.remaining {
        headers.insert(names.remaining.clone(), HeaderValue::from(remaining));
    }
    if let Some(reset) = window.reset.and_then(|reset| HeaderValue::try_from(duration(reset)).ok()) {
        headers.insert(names.reset.clone(), reset);
    }
}

/// Go's duration notation, which OpenAI uses: `6m0s`, `8.64s`, `132ms`.
fn duration(duration: Duration) -> String {
    // Rounded up, so that "reset" is never announced too early.
    let total_ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let mut text = String::with_capacity(24);
    if total_ms == 0 {
        text.push_str("0s");
        return text;
    }
    if total_ms < 1000 {
        push(&mut text, total_ms);
        text.push_str("ms");
        return text;
    }
    let (hours, minutes) = (total_ms / 3_600_000, total_ms / 60_000 % 60);
    let (seconds, rest_ms) = (total_ms / 1000 % 60, total_ms % 1000);
    if hours > 0 {
        push(&mut text, hours);
        text.push('h');
    }
    if hours > 0 || minutes > 0 {
        push(&mut text, minutes);
        text.push('m');
    }
    push(&mut text, seconds);
    if rest_ms > 0 {
        text.push('.');
        // Three digits: the one in front of them keeps their zeros.
        text.push_str(itoa::Buffer::new().format(1000 + rest_ms)[1..].trim_end_matches('0'));
    }
    text.push('s');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_openais() {
        let cases = [
            (0, "0s"),
            (12, "12ms"),
            (132, "132ms"),
            (999, "999ms"),
            (1000, "1s"),
            (1004, "1.004s"),
            (8640, "8.64s"),
            (59_500, "59.5s"),
            (60_000, "1m0s"),
            (90_000, "1m30s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (86_400_000 + 61_500, "24h1m1.5s"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(duration(Duration::from_micros(1)), "1ms", "rounded up");
    }

    #[test]
    fn only_known_values_are_written() {
        let mut headers = HeaderMap::new();
        requests(&WindowSnapshot { limit: Some(60), remaining: Some(0), reset: None }, &mut headers);
        let reset = Some(Duration::from_secs(6));
        tokens(&WindowSnapshot { limit: None, remaining: None, reset }, &mut headers);
        let written: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?"))).collect();
        assert_eq!(
            written,
            [
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-tokens", "6s"),
            ]
        );
    }
}
