//! Who may read answers in a browser.

use crate::support::client::chat_to;
use crate::support::gateway::start;
use crate::support::{Setup, request, send};

const ORIGIN: &str = "https://app.example.com";

async fn allowing() -> crate::support::Running {
    Setup { origins: vec![ORIGIN, "http://localhost:3000"], ..Setup::default() }.start().await
}

#[tokio::test]
async fn only_listed_origins_may_read() {
    let gateway = allowing().await;
    // (Origin, allowed)
    let cases = [
        (ORIGIN, true),
        ("http://localhost:3000", true),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://app.example.com.evil.example", false),
        ("https://evil.example", false),
        ("https://APP.example.com", false),
        ("null", false),
        ("*", false),
    ];
    for (origin, is_allowed) in cases {
        let header = format!("Origin: {origin}");
        let answer = send(gateway.address, &request("GET", "/v1/models", &[&header], "")).await;
        assert_eq!(answer.status, 200, "a browser, not the gateway, keeps the page from reading");
        assert_eq!(answer.header("access-control-allow-origin"), is_allowed.then_some(origin));
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let exposed = answer.header("access-control-expose-headers");
        assert_eq!(exposed.is_some_and(|names| names.contains("x-request-id")), is_allowed, "{origin}");

        let asked = [
            &*header,
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: authorization,x-a",
        ];
        let preflight = send(gateway.address, &request("OPTIONS", "/v1/chat/completions", &asked, "")).await;
        if is_allowed {
            assert_eq!(preflight.status, 204);
            assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
            assert_eq!(preflight.header("access-control-allow-methods"), Some("OPTIONS, POST"));
            assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization,x-a"));
            assert!(preflight.header("vary").unwrap().contains("Origin"));
        } else {
            assert_eq!((preflight.status, preflight.code().as_str()), (403, "permission_denied"), "{origin}");
            assert_eq!(preflight.header("access-control-allow-origin"), None);
        }
    }
}

#[tokio::test]
async fn errors_and_streams_can_be_read_too() {
    let gateway = allowing().await;
    let origin = format!("Origin: {ORIGIN}");
    let unauthorized = request("GET", "/v1/models", &[&origin, "Authorization: Bearer bad"], "");
    let streamed = String::from_utf8(chat_to("plain", true)).unwrap();
    let streamed = streamed.replacen("\r\n", &format!("\r\n{origin}\r\n"), 1);
    for (bytes, status) in [(unauthorized, 401), (streamed.into_bytes(), 200)] {
        let answer = send(gateway.address, &bytes).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, Some(ORIGIN)));
    }
}

#[tokio::test]
async fn it_is_off_unless_configured() {
    let gateway = start().await;
    let origin = format!("Origin: {ORIGIN}");
    let answer = send(gateway.address, &request("GET", "/v1/models", &[&origin], "")).await;
    let cors: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.starts_with("access-control") || name == "vary")
        .collect();
    assert!(cors.is_empty(), "{cors:?}");
    let asked = [&*origin, "Access-Control-Request-Method: POST"];
    let preflight = send(gateway.address, &request("OPTIONS", "/v1/chat/completions", &asked, "")).await;
    assert_eq!(preflight.status, 403);
}
