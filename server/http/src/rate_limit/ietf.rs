//! `RateLimit-Policy` and `RateLimit`, after draft-ietf-httpapi-ratelimit-headers-10.

use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use novai_core::LimitSnapshot;
use novai_core::limits::QuotaSnapshot;

use crate::header_texts::HeaderTexts;

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Largest integer of a structured field (RFC 9651 §3.3.1).
const INTEGER_MAX: u64 = 999_999_999_999_999;
const WINDOW_SECONDS: u64 = 60;

pub(super) fn write(snapshot: &LimitSnapshot, texts: &mut HeaderTexts, headers: &mut HeaderMap) {
    // `t` must not lie behind Retry-After: a client that obeys both would wait twice.
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let quotas = [("\"rpm\"", &snapshot.requests), ("\"tpm\"", &snapshot.tokens)];
    let limited = || quotas.iter().filter_map(|(name, quota)| Some((*name, quota.as_ref()?)));
    if limited().next().is_none() {
        return;
    }
    for (index, (name, quota)) in limited().enumerate() {
        begin(index, name, ";q=", quota.limit, texts);
        texts.push(";w=");
        texts.push_number(WINDOW_SECONDS);
    }
    insert(&POLICY, texts.value(), headers);
    for (index, (name, quota)) in limited().enumerate() {
        begin(index, name, ";r=", quota.remaining, texts);
        if let Some(seconds) = more_in(quota, retry_after) {
            texts.push(";t=");
            texts.push_number(seconds);
        }
    }
    insert(&STATE, texts.value(), headers);
}

fn begin(index: usize, name: &str, parameter: &str, number: u64, texts: &mut HeaderTexts) {
    if index > 0 {
        texts.push(", ");
    }
    texts.push(name);
    texts.push(parameter);
    texts.push_number(number.min(INTEGER_MAX));
}

fn insert(name: &HeaderName, value: Option<HeaderValue>, headers: &mut HeaderMap) {
    if let Some(value) = value {
        headers.insert(name.clone(), value);
    }
}

/// Seconds until there is more again, rounded up; nothing where nothing is used.
fn more_in(quota: &QuotaSnapshot, retry_after: Option<u64>) -> Option<u64> {
    let seconds = u64::try_from(quota.next.as_micros().div_ceil(1_000_000)).ok().filter(|s| *s > 0)?;
    Some(seconds.min(retry_after.unwrap_or(seconds)))
}
