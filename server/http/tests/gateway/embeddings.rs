//! `POST /embeddings`: what it has in common with chats, and what is its own.

use std::sync::atomic::Ordering::SeqCst;

use novai_core::LimitSpec;
use novai_core::limits::{LimitPolicy, Limits, Rule};

use crate::support::gateway::start;
use crate::support::{Setup, request, send};

fn embed(model: &str, input: &str, headers: &[&str]) -> Vec<u8> {
    let body = format!(r#"{{"model":"{model}","input":{input}}}"#);
    request("POST", "/v1/embeddings", &[&["Content-Type: application/json"], headers].concat(), body)
}

#[tokio::test]
async fn answers_are_charged_told_and_logged_like_any_other() {
    let gateway = start().await;
    // Three tokens, and two that models put around them.
    let answer = send(gateway.address, &embed("embed", "[1,2,3]", &[])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // What the provider did not count is told as it is charged.
    assert_eq!(
        answer.body,
        r#"{"object":"list","data":[],"model":"e","usage":{"prompt_tokens":5,"total_tokens":5}}"#
    );
    for (header, value) in [
        ("content-type", "application/json"),
        ("x-tokens-used", "5"),
        ("x-cost-usd", "0.000005"),
        ("x-used-model", "embed"),
        ("x-ratelimit-remaining-requests", "59"),
    ] {
        assert_eq!(answer.header(header), Some(value), "{header}");
    }
    let lines = gateway.stop().await;
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    for (member, value) in [
        ("route", "/v1/embeddings".into()),
        ("model", "embed".into()),
        ("provider", "fake".into()),
        ("outcome", "ok".into()),
        ("prompt_tokens", 5.into()),
        ("cost_usd", "0.000005".into()),
        ("upstream_request_id", serde_json::Value::from("up_1")),
    ] {
        assert_eq!(line[member], value, "{member} in {line}");
    }
}

#[tokio::test]
async fn a_model_that_only_chats_is_refused_with_those_that_do_not() {
    let gateway = start().await;
    let refused = send(gateway.address, &embed("plain", "\"hi\"", &[])).await;
    let error = &refused.json()["error"];
    assert_eq!((refused.status, error["param"].as_str()), (400, Some("model")), "{error}");
    assert_eq!(error["message"], "the model plain makes no embeddings; models that do: embed");
    assert_eq!(gateway.calls.load(SeqCst), 0);
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer() {
    let gateway = start().await;
    let keyed = |input: &str| embed("embed", input, &["Idempotency-Key: k"]);
    let first = send(gateway.address, &keyed("\"a\"")).await;
    let again = send(gateway.address, &keyed("\"a\"")).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")));
    assert_eq!(again.body, first.body);
    let other = send(gateway.address, &keyed("\"b\"")).await;
    assert_eq!((other.status, other.code().as_str()), (409, "idempotency_key_reused"));
    assert_eq!(gateway.calls.load(SeqCst), 1);
}

#[tokio::test]
async fn tokens_count_against_the_limit() {
    let spec = LimitSpec { tpm: Some(12), ..LimitSpec::default() };
    let policy = LimitPolicy { global: Rule { spec, ..Rule::default() }, ..LimitPolicy::default() };
    let setup = Setup { rate_limits: Some(Limits::in_process(policy)), ..Setup::default() };
    let gateway = setup.start().await;
    for (input, status) in [("[1,2,3]", 200), ("[1,2,3]", 200), ("[1]", 429)] {
        let answer = send(gateway.address, &embed("embed", input, &[])).await;
        assert_eq!(answer.status, status, "{input}: {}", answer.body);
    }
    let never = send(gateway.address, &embed("embed", "[1,2,3,4,5,6,7,8,9,10,11]", &[])).await;
    assert_eq!((never.status, never.code().as_str()), (429, "larger_than_limit"));
}

#[tokio::test]
async fn too_many_inputs_and_empty_ones_are_named() {
    let gateway = start().await;
    let many = |count: usize, item: &str| format!("[{}]", vec![item; count].join(","));
    for (input, param, rule) in [
        (many(2049, "\"a\""), "input", "at most 2048 items"),
        (many(2049, "1"), "input", "at most 2048 items"),
        (many(2049, "[1]"), "input", "at most 2048 items"),
        (r#"["a",""]"#.to_owned(), "input[1]", "must not be empty"),
        (r#"[[1],[]]"#.to_owned(), "input[1]", "must not be empty"),
        (r#"["a",1]"#.to_owned(), "input", "a string or an array of strings, integers or arrays"),
    ] {
        let refused = send(gateway.address, &embed("embed", &input, &[])).await;
        let error = &refused.json()["error"];
        assert_eq!((refused.status, error["param"].as_str()), (400, Some(param)), "{error}");
        assert!(error["message"].as_str().unwrap().contains(rule), "{error}");
    }
    assert_eq!(gateway.calls.load(SeqCst), 0);
    let most = send(gateway.address, &embed("embed", &many(2048, "\"a\""), &[])).await;
    assert_eq!(most.status, 200);
}
