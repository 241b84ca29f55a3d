//! One line per request, at its end, without content or keys.

use crate::support::client::{chat, chat_to};
use crate::support::gateway::start;
use crate::support::{GOOD_KEY, request, send};

#[tokio::test]
async fn each_request_leaves_one_line_with_its_facts() {
    let gateway = start().await;
    let requests: [(Vec<u8>, serde_json::Value); 8] = [
        (
            chat_to("plain", false),
            serde_json::json!({
                "method": "POST", "route": "/v1/chat/completions", "status": 200, "outcome": "ok", "model": "plain",
                "provider": "fake", "stream": false, "key_id": "key_1", "prompt_tokens": 7, "cached_tokens": 3,
                "completion_tokens": 2, "upstream_request_id": "up_1", "error_code": null, "bytes_sent": 51,
            }),
        ),
        (
            chat_to("plain", true),
            serde_json::json!({
                "status": 200, "outcome": "ok", "stream": true, "prompt_tokens": 7, "completion_tokens": 2, "events": 2,
            }),
        ),
        (
            chat_to("broken", true),
            serde_json::json!({"status": 200, "outcome": "failed", "error_code": "stream_broken", "events": 1}),
        ),
        (
            chat_to("down", true),
            serde_json::json!({"status": 502, "outcome": "failed", "error_code": "provider_unavailable"}),
        ),
        (
            chat_to("rejected", true),
            serde_json::json!({"status": 400, "outcome": "rejected", "stream": true, "error_code": "context_length_exceeded"}),
        ),
        (
            request("GET", "/v1/models/a%2Fb", &[], ""),
            serde_json::json!({"route": "/v1/models/{model}", "status": 404, "outcome": "rejected", "error_code": "model_not_found"}),
        ),
        (
            request("GET", "/nope", &[], ""),
            serde_json::json!({"route": null, "key_id": null, "status": 404, "error_code": "unknown_path"}),
        ),
        (
            request("GET", "/v1/models", &["Authorization: Bearer bad"], ""),
            serde_json::json!({"key_id": null, "status": 401, "outcome": "rejected", "error_code": "invalid_api_key"}),
        ),
    ];
    let mut expected = Vec::new();
    for (bytes, line) in requests {
        send(gateway.address, &bytes).await;
        expected.push(line);
    }
    let lines = gateway.stop().await;
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(&expected) {
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&line[field], value, "{field} of {line}");
        }
        assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(line["ttft_ms"].is_number(), line["events"].is_number(), "{line}");
    }
}

#[tokio::test]
async fn neither_content_nor_keys_are_in_it() {
    let gateway = start().await;
    let marked = r#"{"model":"plain","user":"MARK","messages":[{"role":"user","content":"MARK"}]}"#;
    send(gateway.address, &chat(marked)).await;
    send(gateway.address, &chat(&marked.replace("\"plain\"", "3"))).await;
    send(gateway.address, &request("GET", "/MARK?key=MARK", &["X-Request-Id: MARK MARK"], "")).await;
    let log = gateway.log.clone();
    gateway.stop().await;
    let text = log.text();
    assert!(!text.contains("MARK") && !text.contains(GOOD_KEY), "{text}");
    assert_eq!(text.lines().count(), 3);
}
