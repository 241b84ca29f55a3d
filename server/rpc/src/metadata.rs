//! What goes along with every call beside its message: the request's id and its deadline.

use std::sync::Arc;
use std::time::Duration;

use novai_core::TraceContext;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

const REQUEST_ID: &str = "x-request-id";
const TRACEPARENT: &str = "traceparent";
const TIMEOUT: &str = "grpc-timeout";

/// As long as the longest that a gateway takes from a caller, twice.
const REQUEST_ID_BYTES_MAX: usize = 128;

pub(crate) fn write_request_id(metadata: &mut MetadataMap, request_id: &str) {
    // Ours are harmless; another that cannot be sent is left out.
    if let Ok(value) = MetadataValue::<Ascii>::try_from(request_id) {
        metadata.insert(REQUEST_ID, value);
    }
}

pub(crate) fn write_trace(metadata: &mut MetadataMap, trace: Option<TraceContext>) {
    if let Some(value) = trace.and_then(|trace| MetadataValue::<Ascii>::try_from(trace.to_string()).ok()) {
        metadata.insert(TRACEPARENT, value);
    }
}

/// Of the gateway, which alone decides who joins whose trace.
pub(crate) fn trace(metadata: &MetadataMap) -> Option<TraceContext> {
    TraceContext::parse(metadata.get(TRACEPARENT)?.to_str().ok()?)
}

/// Empty where there is none that could stand in a log.
pub(crate) fn request_id(metadata: &MetadataMap) -> Arc<str> {
    let id = metadata.get(REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_harmless = id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    Arc::from(if is_harmless { id } else { "" })
}

/// The time that a client gives the whole call. One that cannot be read is none.
pub(crate) fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        let cases = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("100m", Some(Duration::from_millis(100))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("100000000m", None),
            ("m", None),
            ("", None),
            ("1", None),
            ("-1m", None),
            ("1.5S", None),
            ("1x", None),
        ];
        for (text, expected) in cases {
            let mut metadata = MetadataMap::new();
            metadata.insert(TIMEOUT, text.parse().unwrap());
            assert_eq!(timeout(&metadata), expected, "{text:?}");
        }
        assert_eq!(timeout(&MetadataMap::new()), None);
    }

    #[test]
    fn request_ids() {
        let long = "x".repeat(REQUEST_ID_BYTES_MAX + 1);
        for (sent, expected) in [("abc-1", "abc-1"), ("a b", ""), (long.as_str(), ""), ("", "")] {
            let mut metadata = MetadataMap::new();
            write_request_id(&mut metadata, sent);
            assert_eq!(&*request_id(&metadata), expected, "{sent:?}");
        }
        assert_eq!(&*request_id(&MetadataMap::new()), "");
    }
}
