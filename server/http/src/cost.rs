//! What a request cost, as headers.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use novai_core::Charged;

use crate::header_texts::HeaderTexts;

static USED_MODEL: HeaderName = HeaderName::from_static("x-used-model");
static TOKENS_USED: HeaderName = HeaderName::from_static("x-tokens-used");
static COST_USD: HeaderName = HeaderName::from_static("x-cost-usd");

pub(crate) fn write_charged(charged: &Charged, upstream_model: &str, headers: &mut HeaderMap) {
    let mut texts = HeaderTexts::with_capacity(64);
    insert(&TOKENS_USED, texts.number(charged.usage.total), headers);
    insert(&COST_USD, texts.text(charged.cost.text().as_str()), headers);
    insert(&USED_MODEL, texts.text(upstream_model), headers);
}

/// A name that no header can hold is left out.
pub(crate) fn write_used_model(upstream_model: &str, headers: &mut HeaderMap) {
    insert(&USED_MODEL, HeaderValue::from_str(upstream_model).ok(), headers);
}

fn insert(name: &HeaderName, value: Option<HeaderValue>, headers: &mut HeaderMap) {
    if let Some(value) = value {
        headers.insert(name.clone(), value);
    }
}
