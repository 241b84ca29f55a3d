//! Answers that are one JSON document.

use super::*;
use crate::client::testing::answer;

/// One `complete` against one scripted answer; also what was sent.
async fn complete(reply: String) -> (Result<Completion, Error>, String) {
    let (provider, mut upstream) = provider();
    tokio::join!(provider.complete(chat(false)), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(reply).await;
        request
    })
}

const JSON_TYPE: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn the_request_on_the_wire() {
    let (completion, request) = complete(answer("200 OK", JSON_TYPE, r#"{"choices":[{}]}"#)).await;
    completion.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /v1/chat/completions HTTP/1.1");
    lines.sort_unstable();
    let user_agent = concat!("user-agent: novai/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "accept-encoding: identity",
            "accept: application/json",
            "authorization: Bearer sk-upstream-secret",
            "content-length: 72",
            "content-type: application/json",
            "host: upstream.test:9200",
            user_agent,
            "x-client-request-id: req-1",
        ]
    );
    assert_eq!(body, r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":false}"#);
}

#[tokio::test]
async fn a_completion_passes_through_with_its_facts() {
    let json = "{ \"id\" : \"x\",\n \"choices\":[{\"index\":0}], \"new\":[1],
        \"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5} }";
    let headers = format!("{JSON_TYPE}x-request-id: abc\r\nx-ratelimit-remaining-requests: 7\r\n");
    let (completion, _) = complete(answer("200 OK", &headers, json)).await;
    let completion = completion.unwrap();
    assert_eq!(completion.json, json);
    assert_eq!(completion.usage.unwrap().total, 5);
    assert_eq!(completion.meta.upstream_request_id.as_deref(), Some("abc"));
    assert_eq!(completion.meta.limits.unwrap().requests.remaining, Some(7));
}

#[tokio::test]
async fn answers_out_of_contract() {
    for (name, reply, expected) in [
        ("a page", answer("200 OK", "content-type: text/html\r\n", "<html>"), "its content type is not JSON"),
        ("no type", answer("200 OK", "", "{}"), "its content type is not JSON"),
        (
            "packed",
            answer("200 OK", &format!("{JSON_TYPE}content-encoding: gzip\r\n"), "\u{1f}"),
            "its answer is compressed",
        ),
        ("a list", answer("200 OK", JSON_TYPE, "[]"), "something else than a JSON object"),
        ("half", answer("200 OK", JSON_TYPE, "{\"choices\":[{}"), "invalid JSON"),
        (
            "bad text",
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{\"\u{7f}".into(),
            "invalid JSON",
        ),
        ("a redirect", answer("307 Moved", "location: http://evil.test/\r\n", ""), "it redirects (HTTP 307)"),
        ("not HTTP", "hello\r\n\r\n".into(), "it does not speak HTTP/1.1"),
    ] {
        match complete(reply).await.0 {
            Err(Error::ProviderMalformed { provider, reason }) => {
                assert_eq!(provider, "up");
                assert!(reason.contains(expected), "{name}: {reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_error_in_a_200_is_an_error() {
    let body = r#"{"error":{"message":"filtered","status":400,"code":"content_filter"}}"#;
    let (refused, _) = complete(answer("200 OK", JSON_TYPE, body)).await;
    assert!(matches!(refused, Err(Error::ProviderRejected { .. })), "{refused:?}");
    // Beside choices it is the answer's own business.
    let body = r#"{"choices":[{}],"error":{"message":"moderation was skipped"}}"#;
    assert!(complete(answer("200 OK", JSON_TYPE, body)).await.0.is_ok());
}

#[tokio::test]
async fn too_large_an_answer() {
    let (provider, mut upstream) = provider_with(|config| config.response_bytes_max = 20);
    let (refused, ()) = tokio::join!(provider.complete(chat(false)), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, &format!("{{\"a\":\"{}\"}}", "x".repeat(20)))).await;
    });
    assert!(matches!(refused, Err(Error::ProviderMalformed { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_dead_upstream_is_unavailable() {
    let (provider, upstream) = provider();
    drop(upstream);
    let refused = provider.complete(chat(false)).await;
    assert!(matches!(refused, Err(Error::ProviderUnavailable { .. })), "{refused:?}");
}

#[tokio::test]
async fn models_are_listed() {
    let (provider, mut upstream) = provider();
    let (models, request) = tokio::join!(provider.models(), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, r#"{"data":[{"id":"a"}]}"#)).await;
        request
    });
    assert_eq!(models.unwrap()[0].id, "a");
    assert!(request.starts_with("GET /v1/models HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer"), "{request}");
    assert!(!request.contains("content-length"), "{request}");
}

#[test]
fn configuration_errors_keep_secrets() {
    let config = |base_url: &str| Config::new(upstream::Config::new("up", base_url));
    let mut broken = config("https://api.openai.com/v1");
    broken.upstream.api_key = Some("secret\n".into());
    assert!(!format!("{broken:?}").contains("secret"));
    let error = OpenAi::new(broken).err().expect("a key with a line break");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(OpenAi::new(config("nonsense")).is_err());
    assert!(OpenAi::new(config("https://api.openai.com/v1")).is_ok());
}
