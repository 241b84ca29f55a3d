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
use crate::header_texts::HeaderTexts;

static LIMIT_RPM: HeaderName = HeaderName::from_static("x-ratelimit-limit-rpm");
static REMAINING_RPM: HeaderName = HeaderName::from_static("x-ratelimit-remaining-rpm");
static LIMIT_TPM: HeaderName = HeaderName::from_static("x-ratelimit-limit-tpm");
static REMAINING_TPM: HeaderName = HeaderName::from_static("x-ratelimit-remaining-tpm");
static DEGRADED: HeaderName = HeaderName::from_static("x-ratelimit-degraded");

/// What a provider said about its limits.
pub(crate) fn write_upstream(snapshot: &RateLimitSnapshot, headers: &mut HeaderMap) {
    let mut texts = HeaderTexts::default();
    openai::requests(Window::of(&snapshot.requests, &mut texts), headers);
    openai::tokens(Window::of(&snapshot.tokens, &mut texts), headers);
}

/// Writes the caller's limits: as the operation left them in the trail, as a problem brings them along in the response's
/// extensions, or else as they stand now.
pub(crate) async fn decorate<B>(
    gateway: &Gateway,
    principal: &Principal,
    trail: &Trail,
    response: &mut Response<B>,
) {
    let told = response.extensions_mut().remove::<LimitSnapshot>().or_else(|| trail.facts().limits);
    let snapshot = match told {
        Some(snapshot) => snapshot,
        None => {
            let model = trail.facts().model.clone();
            gateway.limits(principal, model.as_deref()).await
        }
    };
    write(&snapshot, response.headers_mut());
    trail.facts().limits = Some(snapshot);
}

/// All values of one answer together, with six-digit limits.
const VALUES_BYTES_LIKELY: usize = 192;

fn write(snapshot: &LimitSnapshot, headers: &mut HeaderMap) {
    if snapshot.requests.is_none() && snapshot.tokens.is_none() {
        return degraded(snapshot, headers);
    }
    let mut texts = HeaderTexts::with_capacity(VALUES_BYTES_LIKELY);
    if let Some(quota) = &snapshot.requests {
        let window = Window::of(&known(quota), &mut texts);
        window.write_own(&LIMIT_RPM, &REMAINING_RPM, headers);
        openai::requests(window, headers);
    }
    if let Some(quota) = &snapshot.tokens {
        let window = Window::of(&known(quota), &mut texts);
        window.write_own(&LIMIT_TPM, &REMAINING_TPM, headers);
        openai::tokens(window, headers);
    }
    ietf::write(snapshot, &mut texts, headers);
    degraded(snapshot, headers);
}

fn degraded(snapshot: &LimitSnapshot, headers: &mut HeaderMap) {
    if snapshot.is_degraded {
        headers.insert(DEGRADED.clone(), HeaderValue::from_static("true"));
    }
}

fn known(quota: &QuotaSnapshot) -> WindowSnapshot {
    WindowSnapshot { limit: Some(quota.limit), remaining: Some(quota.remaining), reset: Some(quota.reset) }
}

/// One window's values, which several headers share.
struct Window {
    limit: Option<HeaderValue>,
    remaining: Option<HeaderValue>,
    reset: Option<HeaderValue>,
}

impl Window {
    fn of(seen: &WindowSnapshot, texts: &mut HeaderTexts) -> Self {
        Window {
            limit: seen.limit.and_then(|limit| texts.number(limit)),
            remaining: seen.remaining.and_then(|remaining| texts.number(remaining)),
            reset: seen.reset.and_then(|reset| openai::duration(reset, texts)),
        }
    }

    fn write_own(&self, limit: &HeaderName, remaining: &HeaderName, headers: &mut HeaderMap) {
        for (name, value) in [(limit, &self.limit), (remaining, &self.remaining)] {
            if let Some(value) = value {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
