//! What one run showed, as JSON for [`crate::compare`]: the same keys in both modes, so that one expectation fits both.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::upstream::Seen;
use crate::wire::http::Answer;
use crate::wire::sse;

/// From the gateway's answer.
pub fn of_answer(answer: &Answer) -> Map<String, Value> {
    let mut observed = Map::new();
    let headers: Map<String, Value> =
        answer.headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
    observed.insert("status".into(), json!(answer.status));
    observed.insert("headers".into(), Value::Object(headers));
    observed.insert("body_complete".into(), json!(answer.complete));
    if answer.is_event_stream() {
        observe_stream(&mut observed, answer);
    } else {
        observed.insert("terminal".into(), json!("not a stream"));
        let body = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned()));
        if answer.status >= 400 {
            let mut error = body.get("error").and_then(Value::as_object).cloned().unwrap_or_default();
            error.insert("status".into(), json!(answer.status));
            error.insert("retry_after_ms".into(), json!(retry_after_ms(answer)));
            error.insert("events_received".into(), json!(0));
            observed.insert("error".into(), Value::Object(error));
            observed.insert("events".into(), json!([]));
        } else {
            observed.insert("result".into(), body.clone());
        }
        observed.insert("body".into(), body);
    }
    observed
}

fn retry_after_ms(answer: &Answer) -> Option<u64> {
    let exact = answer.header("retry-after-ms").and_then(|text| text.parse().ok());
    exact.or_else(|| answer.header("retry-after")?.parse::<u64>().ok().map(|seconds| seconds * 1000))
}

fn observe_stream(observed: &mut Map<String, Value>, answer: &Answer) {
    let decoded = sse::decode(&answer.body);
    let mut events = Vec::new();
    let mut terminals = Vec::new();
    let mut error = None;
    for event in &decoded.events {
        if event.data == "[DONE]" {
            terminals.push("done");
            continue;
        }
        let value: Value = serde_json::from_str(&event.data).unwrap_or_else(|_| json!(event.data));
        if let Some(body) = value.get("error").and_then(Value::as_object) {
            terminals.push("error");
            let mut body = body.clone();
            body.insert("events_received".into(), json!(events.len()));
            error = Some(body);
        } else if terminals.is_empty() {
            events.push(value);
        } else {
            terminals.push("more events");
        }
    }
    let terminal = if terminals.is_empty() { "none".to_owned() } else { terminals.join(", then ") };
    observed.insert("terminal".into(), json!(terminal));
    observed.insert("events".into(), json!(events));
    // Keep-alives come by the clock; counted apart, they cannot make an expectation about other comments flicker.
    let (keep_alives, comments): (Vec<String>, Vec<String>) =
        decoded.comments.into_iter().partition(|comment| comment == "keep-alive");
    observed.insert("comments".into(), json!(comments));
    observed.insert("keep_alives".into(), json!(keep_alives.len()));
    if let Some(error) = error {
        observed.insert("error".into(), Value::Object(error));
    }
}

/// What the scripted upstream saw. `caller_left_at` is the moment from which a cancellation is timed.
pub fn of_upstream(seen: &Seen, caller_left_at: Option<Instant>) -> Value {
    let with_key = |seen: &Seen| {
        seen.requests.iter().filter(|request| request.header("authorization").is_some()).count()
    };
    let fallback = |seen: &Seen| {
        json!({
            "requests": seen.requests.len(),
            "first": seen.requests.first().map(|request| request.to_json()),
        })
    };
    let elsewhere = seen.elsewhere.as_deref();
    let cancelled_after = match (seen.left_early_at, caller_left_at) {
        (Some(left), Some(from)) => Some(left.saturating_duration_since(from)),
        _ => None,
    };
    let gaps: Vec<u64> =
        seen.requests.windows(2).map(|pair| milliseconds(pair[1].at.duration_since(pair[0].at))).collect();
    json!({
        "requests": seen.requests.len(),
        "unscripted_requests": seen.unexpected,
        "connections": seen.connections(),
        "left_early": seen.left_early_at.is_some(),
        "cancelled_after_ms": cancelled_after.map(milliseconds),
        "gaps_ms": gaps,
        "first": seen.requests.first().map(|request| request.to_json()),
        "last": seen.requests.last().map(|request| request.to_json()),
        "idempotency_keys": distinct_idempotency_keys(seen),
        "fallbacks": seen.fallbacks.iter().map(fallback).collect::<Vec<Value>>(),
        "elsewhere": elsewhere.map(|seen| json!({ "requests": seen.requests.len(), "with_key": with_key(seen) })),
    })
}

/// One key over all attempts of a call is what makes a retried POST safe.
fn distinct_idempotency_keys(seen: &Seen) -> usize {
    let mut keys: Vec<&str> =
        seen.requests.iter().filter_map(|request| request.header("idempotency-key")).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.len()
}

pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(body: &str) -> Map<String, Value> {
        of_answer(&Answer {
            status: 200,
            headers: vec![("Content-Type".into(), "text/event-stream".into())],
            body: body.as_bytes().to_vec(),
            complete: true,
            abandoned_at: None,
        })
    }

    #[test]
    fn a_second_terminal_shows() {
        let observed = stream("data: {}\n\ndata: {\"error\":{\"code\":\"x\"}}\n\ndata: [DONE]\n\n");
        assert_eq!(observed["terminal"], "error, then done");
        assert_eq!(observed["error"], json!({"code": "x", "events_received": 1}));
    }

    #[test]
    fn an_error_body_carries_status_and_retry_after() {
        let observed = of_answer(&Answer {
            status: 429,
            headers: vec![("Retry-After".into(), "2".into())],
            body: br#"{"error":{"code":"rate_limit_exceeded"}}"#.to_vec(),
            complete: true,
            abandoned_at: None,
        });
        assert_eq!(observed["error"]["retry_after_ms"], 2000);
        assert_eq!(observed["error"]["code"], "rate_limit_exceeded");
    }
}
