//! What a refused body is told: the field, the rule, and what came. Limits of size and time are `http`'s tests.

// A helper of tests may panic as they do.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use novai_api::body::{BodyError, decode};
use novai_types::{ChatCompletionRequest, Violation};

fn refused(body: impl Into<Bytes>) -> BodyError {
    let body = body.into();
    match decode::<ChatCompletionRequest>(body.clone()) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(&body)),
        Err(error) => error,
    }
}

#[track_caller]
fn invalid(body: &str) -> Violation {
    match refused(body.to_owned()) {
        BodyError::Invalid(violation) => violation,
        other => panic!("{other:?} for {body}"),
    }
}

#[test]
fn the_field_and_the_rule_are_named() {
    let message = |fields: &str| format!(r#"{{"model":"m","messages":[{{{fields}}}]}}"#);
    let with =
        |fields: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],{fields}}}"#);
    for (body, param, rule) in [
        ("{}".to_owned(), "model", "is required"),
        (r#"{"model":3,"messages":[]}"#.to_owned(), "model", "must be a string"),
        (r#"{"model":"m"}"#.to_owned(), "messages", "is required"),
        (r#"{"model":"m","messages":{}}"#.to_owned(), "messages", "must be an array"),
        (with(r#""temperature":"hot""#), "temperature", "must be a number"),
        (with(r#""temperature":99"#), "temperature", "must be at most 2"),
        (with(r#""max_tokens":-1"#), "max_tokens", "must be a whole number"),
        (r#"{"model":"m","messages":[3]}"#.to_owned(), "messages[0]", "must be an object"),
        ("[]".to_owned(), "", "must be an object"),
        (message(r#""role":"user""#), "messages[0].content", "is required"),
        (message(r#""role":"user","content":3"#), "messages[0].content", "must be a string or an array"),
        (message(r#""role":"critic""#), "messages[0].role", "must be one of"),
        // The tag last: what came before it was buffered, and its path is exact all the same.
        (
            message(r#""content":"a","tool_call_id":3,"role":"tool""#),
            "messages[0].tool_call_id",
            "must be a string",
        ),
        (
            message(r#""role":"user","content":[{"image_url":{"url":1},"type":"image_url"}]"#),
            "messages[0].content[0].image_url.url",
            "must be a string",
        ),
        (with(r#""tools":[{"type":"function","function":{}}]"#), "tools[0].function.name", "is required"),
        (r#"{"model":"m","model":"n","messages":[]}"#.to_owned(), "model", "must appear once"),
        (message(r#""role":"user","role":"system","content":"a""#), "messages[0].role", "must appear once"),
    ] {
        let violation = invalid(&body);
        assert_eq!(violation.param, param, "{violation:?} for {body}");
        assert!(violation.rule.contains(rule), "{violation:?} for {body}");
    }
}

#[test]
fn what_is_not_json_is_told_so() {
    let nested = format!(r#"{{"model":"m","messages":{}"#, "[".repeat(100_000));
    for body in [&b""[..], b"no", b"{\"model\":", b"{\"model\":\"\xff\"}", nested.as_bytes()] {
        let started = Instant::now();
        let error = refused(body.to_vec());
        assert!(matches!(error, BodyError::NotJson { .. }), "{error:?}");
        // Bounded by the parser's depth, not by the input's; the margin is for slow machines.
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_good_body_keeps_its_bytes() {
    let body =
        Bytes::from_static(br#"{ "model": "m", "messages": [{"role":"user","content":"a"}], "x": 1e2 }"#);
    let decoded = decode::<ChatCompletionRequest>(body.clone()).unwrap();
    assert_eq!(decoded.raw, body);
    assert_eq!(decoded.value.extra["x"], 100.0);
}
