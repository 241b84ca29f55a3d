//! [`RateLimit`]: what the headers of a reply say about the key's limits.
//!
//! Two families are read: OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, and the IETF draft's
//! `RateLimit`/`RateLimit-Policy` with policies named `rpm` and `tpm`, where the first is absent. A malformed value is
//! ignored, as the draft asks; it never fails a reply.

use std::time::Duration;

use http::HeaderMap;

/// Limits on requests and on tokens, as of one reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateLimit {
    /// Requests per minute (RPM).
    pub requests: Option<Quota>,
    /// Tokens per minute (TPM).
    pub tokens: Option<Quota>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quota {
    /// Most that the window admits.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// Time until the window is whole again.
    pub reset: Option<Duration>,
}

impl RateLimit {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let requests = openai(
            headers,
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
        )
        .or_else(|| ietf(headers, "rpm"));
        let tokens = openai(
            headers,
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
        )
        .or_else(|| ietf(headers, "tpm"));
        (requests.is_some() || tokens.is_some()).then_some(Self { requests, tokens })
    }
}

fn openai(headers: &HeaderMap, [limit, remaining, reset]: [&str; 3]) -> Option<Quota> {
    let quota = Quota {
        limit: text(headers, limit).and_then(|v| v.parse().ok()),
        remaining: text(headers, remaining).and_then(|v| v.parse().ok()),
        reset: text(headers, reset).and_then(duration),
    };
    (quota != Quota::default()).then_some(quota)
}

/// `RateLimit: "rpm";r=50;t=30` and `RateLimit-Policy: "rpm";q=60;w=60`; one header may list several policies.
fn ietf(headers: &HeaderMap, policy: &str) -> Option<Quota> {
    let number = |header: &str, key: &str| {
        headers
            .get_all(header)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|item| {
                let mut parts = item.split(';').map(str::trim);
                let name = parts.next()?.trim_matches('"');
                (name == policy).then(|| {
                    parts.find_map(|part| part.strip_prefix(key)?.strip_prefix('=')?.parse::<u64>().ok())
                })?
            })
    };
    let quota = Quota {
        limit: number("ratelimit-policy", "q"),
        remaining: number("ratelimit", "r"),
        reset: number("ratelimit", "t").map(Duration::from_secs),
    };
    (quota != Quota::default()).then_some(quota)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// `6m0s`, `8.64s`, `132ms`, `1h2m3s`, or plain seconds.
fn duration(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_bytes = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit_secs = match &rest[digits..digits + unit_bytes] {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * unit_secs).ok()?)?;
        rest = &rest[digits + unit_bytes..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn quota(limit: Option<u64>, remaining: Option<u64>, reset_ms: Option<u64>) -> Option<Quota> {
        Some(Quota { limit, remaining, reset: reset_ms.map(Duration::from_millis) })
    }

    #[test]
    fn durations() {
        for (input, ms) in [
            ("12ms", Some(12)),
            ("6m0s", Some(360_000)),
            ("1m30s", Some(90_000)),
            ("0s", Some(0)),
            ("8.64s", Some(8_640)),
            ("1h2m3s", Some(3_723_000)),
            ("1d", Some(86_400_000)),
            ("30", Some(30_000)),
            ("0.5", Some(500)),
            ("", None),
            ("-1", None),
            ("1x", None),
            ("s", None),
            ("1..2s", None),
            (".", None),
            ("99999999999999999999999999d", None),
            ("1s junk", None),
            ("6m é", None),
        ] {
            assert_eq!(duration(input), ms.map(Duration::from_millis), "{input:?}");
        }
    }

    #[test]
    fn families() {
        for (lines, requests, tokens) in [
            (vec![], None, None),
            (
                vec![
                    ("x-ratelimit-limit-requests", "60"),
                    ("x-ratelimit-remaining-requests", "59"),
                    ("x-ratelimit-reset-requests", "1s"),
                    ("x-ratelimit-limit-tokens", "150000"),
                    ("x-ratelimit-remaining-tokens", "149984"),
                    ("x-ratelimit-reset-tokens", "6ms"),
                ],
                quota(Some(60), Some(59), Some(1_000)),
                quota(Some(150_000), Some(149_984), Some(6)),
            ),
            // Azure answers -1 where it does not know.
            (
                vec![("x-ratelimit-limit-requests", "-1"), ("x-ratelimit-remaining-requests", "0")],
                quota(None, Some(0), None),
                None,
            ),
            (vec![("x-ratelimit-remaining-tokens", "many")], None, None),
            (
                vec![
                    ("ratelimit-policy", "\"rpm\";q=60;w=60, \"tpm\";q=1000;w=60"),
                    ("ratelimit", "\"rpm\";r=50;t=30,\"tpm\";r=7"),
                ],
                quota(Some(60), Some(50), Some(30_000)),
                quota(Some(1_000), Some(7), None),
            ),
            (vec![("ratelimit", "\"default\";r=50;t=30")], None, None),
            // OpenAI's names win over the draft's.
            (
                vec![("x-ratelimit-remaining-requests", "3"), ("ratelimit", "\"rpm\";r=50")],
                quota(None, Some(3), None),
                None,
            ),
        ] {
            let expected = (requests.is_some() || tokens.is_some()).then_some(RateLimit { requests, tokens });
            assert_eq!(RateLimit::from_headers(&headers(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn bytes_outside_ascii_are_ignored() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit-requests", http::HeaderValue::from_bytes(b"\xe9\xff").unwrap());
        assert_eq!(RateLimit::from_headers(&headers), None);
    }
}
