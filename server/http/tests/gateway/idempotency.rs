//! `Idempotency-Key`: one call, however often it is asked for.

use std::sync::atomic::Ordering::SeqCst;

use crate::support::gateway::start;
use crate::support::{request, send};

fn keyed(key: &str, model: &str, stream: bool) -> Vec<u8> {
    let body =
        format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#);
    let header = format!("Idempotency-Key: {key}");
    request("POST", "/v1/chat/completions", &["Content-Type: application/json", &header], body)
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_runs_once() {
    for stream in [false, true] {
        let gateway = start().await;
        let first = send(gateway.address, &keyed("k", "plain", stream)).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
        for _ in 0..3 {
            let again = send(gateway.address, &keyed("k", "plain", stream)).await;
            assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{stream}");
            assert_eq!(again.body, first.body);
            for header in ["content-type", "x-cost-usd", "x-used-model"] {
                assert_eq!(again.header(header), first.header(header), "{header}");
            }
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "it is another request");
        }
        assert_eq!(gateway.calls.load(SeqCst), 1, "{stream}");
        let other = send(gateway.address, &keyed("k2", "plain", stream)).await;
        assert_eq!((other.status, other.header("idempotent-replayed")), (200, None));
        assert_eq!(gateway.calls.load(SeqCst), 2);
    }
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let gateway = start().await;
    send(gateway.address, &keyed("k", "plain", false)).await;
    let other = send(gateway.address, &keyed("k", "plain", true)).await;
    assert_eq!((other.status, other.code().as_str()), (409, "idempotency_key_reused"));
    assert_eq!(other.header("x-should-retry"), Some("false"));
    assert_eq!(gateway.calls.load(SeqCst), 1);
}

#[tokio::test]
async fn a_twin_of_a_running_request_is_told_to_come_back() {
    let mut gateway = start().await;
    let address = gateway.address;
    let first = tokio::spawn(async move { send(address, &keyed("k", "gated", true)).await });
    gateway.notes.recv().await.unwrap();
    let twin = send(gateway.address, &keyed("k", "gated", true)).await;
    assert_eq!((twin.status, twin.code().as_str()), (409, "idempotency_key_in_use"));
    assert_eq!(twin.header("retry-after-ms"), Some("1000"));
    first.abort();
}

#[tokio::test]
async fn what_failed_runs_again() {
    for (model, stream, status) in [("rejected", false, 400), ("down", false, 502), ("broken", true, 200)] {
        let gateway = start().await;
        for _ in 0..2 {
            let answer = send(gateway.address, &keyed("k", model, stream)).await;
            assert_eq!((answer.status, answer.header("idempotent-replayed")), (status, None), "{model}");
        }
        assert_eq!(gateway.calls.load(SeqCst), 2, "{model}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused() {
    let gateway = start().await;
    let answer = send(gateway.address, &keyed(&"x".repeat(256), "plain", false)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"));
}
