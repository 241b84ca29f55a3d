use serde_json::{Value, json};

use super::*;
use crate::client::testing::answer;
use crate::shared;

const JSON_TYPE: &str = "content-type: application/json\r\n";

async fn complete(status: &str, headers: &str, body: &str) -> (Result<Completion, Error>, String) {
    let (provider, mut upstream) = provider();
    tokio::join!(provider.complete(chat(false)), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer(status, &format!("{JSON_TYPE}{headers}"), body)).await;
        request
    })
}

#[tokio::test]
async fn a_message_is_a_completion() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "a", "citations": null},
            {"type": "text", "text": "b", "citations": [{"type": "page_location", "document_index": 0, "start_page_number": 2}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": [1]}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7},
    });
    let (answered, request) = complete("200 OK", "request-id: req_up\r\nanthropic-ratelimit-tokens-limit: 10\r\nanthropic-ratelimit-tokens-reset: 2026-08-19T14:34:11Z\r\n", &body.to_string()).await;
    assert!(request.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{request}");
    for header in ["x-api-key: sk-ant-secret", "anthropic-version: 2023-06-01", "accept: application/json"] {
        assert!(request.contains(header), "{header} is missing: {request}");
    }
    let completion = answered.unwrap();
    let json: Value = serde_json::from_slice(&completion.json).unwrap();
    assert_eq!(
        json,
        json!({
            "id": "msg_1", "object": "chat.completion", "created": NOW.as_secs(), "model": "claude-x-1",
            "choices": [{
                "index": 0, "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant", "content": "ab", "reasoning_content": "hm",
                    "annotations": [{
                        "type": "anthropic_citation", "start_index": 1, "end_index": 1,
                        "anthropic_citation": {"type": "page_location", "document_index": 0, "start_page_number": 2},
                    }],
                    "reasoning_details": [
                        {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "hm", "signature": "sig"},
                        {"type": "reasoning.encrypted", "index": 1, "format": "anthropic-claude-v1", "data": "d"},
                    ],
                    "tool_calls": [{"type": "function", "id": "t", "function": {"name": "f", "arguments": "{\"x\":[1]}"}}],
                },
            }],
            "usage": {
                "prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17,
                "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
            },
        })
    );
    assert_eq!(completion.usage.unwrap().cached_prompt, 3);
    assert_eq!(completion.meta.upstream_request_id.as_deref(), Some("req_up"));
    let tokens = completion.meta.limits.unwrap().tokens;
    assert_eq!((tokens.limit, tokens.reset), (Some(10), Some(Duration::from_secs(10))));
}

#[tokio::test]
async fn errors_find_their_reaction() {
    let error =
        |kind: &str| format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"no {KEY}"}}}}"#);
    for (status, kind, expected) in [
        ("400 Bad Request", "invalid_request_error", "rejected Invalid: no …"),
        ("401 Unauthorized", "authentication_error", "auth"),
        ("403 Forbidden", "permission_error", "auth"),
        ("404 Not Found", "not_found_error", "rejected NotFound: no …"),
        ("413 Payload Too Large", "request_too_large", "rejected TooLarge: no …"),
        ("429 Too Many Requests", "rate_limit_error", "limited 7 s, of 10"),
        ("500 Internal Server Error", "api_error", "unavailable"),
        ("529 Overloaded", "overloaded_error", "unavailable"),
    ] {
        let headers = "retry-after: 7\r\nanthropic-ratelimit-requests-limit: 10\r\n";
        let (answered, _) = complete(status, headers, &error(kind)).await;
        let summary = match answered.unwrap_err() {
            Error::ProviderRejected { rejection, .. } => {
                format!("rejected {:?}: {}", rejection.reason, rejection.message)
            }
            Error::ProviderAuth { .. } => "auth".into(),
            Error::ProviderUnavailable { .. } => "unavailable".into(),
            Error::ProviderRateLimited { retry_after, limits, .. } => {
                format!(
                    "limited {} s, of {}",
                    retry_after.unwrap().as_secs(),
                    limits.unwrap().requests.limit.unwrap()
                )
            }
            other => format!("{other:?}"),
        };
        assert_eq!(summary, expected, "{status}");
    }
}

#[tokio::test]
async fn recorded_errors() {
    for (path, status, is_auth) in [
        ("fixtures/anthropic/error_401.json", "401 Unauthorized", true),
        ("fixtures/anthropic/error_400_prompt_too_long.json", "400 Bad Request", false),
    ] {
        let Some(body) = shared::bytes(path) else { return };
        let (answered, _) = complete(status, "", std::str::from_utf8(&body).unwrap()).await;
        match (is_auth, answered.unwrap_err()) {
            (true, Error::ProviderAuth { .. }) => {}
            (false, Error::ProviderRejected { rejection, .. }) => {
                assert_eq!(rejection.message, "prompt is too long: 3333404 tokens > 200000 maximum");
            }
            (_, other) => panic!("{path}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_message_is_out_of_contract() {
    for body in [
        "",
        "{",
        "[]",
        r#"{"id":"m"}"#,
        r#"{"id":"m","model":"x","content":[{"type":"novelty"}],"stop_reason":"end_turn"}"#,
    ] {
        let (answered, _) = complete("200 OK", "", body).await;
        assert!(matches!(answered, Err(Error::ProviderMalformed { .. })), "{body}: {answered:?}");
    }
}

#[tokio::test]
async fn models_are_listed() {
    let (provider, mut upstream) = provider();
    let body = r#"{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"1970-01-01T00:01:00Z"},{"id":""}],"has_more":false}"#;
    let (models, request) = tokio::join!(provider.models(), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        peer.send(answer("200 OK", JSON_TYPE, body)).await;
        request
    });
    assert!(request.starts_with("GET /v1/models?limit=1000 HTTP/1.1"), "{request}");
    let expected = UpstreamModel { id: "claude-x".into(), created: 60, owned_by: "anthropic".into() };
    assert_eq!(models.unwrap(), [expected]);
}
