//! How far a caller's limits are used up, on every answer to a caller that is known.
//!
//! Three spellings of the same numbers, always of the tightest limit: our own (`X-RateLimit-Limit-RPM`), OpenAI's
//! ([`openai`]) and the IETF's ([`ietf`]). Where the gateway has no limit of its own, a provider's are passed on in
//! OpenAI's spelling; where it has, they would only confuse.

mod ietf;
mod openai;

use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::limits::QuotaSnapshot;
use novai_core::{Gateway, LimitSnapshot, Principal, RateLimitSnapshot, WindowSnapshot};

use crate::access_log::Trail;

static LIMIT_RPM: HeaderName = HeaderName::from_static("x-ratelimit-limit-rpm");
static REMAINING_RPM: HeaderName = HeaderName::from_static("x-ratelimit-remaining-rpm");
static LIMIT_TPM: HeaderName = HeaderName::from_static("x-ratelimit-limit-tpm");
static REMAINING_TPM: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tpm");
static DEGRADED: HeaderName = HeaderName::from_static("x-ratelimit-degraded");

/// What a provider said about its limits.
pub(crate) fn write_upstream(snapshot: &RateLimitSnapshot, headers: &mut HeaderMap) {
    openai::requests(&snapshot.requests, headers);
    openai::tokens(&snapshot.tokens, headers);
}

/// Writes the caller's limits: as the operation left them in the response's extensions, or else as they stand now.
pub(crate) async fn decorate<B>(
    gateway: &Gateway,
    principal: &Principal,
    trail: &Trail,
    response: &mut Response<B>,
) {
    let snapshot = match response.extensions_mut().remove::<LimitSnapshot>() {
        Some(snapshot) => snapshot,
        None => {
            let model = trail.facts().model.clone();
            gateway.limits(principal, model.as_deref()).await
        }
    };
    write(&snapshot, response.headers_mut());
    trail.facts().limits = Some(snapshot);
}

/// These here, and a few that are there or will be.
const HEADERS_LIKELY: usize = 20;

fn write(snapshot: &LimitSnapshot, headers: &mut HeaderMap) {
    if snapshot.requests.is_some() || snapshot.tokens.is_some() {
        // At once: every doubling would hash all names again.
        headers.reserve(HEADERS_LIKELY.saturating_sub(headers.len()));
    }
    if let Some(quota) = &snapshot.requests {
        headers.insert(LIMIT_RPM.clone(), HeaderValue::from(quota.limit));
        headers.insert(REMAINING_RPM.clone(), HeaderValue::from(quota.remaining));
        openai::requests(&window(quota), headers);
    }
    if let Some(quota) = &snapshot.tokens {
        headers.insert(LIMIT_TPM.clone(), HeaderValue::from(quota.limit));
        headers.insert(REMAINING_TPM.clone(), HeaderValue::from(quota.remaining));
        openai::tokens(&window(quota), headers);
    }
    ietf::write(snapshot, headers);
    if snapshot.is_degraded {
        headers.insert(DEGRADED.clone(), HeaderValue::from_static("true"));
    }
}

/// In decimal. The formatting machinery would be half of what these headers cost.
fn push(text: &mut String, number: u64) {
    text.push_str(itoa::Buffer::new().format(number));
}

fn window(quota: &QuotaSnapshot) -> WindowSnapshot {
    WindowSnapshot { limit: Some(quota.limit), remaining: Some(quota.remaining), reset: Some(quota.reset) }
}

#[cfg(test)]
mod tests;
