//! The `x-ratelimit-*` headers, as OpenAI writes them.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Window;
use crate::header_texts::HeaderTexts;

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
pub(super) fn requests(window: Window, headers: &mut HeaderMap) {
    write(window, &REQUESTS, headers);
}

pub(super) fn tokens(window: Window, headers: &mut HeaderMap) {
    write(window, &TOKENS, headers);
}

fn write(window: Window, names: &Names, headers: &mut HeaderMap) {
    let Window { limit, remaining, reset } = window;
    for (name, value) in [(&names.limit, limit), (&names.remaining, remaining), (&names.reset, reset)] {
        if let Some(value) = value {
            headers.insert(name.clone(), value);
        }
    }
}

/// Go's duration notation, which OpenAI uses: `6m0s`, `8.64s`, `132ms`.
pub(super) fn duration(duration: Duration, texts: &mut HeaderTexts) -> Option<HeaderValue> {
    // Rounded up, so that "reset" is never announced too early.
    let total_ms = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    match total_ms {
        0 => texts.push("0s"),
        1..1000 => {
            texts.push_number(total_ms);
            texts.push("ms");
        }
        _ => push_long(total_ms, texts),
    }
    texts.value()
}

/// A second or more.
fn push_long(total_ms: u64, texts: &mut HeaderTexts) {
    let (hours, minutes) = (total_ms / 3_600_000, total_ms / 60_000 % 60);
    let (seconds, rest_ms) = (total_ms / 1000 % 60, total_ms % 1000);
    if hours > 0 {
        texts.push_number(hours);
        texts.push("h");
    }
    if hours > 0 || minutes > 0 {
        texts.push_number(minutes);
        texts.push("m");
    }
    texts.push_number(seconds);
    if rest_ms > 0 {
        texts.push(".");
        // Three digits: the one in front of them keeps their zeros.
        texts.push(itoa::Buffer::new().format(1000 + rest_ms)[1..].trim_end_matches('0'));
    }
    texts.push("s");
}

#[cfg(test)]
mod tests {
    use novai_core::WindowSnapshot;

    use super::*;

    fn text(time: Duration) -> String {
        let value = duration(time, &mut HeaderTexts::default()).unwrap();
        value.to_str().unwrap().to_owned()
    }

    fn window(limit: Option<u64>, remaining: Option<u64>, reset: Option<Duration>) -> Window {
        Window::of(&WindowSnapshot { limit, remaining, reset }, &mut HeaderTexts::default())
    }

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
        for (ms, expected) in cases {
            assert_eq!(text(Duration::from_millis(ms)), expected);
        }
        assert_eq!(text(Duration::from_micros(1)), "1ms", "rounded up");
    }

    #[test]
    fn only_known_values_are_written() {
        let mut headers = HeaderMap::new();
        requests(window(Some(60), Some(0), None), &mut headers);
        tokens(window(None, None, Some(Duration::from_secs(6))), &mut headers);
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
