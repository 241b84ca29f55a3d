//! What a request cost, as headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::Charged;

static USED_MODEL: HeaderName = HeaderName::from_static("x-used-model");
static TOKENS_USED: HeaderName = HeaderName::from_static("x-tokens-used");
static COST_USD: HeaderName = HeaderName::from_static("x-cost-usd");

pub(crate) fn write_charged(charged: &Charged, headers: &mut HeaderMap) {
    headers.insert(TOKENS_USED.clone(), HeaderValue::from(charged.usage.total));
    // Digits and a point: always a header's value.
    if let Ok(cost) = HeaderValue::try_from(charged.cost.to_string()) {
        headers.insert(COST_USD.clone(), cost);
    }
}

/// A name that no header can hold is left out.
pub(crate) fn write_used_model(upstream_model: &str, headers: &mut HeaderMap) {
    if let Ok(model) = HeaderValue::from_str(upstream_model) {
        headers.insert(USED_MODEL.clone(), model);
    }
}
