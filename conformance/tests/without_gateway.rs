//! The runner against itself: the raw caller talks to the scripted upstream directly, with no gateway in between.
//!
//! That proves both ends of the wire before anything else is blamed: exact bytes, endings, counts, and that a wrong expectation
//! does fail.

// The permission for tests covers test functions, not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use novai_conformance::compare::{expectation, pattern};
use novai_conformance::observation;
use novai_conformance::scenario::load::parse_yaml;
use novai_conformance::scenario::model::CaseBody;
use novai_conformance::scenario::{Mode, Variation};
use novai_conformance::upstream::ScriptedUpstream;
use novai_conformance::upstream::script::Script;
use novai_conformance::wire::http::{self, Leave};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the case's script to a raw caller and returns what the runner would compare, and the differences.
async fn play(yaml: &str) -> (Value, Vec<String>) {
    let case: CaseBody = serde_json::from_value(parse_yaml(yaml).unwrap()).unwrap();
    let scripts: Vec<Script> =
        case.scripts().iter().map(|steps| Script::compile(steps, Variation::default()).unwrap()).collect();
    let expected = expectation::complete(&case, Mode::Server, scripts.last());
    let upstream = ScriptedUpstream::open(&case).await.unwrap();
    upstream.arm(&case, scripts, Vec::new());
    let request = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}";
    let leave = Leave { after_events: case.request.abandon_after_events, after: None };
    let answer = http::exchange(upstream.address, request, leave, PATIENCE).await.unwrap();
    let left_at = answer.abandoned_at;
    if left_at.is_some() {
        upstream.wait_until_left().await;
    }
    let mut observed = observation::of_answer(&answer);
    observed.insert("upstream".into(), observation::of_upstream(&upstream.seen(), left_at));
    let observed = Value::Object(observed);
    let paths =
        pattern::compare(&expected, Some(&observed)).into_iter().map(|mismatch| mismatch.path).collect();
    (observed, paths)
}

#[track_caller]
fn differs_at(outcome: (Value, Vec<String>), expected: &[&str]) {
    assert_eq!(outcome.1, expected, "{:#}", outcome.0);
}

#[tokio::test]
async fn a_stream_arrives_as_sent() {
    let yaml = "name: c\nrequest: {op: chat.stream}\nupstream: [{delta: He}, {comment: x}, {delta: llo}, {finish: stop}, done]\n\
                expect: {status: 200, events: as_sent, comments: [x], upstream: {connections: 1}}";
    differs_at(play(yaml).await, &[]);
}

#[tokio::test]
async fn a_missing_event_a_wrong_status_and_an_extra_event_show() {
    let yaml = "name: c\nrequest: {op: chat.stream}\nupstream: [{delta: He}, done]\nexpect: {status: 201, events: [He, llo]}";
    differs_at(play(yaml).await, &["status", "events[1]"]);
    let yaml = "name: c\nrequest: {op: chat.stream}\nupstream: [{delta: He}, {delta: llo}, done]\nexpect: {events: [He]}";
    differs_at(play(yaml).await, &["events[1]"]);
}

#[tokio::test]
async fn a_truncated_stream_is_not_taken_for_a_whole_one() {
    for ending in ["end", "close", "reset_connection"] {
        let yaml = format!(
            "name: c\nrequest: {{op: chat.stream}}\nupstream: [{{delta: He}}, {{delay_ms: 20}}, {ending}]\nexpect: {{events: [He]}}"
        );
        let (observed, paths) = play(&yaml).await;
        assert!(paths.contains(&"terminal".to_owned()), "{ending}: {paths:?}");
        assert_eq!(observed["body_complete"], json!(ending == "end"), "{ending}");
    }
}

#[tokio::test]
async fn an_unexpected_success_shows() {
    let yaml = "name: c\nrequest: {op: chat.create}\nupstream: [{answer: Hi}]\nexpect: {status: 429, error: {code: x}}";
    differs_at(play(yaml).await, &["status", "error"]);
}

#[tokio::test]
async fn an_unexpected_request_shows() {
    let yaml = "name: c\nrequest: {op: chat.create}\nexpect: {status: 501, error: {}}";
    differs_at(play(yaml).await, &["upstream.requests"]);
}

#[tokio::test]
async fn a_caller_that_leaves_is_noticed() {
    let yaml = "name: c\nrequest: {op: chat.stream, abandon_after_events: 1}\nupstream: [{delta: He}, stall]\n\
                expect: {events: [He], terminal: none, upstream: {left_early: true}}";
    let (observed, paths) = play(yaml).await;
    assert!(paths.is_empty(), "{paths:?}");
    assert!(observed["upstream"]["cancelled_after_ms"].is_u64(), "{observed:#}");
}

#[tokio::test]
async fn every_byte_of_a_json_body_is_counted() {
    let yaml = "name: c\nrequest: {op: chat.create}\n\
                upstream: [{respond: {status: 418, headers: {x-a: b}}}, {json: {error: {code: teapot}}}]\n\
                expect: {status: 418, headers: {x-a: b, content-length: '27'}, error: {code: teapot, status: 418}}";
    differs_at(play(yaml).await, &[]);
}
