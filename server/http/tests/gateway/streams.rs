//! Streams on the wire: the events, the one terminal, the headers that proxies need.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::client::{chat, chat_to, read_until};
use crate::support::gateway::start;
use crate::support::{Setup, send};

#[tokio::test]
async fn a_stream_that_succeeds_ends_with_done() {
    let gateway = start().await;
    let answer = send(gateway.address, &chat_to("plain", true)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "data: {\"n\":1}\n\ndata: {\"n\":2}\n\ndata: [DONE]\n\n");
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("60"));
}

#[tokio::test]
async fn usage_comes_if_it_was_asked_for() {
    let gateway = start().await;
    let body = r#"{"model":"plain","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}"#;
    let answer = send(gateway.address, &chat(body)).await;
    assert_eq!(answer.body, "data: {\"n\":1}\n\ndata: {\"n\":2}\n\ndata: {\"n\":3}\n\ndata: [DONE]\n\n");
}

#[tokio::test]
async fn a_stream_that_fails_ends_with_the_error_and_nothing_else() {
    let gateway = start().await;
    for (model, code) in [("broken", "stream_broken"), ("panic", "internal_error")] {
        let answer = send(gateway.address, &chat_to(model, true)).await;
        assert_eq!(answer.status, 200, "{model}: the head was out already");
        let events: Vec<&str> = answer.body.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 2, "{:?}", answer.body);
        assert_eq!(events[0], "data: {\"n\":1}");
        let error: serde_json::Value =
            serde_json::from_str(events[1].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(error["error"]["code"], code);
        assert!(!answer.body.contains("own words") && !answer.body.contains("on purpose"));
    }
}

#[tokio::test]
async fn silence_is_filled_with_comments() {
    let options =
        novai_http::Options { keep_alive_interval: Duration::from_millis(20), ..Default::default() };
    let gateway = Setup { options, ..Setup::default() }.start().await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(&chat_to("gated", true)).await.unwrap();
    read_until(&mut socket, "{\"n\":1}\n\n").await;
    for _ in 0..3 {
        read_until(&mut socket, ": keep-alive\n\n").await;
    }
    gateway.release.add_permits(1);
    read_until(&mut socket, "data: [DONE]\n\n").await;
}
