//! What upstreams say in headers, and what all of them are told.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use novai_core::{RateLimitSnapshot, WindowSnapshot};

use crate::client::{Headers, Origin, OriginError};

pub(crate) fn is_json(headers: &Headers) -> bool {
    media_type(headers).is_some_and(|media| {
        media.eq_ignore_ascii_case("application/json")
            || (media.len() > 5 && media.as_bytes()[media.len() - 5..].eq_ignore_ascii_case(b"+json"))
    })
}

pub(crate) fn is_event_stream(headers: &Headers) -> bool {
    media_type(headers).is_some_and(|media| media.eq_ignore_ascii_case("text/event-stream"))
}

/// Every request asks for plain bytes: what is packed all the same cannot be looked at on its way through.
pub(crate) fn is_compressed(headers: &Headers) -> bool {
    headers.get("content-encoding").is_some_and(|encoding| {
        let encoding = encoding.trim();
        !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")
    })
}

/// Without its parameters.
pub(crate) fn media_type(headers: &Headers) -> Option<&str> {
    headers.get("content-type")?.split(';').next().map(str::trim)
}

/// The headers that every request has, whatever the vendor; its credentials are the adaptor's own.
pub(crate) fn common(origin: &Origin) -> Result<HeaderMap, OriginError> {
    let mut headers = HeaderMap::with_capacity(8);
    let host = HeaderValue::from_str(origin.authority()).map_err(|_| OriginError::NotUrl)?;
    headers.insert(header::HOST, host);
    headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("novai/", env!("CARGO_PKG_VERSION"))));
    // Bodies are read as they come: a compressed one would have to be unpacked for every check.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Ok(headers)
}

/// A name that can be shown and asked for.
pub(crate) fn is_model_id(id: &str) -> bool {
    const ID_BYTES_MAX: usize = 256;
    !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control)
}

/// The id that the upstream gave the request, under the header `name`.
pub(crate) fn id(headers: &Headers, name: &str) -> Option<String> {
    /// Real ones have 40; whatever is longer is no id, and goes to the log with every request.
    const ID_BYTES_MAX: usize = 128;
    let id = headers.get(name)?;
    (id.len() <= ID_BYTES_MAX).then(|| id.to_owned())
}

/// Under which name an upstream is told our request id: `X-Request-Id`, or `X-Client-Request-Id` (OpenAI's name for an id of
/// the caller's own) if it is no UUID. starlette's request-id plug-in, and so llama-cpp-python, answers 400 to any other
/// `X-Request-Id`.
pub(crate) fn name_of_request_id(id: &str) -> HeaderName {
    const UPSTREAMS: HeaderName = HeaderName::from_static("x-request-id");
    const CALLERS: HeaderName = HeaderName::from_static("x-client-request-id");
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let is_uuid = matches!(id.as_bytes().first_chunk::<36>(), Some(id36) if id.len() == 36
        && [8, 13, 18, 23].iter().all(|at| id36[*at] == b'-')
        && [0..8, 9..13, 14..18, 19..23, 24..36].into_iter().all(|group| is_hex(&id36[group])));
    if is_uuid { UPSTREAMS } else { CALLERS }
}

/// Reads one vendor's rate-limit headers; the time is since 1970.
pub(crate) type LimitsReader = fn(&Headers, Duration) -> Option<RateLimitSnapshot>;

/// OpenAI's rate-limit headers, and those of vendors that follow it.
pub(crate) fn limits(headers: &Headers) -> Option<RateLimitSnapshot> {
    const REQUESTS: [&str; 3] =
        ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
    const TOKENS: [&str; 3] =
        ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];
    // Mistral's tokens, per minute; its resets are seconds.
    const TOKENS_BY_SIZE: [&str; 3] =
        ["ratelimitbysize-limit", "ratelimitbysize-remaining", "ratelimitbysize-reset"];
    let mut tokens = window(headers, TOKENS);
    if tokens == WindowSnapshot::default() {
        let [limit, remaining, reset] = TOKENS_BY_SIZE.map(|name| text(headers, name)?.parse().ok());
        tokens = WindowSnapshot { limit, remaining, reset: reset.map(Duration::from_secs) };
    }
    let snapshot = RateLimitSnapshot { requests: window(headers, REQUESTS), tokens };
    (snapshot != RateLimitSnapshot::default()).then_some(snapshot)
}

fn window(headers: &Headers, [limit, remaining, reset]: [&str; 3]) -> WindowSnapshot {
    WindowSnapshot {
        // Azure sends -1 for "no limit": no number is then the truth.
        limit: text(headers, limit).and_then(|text| text.parse().ok()),
        remaining: text(headers, remaining).and_then(|text| text.parse().ok()),
        reset: text(headers, reset).and_then(duration),
    }
}

fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.get(name).map(str::trim)
}

/// OpenAI's (that is Go's) durations: `6m0s`, `1h2m3.5s`, `8.64s`, `132ms`.
///
/// Azure leaves the unit out and means milliseconds: with 120,000 tokens a minute and 14 just used, it says `7`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..number_end].parse().ok()?;
        rest = &rest[number_end..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..unit_end] {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" | "" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        rest = &rest[unit_end..];
        seconds += number * unit;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// `retry-after-ms` where it says more than "at once", else `Retry-After` in seconds or as a date.
///
/// A date is compared with the answer's own `Date` where there is one: that is right even if one clock is wrong.
pub(crate) fn retry_after(headers: &Headers, now: Duration) -> Option<Duration> {
    /// Nobody waits longer; a larger number is a mistake, and must not overflow anyone's arithmetic.
    const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
    let text = |name| text(headers, name);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let precise = text("retry-after-ms").and_then(number).map(|ms| ms / 1000.0);
    let coarse = text("retry-after").and_then(number);
    let in_seconds = match (precise, coarse) {
        (Some(0.0), Some(seconds)) => Some(seconds),
        (precise, coarse) => precise.or(coarse),
    };
    let wait = match in_seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(RETRY_AFTER_MAX),
        None => {
            let at = httpdate::parse_http_date(text("retry-after")?).ok()?;
            let sent_at = text("date").and_then(|date| httpdate::parse_http_date(date).ok());
            at.duration_since(sent_at.unwrap_or(SystemTime::UNIX_EPOCH + now)).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
