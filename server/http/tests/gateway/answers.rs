//! What well-formed requests get.

use crate::support::client::chat_to;
use crate::support::gateway::start;
use crate::support::{GOOD_KEY, request, send};

#[tokio::test]
async fn a_completion_is_the_providers_json_with_our_headers() {
    let gateway = start().await;
    let answer = send(gateway.address, &chat_to("plain", false)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, r#"{"id":"c1","object":"chat.completion","choices":[]}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("59"));
    assert_eq!(answer.header("x-ratelimit-reset-requests"), Some("1s"));
    // 4 tokens at $1.00, 3 cached at $0.10 and 2 at $2.00 per million.
    assert_eq!(answer.header("x-tokens-used"), Some("9"));
    assert_eq!(answer.header("x-cost-usd"), Some("0.0000083"));
    assert_eq!(answer.header("x-used-model"), Some("plain"));
    assert!(answer.header("x-request-id").unwrap().len() == 36);
    assert_eq!(answer.header("server"), None);
}

#[tokio::test]
async fn models_are_listed_and_told_one_by_one() {
    let gateway = start().await;
    let list = send(gateway.address, &request("GET", "/v1/models", &[], "")).await;
    assert_eq!(list.status, 200);
    assert_eq!(list.json()["object"], "list");
    assert_eq!(
        list.json()["data"][0],
        serde_json::json!({"id": "plain", "object": "model", "created": 1_700_000_000, "owned_by": "fake",
            "pricing": {"input": "1", "cached_input": "0.1", "output": "2"}})
    );
    let one = send(gateway.address, &request("GET", "/v1/models/org%2Fwith-slash", &[], "")).await;
    assert_eq!((one.status, one.json()["id"].as_str()), (200, Some("org/with-slash")));
    let none = send(gateway.address, &request("GET", "/v1/models/nope", &[], "")).await;
    assert_eq!((none.status, none.code().as_str()), (404, "model_not_found"));
}

#[tokio::test]
async fn probes_need_no_key_and_answer_at_the_root_too() {
    let gateway = start().await;
    for path in ["/health", "/v1/health", "/ready", "/v1/ready"] {
        let answer = send(gateway.address, &request("GET", path, &["Authorization: none"], "")).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(GOOD_KEY) && answer.body.len() < 100, "{}", answer.body);
    }
    let health = send(gateway.address, &request("GET", "/health", &[], "")).await.json();
    assert_eq!(health["status"], "ok");
}

#[tokio::test]
async fn a_providers_failure_has_its_own_status_streamed_or_not() {
    let gateway = start().await;
    // (model, status, type, code, message)
    let cases = [
        ("rejected", 400, "invalid_request_error", "context_length_exceeded", "too long"),
        ("limited", 429, "rate_limit_error", "rate_limit_exceeded", "provider fake is rate limited"),
        ("down", 502, "upstream_error", "provider_unavailable", "provider fake is unavailable"),
    ];
    for stream in [false, true] {
        for (model, status, kind, code, message) in cases {
            let answer = send(gateway.address, &chat_to(model, stream)).await;
            let error = &answer.json()["error"];
            assert_eq!(answer.status, status, "{model}");
            assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some(kind), Some(code)));
            assert_eq!(error["message"], message, "and nothing of the cause");
        }
        let limited = send(gateway.address, &chat_to("limited", stream)).await;
        assert_eq!(limited.header("retry-after"), Some("2"), "rounded up");
        assert_eq!(limited.header("retry-after-ms"), Some("1500"));
        assert_eq!(limited.header("x-ratelimit-limit-requests"), Some("60"));
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_gateway_lives_on() {
    let gateway = start().await;
    for _ in 0..40 {
        let answer = send(gateway.address, &chat_to("panic", false)).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal_error"));
        assert!(!answer.body.contains("on purpose"));
    }
    assert_eq!(send(gateway.address, &chat_to("plain", false)).await.status, 200);
}

#[tokio::test]
async fn head_and_options_are_answered() {
    let gateway = start().await;
    let get = send(gateway.address, &request("GET", "/v1/models", &[], "")).await;
    let head = send(gateway.address, &request("HEAD", "/v1/models", &[], "")).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));

    // (path, status, Allow)
    let cases = [
        ("/v1/models", 204, Some("GET, HEAD, OPTIONS")),
        ("/v1/chat/completions", 204, Some("OPTIONS, POST")),
        ("/health", 204, Some("GET, HEAD, OPTIONS")),
        ("*", 204, Some("GET, HEAD, OPTIONS, POST")),
        ("/nope", 404, None),
        ("/models", 404, None),
    ];
    for (path, status, allow) in cases {
        let answer = send(gateway.address, &request("OPTIONS", path, &["Authorization: none"], "")).await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{path}");
    }
}

#[tokio::test]
async fn request_ids_are_kept_if_harmless() {
    let gateway = start().await;
    let kept = send(gateway.address, &request("GET", "/health", &["X-Request-Id: my-id_1.2"], "")).await;
    assert_eq!(kept.header("x-request-id"), Some("my-id_1.2"));
    let made = send(gateway.address, &request("GET", "/nope", &["X-Request-Id: a b"], "")).await;
    assert!(made.header("x-request-id").unwrap().len() == 36, "errors have one too");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    use crate::support::client::read_until;
    use tokio::io::AsyncWriteExt;

    let gateway = start().await;
    let mut socket = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let ask = |model, stream| {
        String::from_utf8(chat_to(model, stream)).unwrap().replace("Connection: close\r\n", "")
    };
    for _ in 0..20 {
        socket.write_all(ask("plain", false).as_bytes()).await.unwrap();
        read_until(&mut socket, "\"choices\":[]}").await;
        socket.write_all(ask("plain", true).as_bytes()).await.unwrap();
        read_until(&mut socket, "0\r\n\r\n").await;
    }
}
