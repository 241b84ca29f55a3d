//! JSON calls: replies, errors, retries, deadlines.

use std::time::Duration;

use super::scripted::{Act, Script, Server, json, reply, send};
use super::{KEY, client, client_with};
use crate::{Client, Deadline, Error, Quota};

const OK: &str = r#"{"text":"hello"}"#;
const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn a_reply_carries_what_its_head_says() {
    let headers = "content-type: application/json\r\nx-request-id: req-7\r\nx-ratelimit-limit-requests: 60\r\n\
                   x-ratelimit-remaining-requests: 59\r\nx-ratelimit-reset-requests: 1s\r\n";
    let server = Server::start(vec![reply("200 OK", headers, OK)]).await;
    let response = client(&server).echo().await.unwrap();
    assert_eq!(response.text, "hello");
    assert_eq!(response.status_code(), 200);
    assert_eq!(response.request_id(), Some("req-7"));
    let limit = response.rate_limit().unwrap();
    assert_eq!(limit.tokens, None);
    let quota = Quota { limit: Some(60), remaining: Some(59), reset: Some(Duration::from_secs(1)) };
    assert_eq!(limit.requests, Some(quota));

    let request = &server.requests()[0];
    assert!(request.head.starts_with("POST /v1/echo HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(request.header("user-agent"), Some(concat!("novai-rust/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.body, r#"{"text":"hi"}"#);
}

#[tokio::test]
async fn options_of_one_call() {
    let server = Server::start(vec![json(OK)]).await;
    let client = client(&server);
    let special = client.with_options(|options| options.idempotency_key("mine").header("x-team", "blue"));
    special.echo().await.unwrap();
    client.echo().await.unwrap();
    let [first, second] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!((first.header("idempotency-key"), first.header("x-team")), (Some("mine"), Some("blue")));
    assert!(second.header("idempotency-key").unwrap().starts_with("novai-"));
    assert_eq!(second.header("x-team"), None);
    assert_eq!(server.connections(), 1);
}

/// Every status, the headers that speak about retries, and how many requests come of it with two retries.
#[tokio::test]
async fn what_is_retried() {
    let mut table: Vec<(u16, &str, usize)> = Vec::new();
    for status in [400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 431, 501] {
        table.extend([
            (status, "", 1),
            (status, "x-should-retry: true\r\n", 3),
            (status, "retry-after: 0\r\n", 1),
        ]);
    }
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        table.extend([
            (status, "", 3),
            (status, "x-should-retry: false\r\n", 1),
            (status, "x-should-retry: maybe\r\n", 3),
            (status, "retry-after: 0\r\n", 3),
            (status, "retry-after-ms: 1\r\n", 3),
            (status, "retry-after: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 3),
            // Longer than the cap: the cap is waited.
            (status, "retry-after: 3600\r\n", 3),
            (status, "retry-after: soon\r\n", 3),
        ]);
    }
    let server = Server::start(vec![]).await;
    let client = client(&server);
    let stubborn = client.with_options(|options| options.max_retries(0));
    for (status, header, expected) in table {
        let case = format!("{status} {header:?}");
        let body = r#"{"error":{"message":"m"}}"#;
        let failing = reply(&format!("{status} Status"), &format!("{JSON}{header}"), body);

        server.play(vec![failing.clone()]);
        let error = client.echo().await.unwrap_err();
        let requests = server.requests();
        assert_eq!(error.status_code(), Some(status), "{case}");
        assert_eq!((requests.len(), error.details().attempts as usize), (expected, expected), "{case}");
        let keys: Vec<_> = requests.iter().map(|seen| seen.header("idempotency-key").unwrap()).collect();
        assert!(keys.iter().all(|key| *key == keys[0]), "{case}: one key for all attempts, not {keys:?}");

        for failures in 1..expected {
            let mut scripts = vec![failing.clone(); failures];
            scripts.push(json(OK));
            server.play(scripts);
            assert_eq!(client.echo().await.unwrap().text, "hello", "{case} after {failures}");
            assert_eq!(server.requests().len(), failures + 1, "{case}");
        }
        server.play(vec![failing]);
        stubborn.echo().await.unwrap_err();
        assert_eq!(server.requests().len(), 1, "{case}: retries turned off");
    }
    assert_eq!(server.connections(), 1, "the bodies of errors are read, so their connection is used again");
}

#[tokio::test]
async fn broken_connections_are_retried() {
    let broken: Vec<(&str, Script)> = vec![
        ("closed without a word", vec![Act::Close]),
        ("reset", vec![Act::Reset]),
        ("closed in the head", vec![send("HTTP/1.1 200 OK\r\ncontent-"), Act::Close]),
        (
            "closed in the body",
            vec![send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"text\""), Act::Close],
        ),
        (
            "reset in the body",
            vec![send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"text\""), Act::Reset],
        ),
        ("not HTTP", vec![send("SSH-2.0-OpenSSH_9.6\r\n"), Act::Close]),
    ];
    for (case, script) in broken {
        let server = Server::start(vec![script.clone(), json(OK)]).await;
        assert_eq!(client(&server).echo().await.expect(case).text, "hello");
        assert_eq!(server.requests().len(), 2, "{case}");

        let server = Server::start(vec![script]).await;
        let error = client(&server).echo().await.unwrap_err();
        assert!(matches!(error, Error::ApiConnection(_)), "{case}: {error:?}");
        assert_eq!(server.requests().len(), 3, "{case}");
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::builder()
        .api_key(KEY)
        .base_url(format!("http://{address}/v1"))
        .options(super::quick)
        .build()
        .unwrap();
    let error = client.echo().await.unwrap_err();
    assert!(matches!(error, Error::ApiConnection(_)), "{error:?}");
    assert_eq!(error.details().attempts, 3);
    assert!(error.to_string().starts_with("the connection failed: "), "{error}");
}

#[tokio::test]
async fn statuses_have_variants() {
    for (status, name) in [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (599, "InternalServerError"),
        (402, "APIStatusError"),
        (413, "APIStatusError"),
        (304, "APIStatusError"),
    ] {
        let headers = "content-type: application/json\r\nx-request-id: req-1\r\nretry-after: 7\r\nx-ratelimit-remaining-tokens: 0\r\n";
        let body = r#"{"error":{"message":"why","type":"t","param":"p","code":"c"}}"#;
        let body = if status == 304 { "" } else { body };
        let server = Server::start(vec![reply(&format!("{status} S"), headers, body)]).await;
        let error = client_with(&server, |options| options.max_retries(0)).echo().await.unwrap_err();
        assert_eq!(error.name(), name, "{status}");
        assert_eq!(error.status_code(), Some(status));
        assert_eq!(error.request_id(), Some("req-1"));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.rate_limit().unwrap().tokens.as_ref().unwrap().remaining, Some(0));
        if status != 304 {
            assert_eq!(
                (error.code(), error.param(), error.details().kind.as_deref()),
                (Some("c"), Some("p"), Some("t"))
            );
            assert_eq!(error.to_string(), format!("{status} c: why (param p) (request req-1)"));
            assert_eq!(error.details().body.as_deref(), Some(body));
        }
    }
}

#[tokio::test]
async fn bodies_that_explain_nothing() {
    for (content_type, body, message) in [
        (
            "content-type: text/html\r\n",
            "<html><h1>Bad Gateway</h1></html>",
            "Bad Gateway (text/html, 33 bytes)",
        ),
        ("", "", "Bad Gateway (empty body)"),
        ("content-type: application/json\r\n", "", "Bad Gateway (empty body)"),
        (
            "content-type: application/json\r\n",
            "{\"error\":{\"mess",
            "Bad Gateway (application/json, 15 bytes)",
        ),
        ("content-type: application/json\r\n", r#"{"detail":"upstream is away"}"#, "upstream is away"),
        ("content-type: é\r\n", "x", "Bad Gateway (1 bytes)"),
        ("content-type: text/plain; charset=utf-8\r\n", " Nope.\n", "Nope."),
    ] {
        let server = Server::start(vec![reply("502 é", content_type, body)]).await;
        let error = client_with(&server, |options| options.max_retries(0)).echo().await.unwrap_err();
        assert!(matches!(error, Error::InternalServer(_)), "{error:?}");
        assert_eq!(error.details().message, message);
        assert_eq!(error.details().body.as_deref(), Some(body));
    }
}

#[tokio::test]
async fn replies_that_are_not_the_api_s() {
    for (script, body) in [
        (json("<html>"), Some("<html>")),
        (json(""), Some("")),
        (json("[]"), Some("[]")),
        (json(r#"{"text":1}"#), Some(r#"{"text":1}"#)),
        (json(&"[".repeat(100_000)), None),
        (reply("202 Accepted", JSON, OK), Some("")),
        (reply("204 No Content", "", ""), Some("")),
    ] {
        let server = Server::start(vec![script]).await;
        let error = client(&server).echo().await.unwrap_err();
        assert!(matches!(error, Error::ResponseDecode(_)), "{error:?}");
        assert!(matches!(error.status_code(), Some(200..=204)));
        assert_eq!(server.requests().len(), 1, "not worth another attempt");
        if let Some(body) = body {
            assert_eq!(error.details().body.as_deref(), Some(body));
        }
        assert!(error.details().body.as_ref().unwrap().len() <= 64 << 10);
    }
}

#[tokio::test]
async fn odd_headers_do_no_harm() {
    let headers = "x-request-id: r\u{e9}q\r\nx-ratelimit-limit-requests: \u{fffd}\r\nretry-after: \u{e9}\r\nx-should-retry: \u{e9}\r\n";
    let server = Server::start(vec![reply("200 OK", headers, OK), reply("400 No", headers, "")]).await;
    let client = client(&server);
    let response = client.echo().await.unwrap();
    assert_eq!((response.request_id(), response.rate_limit()), (Some("r\u{e9}q"), None));
    let error = client.echo().await.unwrap_err();
    assert_eq!((error.request_id(), error.retry_after()), (Some("r\u{e9}q"), None));
}

#[tokio::test]
async fn deadlines() {
    let soon = Duration::from_millis(40);
    let cases: [(&str, Script, Deadline, usize); 3] = [
        ("no reply", vec![Act::Hold], Deadline::Total, 1),
        (
            "flood",
            vec![
                send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                Act::Flood(b"1\r\n \r\n".to_vec()),
            ],
            Deadline::Total,
            1,
        ),
        (
            "silence in the body",
            vec![send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), Act::Hold],
            Deadline::Idle,
            3,
        ),
    ];
    for (case, script, deadline, requests) in cases {
        let server = Server::start(vec![script]).await;
        let client = client_with(&server, |options| match deadline {
            Deadline::Total => options.total_timeout(soon),
            _ => options.idle_timeout(soon),
        });
        let error = client.echo().await.unwrap_err();
        assert!(matches!(error, Error::ApiTimeout(_)), "{case}: {error:?}");
        assert_eq!(error.details().deadline, Some(deadline), "{case}");
        assert_eq!(server.requests().len(), requests, "{case}");
    }
}

#[tokio::test]
async fn a_wait_that_outlasts_the_call_is_not_begun() {
    let server = Server::start(vec![reply("429 Slow down", "retry-after: 3600\r\n", "")]).await;
    let client = client_with(&server, |options| {
        options.total_timeout(Duration::from_secs(60)).retry_delay_max(Duration::from_secs(7_200))
    });
    let error = client.echo().await.unwrap_err();
    assert!(matches!(error, Error::RateLimit(_)), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3_600)));
}

#[tokio::test]
async fn replies_are_bounded() {
    let server = Server::start(vec![json(&format!(r#"{{"text":"{}"}}"#, "x".repeat(2_000)))]).await;
    client_with(&server, |options| options.response_bytes_max(4_000)).echo().await.unwrap();
    let error = client_with(&server, |options| options.response_bytes_max(1_000)).echo().await.unwrap_err();
    assert!(matches!(error, Error::ResponseDecode(_)), "{error:?}");

    let flood = vec![
        send("HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n"),
        Act::Flood(super::scripted::chunk(&"x".repeat(9_000)).into_bytes()),
    ];
    let server = Server::start(vec![flood]).await;
    let error = client(&server).echo().await.unwrap_err();
    assert_eq!(error.details().body.as_ref().unwrap().len(), 64 << 10);
    server.client_gone().await;
}

#[tokio::test]
async fn the_raw_client_signs_retries_and_passes_through() {
    let failing = reply("503 Busy", JSON, r#"{"error":{"message":"busy"}}"#);
    let server = Server::start(vec![failing.clone(), json(OK), failing]).await;
    let client = client(&server);
    let value = super::send_json(client.raw()).await.unwrap();
    assert_eq!((value.text.as_str(), value.headers()["x-request-id"].as_bytes()), ("hello", &b"req-1"[..]));
    let error = super::send_json(client.raw()).await.unwrap_err();
    assert!(matches!(&error, super::RawError::ErrorResponse(value) if value.status() == 503), "{error:?}");
    assert_eq!(server.requests().len(), 5);
    assert!(server.requests().iter().all(|seen| seen.header("authorization").is_some()));
}
