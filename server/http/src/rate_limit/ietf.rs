//! `RateLimit-Policy` and `RateLimit`, after draft-ietf-httpapi-ratelimit-headers-10.

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use novai_core::LimitSnapshot;
use novai_core::limits::QuotaSnapshot;

use super::push;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Largest integer of a structured field (RFC 9651 §3.3.1).
const INTEGER_MAX: u64 = 999_999_999_999_999;
const WINDOW_SECONDS: u64 = 60;

pub(super) fn write(snapshot: &LimitSnapshot, headers: &mut HeaderMap) {
    // `t` must not lie behind Retry-After: a client that obeys both would wait twice.
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (mut policy, mut state) = (String::with_capacity(64), String::with_capacity(64));
    for (name, quota) in [("\"rpm\"", &snapshot.requests), ("\"tpm\"", &snapshot.tokens)] {
        let Some(quota) = quota else { continue };
        let separator = if policy.is_empty() { "" } else { ", " };
        for (text, key, number) in [(&mut policy, ";q=", quota.limit), (&mut state, ";r=", quota.remaining)] {
            text.push_str(separator);
            text.push_str(name);
            text.push_str(key);
            push(text, number.min(INTEGER_MAX));
        }
        policy.push_str(";w=");
        push(&mut policy, WINDOW_SECONDS);
        if let Some(seconds) = more_in(quota, retry_after) {
            state.push_str(";t=");
            push(&mut state, seconds);
        }
    }
    if let (false, Ok(policy), Ok(state)) =
        (policy.is_empty(), HeaderValue::try_from(policy), HeaderValue::try_from(state))
    {
        headers.insert(POLICY.clone(), policy);
        headers.insert(STATE.clone(), state);
    }
}

/// Seconds until there is more again, rounded up; nothing where nothing is used.
fn more_in(quota: &QuotaSnapshot, retry_after: Option<u64>) -> Option<u64> {
    let seconds = u64::try_from(quota.next.as_micros().div_ceil(1_000_000)).ok().filter(|s| *s > 0)?;
    Some(seconds.min(retry_after.unwrap_or(seconds)))
}
