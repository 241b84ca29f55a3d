//! Issue "Bad input": each ends in its own 4xx, with our error shape.

use crate::support::client::{chat, chat_to};
use crate::support::gateway::start;
use crate::support::{Setup, request, send};

const JSON: &[&str] = &["Content-Type: application/json"];

#[tokio::test]
async fn bodies_name_the_field_and_the_rule() {
    let gateway = start().await;
    let deep = format!(r#"{{"model":"plain","messages":{}"#, "[".repeat(100_000));
    let deep_closed = format!("{deep}{}}}", "]".repeat(100_000));
    let deep_unknown = format!(r#"{{"model":"plain","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let message = r#"[{"role":"user","content":"hi"}]"#;
    // (body, param)
    let cases: Vec<(String, Option<&str>)> = vec![
        ("".into(), None),
        ("not json".into(), None),
        ("{".into(), None),
        ("42".into(), None),
        ("[]".into(), None),
        ("null".into(), None),
        (r#""text""#.into(), None),
        (r#"{"model":"plain","messages":[]} trailing"#.into(), None),
        (r#"{"messages":[]}"#.into(), Some("model")),
        (r#"{"model":"plain"}"#.into(), Some("messages")),
        (format!(r#"{{"model":1,"messages":{message}}}"#), Some("model")),
        (format!(r#"{{"model":null,"messages":{message}}}"#), Some("model")),
        (r#"{"model":"plain","messages":"hi"}"#.into(), Some("messages")),
        (r#"{"model":"plain","messages":[3]}"#.into(), Some("messages[0]")),
        (r#"{"model":"plain","messages":[{"role":"user","content":3}]}"#.into(), Some("messages[0].content")),
        (format!(r#"{{"model":"plain","messages":{message},"temperature":99}}"#), Some("temperature")),
        (format!(r#"{{"model":"plain","messages":{message},"temperature":"hot"}}"#), Some("temperature")),
        (format!(r#"{{"model":"plain","messages":{message},"stream":"yes"}}"#), Some("stream")),
        (format!(r#"{{"model":"plain","messages":{message},"max_tokens":-1}}"#), Some("max_tokens")),
        (format!(r#"{{"model":"plain","messages":{message},"top_p":1.5}}"#), Some("top_p")),
        (format!(r#"{{"model":"plain","model":"other","messages":{message}}}"#), Some("model")),
        (deep, None),
        (deep_closed, None),
        (deep_unknown, None),
    ];
    for (body, param) in cases {
        let answer = send(gateway.address, &chat(&body)).await;
        let shown: String = body.chars().take(100).collect();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{shown}: {}",
            answer.body
        );
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.len() < 600, "{message}");
        if let Some(param) = param {
            assert_eq!(error["param"], param, "{shown}: {message}");
            assert!(message.contains(param), "{message}");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_a_400() {
    let gateway = start().await;
    let mut body = br#"{"model":"plain","messages":[{"role":"user","content":""#.to_vec();
    body.extend_from_slice(b"\xff\xfe\"}]}");
    let answer = send(gateway.address, &request("POST", "/v1/chat/completions", JSON, body)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"));
}

#[tokio::test]
async fn paths_methods_and_types() {
    let gateway = start().await;
    let chat = "/v1/chat/completions";
    let body = r#"{"model":"nope","messages":[{"role":"user","content":"hi"}]}"#;
    // (method, path, headers, status, code)
    let cases: &[(&str, &str, &[&str], u16, &str)] = &[
        ("POST", chat, JSON, 404, "model_not_found"),
        ("POST", chat, &["Content-Type: text/plain"], 415, "unsupported_media_type"),
        ("POST", chat, &["Content-Type: application/x-www-form-urlencoded"], 415, "unsupported_media_type"),
        ("GET", chat, &[], 405, "method_not_allowed"),
        ("DELETE", "/v1/models", &[], 405, "method_not_allowed"),
        ("PATCH", "/v1/models/x", &[], 405, "method_not_allowed"),
        ("BREW", "/v1/models", &[], 405, "method_not_allowed"),
        ("GET", "/", &[], 404, "unknown_path"),
        ("GET", "/nope", &[], 404, "unknown_path"),
        ("GET", "/v1", &[], 404, "unknown_path"),
        ("GET", "/v1/", &[], 404, "unknown_path"),
        ("GET", "/v2/models", &[], 404, "unknown_path"),
        ("GET", "/v1/v1/models", &[], 404, "unknown_path"),
        ("GET", "/v1x/models", &[], 404, "unknown_path"),
        ("GET", "/models", &[], 404, "unknown_path"),
        ("POST", "/chat/completions", JSON, 404, "unknown_path"),
        ("GET", "/v1/models/a/b", &[], 404, "unknown_path"),
        ("GET", "/v1/../health", &[], 400, "invalid_request"),
        ("GET", "/v1/models/%ff", &[], 400, "invalid_request"),
    ];
    for (method, path, headers, status, code) in cases {
        let answer = send(gateway.address, &request(method, path, headers, body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{method} {path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("allow").is_some(), *status == 405, "{method} {path}");
    }
    let wrong_method = send(gateway.address, &request("GET", chat, &[], "")).await;
    assert_eq!(wrong_method.header("allow"), Some("OPTIONS, POST"));
}

#[tokio::test]
async fn keys_are_checked_before_anything_is_read() {
    let gateway = start().await;
    // A body that never comes: whoever waits for it hangs.
    let head = |authorization: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: 1000\r\n\r\n"
        )
    };
    // (header, code)
    let cases = [
        ("", "missing_api_key"),
        ("Authorization: \r\n", "missing_api_key"),
        ("Authorization: Basic dXNlcg==\r\n", "missing_api_key"),
        ("Authorization: Bearer bad\r\n", "invalid_api_key"),
        ("Authorization: Bearer two words\r\n", "invalid_api_key"),
        ("Authorization: Bearer ' OR '1'='1' --\r\n", "invalid_api_key"),
        ("Authorization: Bearer sk-novai-goo\r\n", "invalid_api_key"),
        ("Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.\r\n", "invalid_api_key"),
        ("Authorization: Bearer \u{e9}\u{e9}\r\n", "invalid_api_key"),
    ];
    let mut bodies = std::collections::HashSet::new();
    for (header, code) in cases {
        let answer = send(gateway.address, head(header).as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{header}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        bodies.insert(answer.body);
    }
    assert_eq!(bodies.len(), 2, "one constant body per code");
    // In the query, a key is not a key.
    let in_query = format!(
        "GET /v1/models?api_key={} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        crate::support::GOOD_KEY
    );
    assert_eq!(send(gateway.address, in_query.as_bytes()).await.status, 401);
}

#[tokio::test]
async fn a_host_or_an_absolute_target_changes_nothing() {
    let gateway = start().await;
    let key = format!("Authorization: Bearer {}\r\nConnection: close\r\n", crate::support::GOOD_KEY);
    let close = "Connection: close\r\n";
    // (request line, headers, status)
    let cases = [
        ("GET /v1/models HTTP/1.1", format!("Host: evil.example\r\n{key}"), 200),
        ("GET /v1/models HTTP/1.1", format!("Host: \r\n{key}"), 200),
        ("GET http://evil.example/v1/models HTTP/1.1", format!("Host: x\r\n{key}"), 200),
        ("GET http://evil.example/v1/models HTTP/1.1", format!("Host: x\r\n{close}"), 401),
        ("GET http://gateway/health HTTP/1.1", format!("Host: x\r\n{close}"), 200),
        ("GET /v1/models HTTP/1.1", format!("Host: localhost/health\r\n{close}"), 401),
        ("GET /v1/models?/health HTTP/1.1", format!("Host: x\r\n{close}"), 401),
        (
            "GET /v1/models HTTP/1.1",
            format!("Host: x\r\nX-Original-URL: /health\r\nX-Rewrite-URL: /health\r\n{close}"),
            401,
        ),
        ("GET /v1//models HTTP/1.1", format!("Host: x\r\n{close}"), 401),
        ("GET /health/../v1/models HTTP/1.1", format!("Host: x\r\n{close}"), 404),
        ("GET /health%2f..%2fv1%2fmodels HTTP/1.1", format!("Host: x\r\n{close}"), 404),
        ("GET /v1/models HTTP/1.1", format!("Host: a\r\nHost: b\r\n{key}"), 400),
        ("GET /v1/models HTTP/1.1", key.clone(), 400),
        ("GET /v1/models HTTP/1.0", key.clone(), 200),
    ];
    for (line, headers, status) in cases {
        let answer = send(gateway.address, format!("{line}\r\n{headers}\r\n").as_bytes()).await;
        assert_eq!(answer.status, status, "{line} {headers}");
    }
}

#[tokio::test]
async fn too_large_bodies_are_refused_by_their_length_and_by_their_bytes() {
    let options = novai_http::Options { body_bytes_max: 10_000, ..Default::default() };
    let gateway = Setup { options, ..Default::default() }.start().await;
    let fits =
        format!(r#"{{"model":"plain","messages":[{{"role":"user","content":"{}"}}]}}"#, "x".repeat(9_000));
    assert_eq!(send(gateway.address, &chat(&fits)).await.status, 200);

    // 100 MB, declared: refused at once, and the answer arrives although the client goes on sending.
    let huge = vec![b' '; 100 * 1024 * 1024];
    let answer = send(gateway.address, &request("POST", "/v1/chat/completions", JSON, &huge)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "request_too_large"));

    // In chunks, so that only reading tells.
    let mut chunked = request(
        "POST",
        "/v1/chat/completions",
        &["Content-Type: application/json", "Transfer-Encoding: chunked"],
        "",
    );
    for _ in 0..2000 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b' '; 0x1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    let answer = send(gateway.address, &chunked).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "request_too_large"));
}

#[tokio::test]
async fn ten_thousand_headers_are_a_431() {
    let gateway = start().await;
    let many: String = (0..10_000).map(|number| format!("X-{number}: 1\r\n")).collect();
    let answer =
        send(gateway.address, format!("GET /health HTTP/1.1\r\nHost: x\r\n{many}\r\n").as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (431, "headers_too_large"));
    let long = "x".repeat(2_000_000);
    for head in [
        format!("GET /health HTTP/1.1\r\nHost: x\r\nCookie: {long}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let answer = send(gateway.address, head.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (431, "headers_too_large"));
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn what_is_not_http_is_told_so_in_our_shape() {
    let gateway = start().await;
    for head in [
        "hello\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /health HTTP/9.9\r\n\r\n",
        "\u{1}\u{3}\r\n\r\n",
    ] {
        let answer = send(gateway.address, head.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{head:?}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_a_408() {
    let options =
        novai_http::Options { body_idle_timeout: std::time::Duration::from_millis(50), ..Default::default() };
    let gateway = Setup { options, ..Default::default() }.start().await;
    let whole = chat_to("plain", false);
    let answer = send(gateway.address, &whole[..whole.len() - 5]).await;
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
}
