//! What bounds a connection. Every wait is for the gateway to act, never for a time to pass.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use novai_http::listener::{Cores, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::{chat, chat_to, parse, read_rest, read_until};
use crate::support::provider::Note;
use crate::support::{GOOD_KEY, Setup, request, within};

const SHORT: Duration = Duration::from_millis(50);

async fn with(limits: Limits) -> crate::support::Running {
    Setup { limits, ..Setup::default() }.start().await
}

#[tokio::test]
async fn a_slow_loris_is_cut_off() {
    let gateway = with(Limits { header_timeout: SHORT, ..Limits::default() }).await;
    // Nothing at all; the first bytes of HTTP/2; a beginning; a head that never ends.
    let cases = [
        ("", false),
        ("PRI * HTTP/2.0\r\n", false),
        ("G", true),
        ("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ", true),
    ];
    for (beginning, is_told) in cases {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(beginning.as_bytes()).await.unwrap();
        let rest = within("the connection's end", read_rest(&mut socket)).await;
        if is_told {
            let answer = parse(&rest);
            assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"), "{beginning:?}");
            continue;
        }
        // An HTTP/2 server speaks first, too; it says nothing but its settings.
        let is_h2 = beginning.starts_with("PRI");
        assert!(rest.is_empty() || (is_h2 && rest.len() < 64), "{beginning:?}: {rest:?}");
    }
}

#[tokio::test]
async fn dripping_bytes_does_not_buy_time() {
    let gateway = with(Limits { header_timeout: SHORT, ..Limits::default() }).await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let answer = within("the refusal", async {
        let (mut reading, mut writing) = socket.split();
        let mut answer = Vec::new();
        loop {
            tokio::select! {
                read = reading.read_to_end(&mut answer) => return read.map(|_| answer),
                () = tokio::time::sleep(SHORT / 10) => {
                    // Refused by then; the answer has come all the same.
                    let _ = writing.write_all(b"X: y\r\n").await;
                }
            }
        }
    })
    .await;
    assert_eq!(parse(&answer.unwrap()).code(), "request_timeout");
}

#[tokio::test]
async fn an_idle_connection_is_closed_between_requests_only() {
    let gateway = with(Limits { keep_alive_timeout: SHORT, ..Limits::default() }).await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let ask = String::from_utf8(chat_to("gated", true)).unwrap().replace("Connection: close\r\n", "");
    socket.write_all(ask.as_bytes()).await.unwrap();
    read_until(&mut socket, "{\"n\":1}\n\n").await;
    // The stream is silent for longer than the idle time-out, and must live.
    let silence = tokio::time::timeout(SHORT * 4, socket.read_u8()).await;
    assert!(matches!(silence, Err(_) | Ok(Ok(_))), "closed in mid-stream: {silence:?}");
    gateway.release.add_permits(1);
    read_until(&mut socket, "0\r\n\r\n").await;
    let rest = within("the idle connection's end", read_rest(&mut socket)).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_its_upstream_cancelled() {
    let mut gateway = with(Limits { write_timeout: SHORT, ..Limits::default() }).await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(&chat_to("endless", true)).await.unwrap();
    gateway.noted(Note::Called).await;
    gateway.noted(Note::Cancelled).await;
}

/// The socket stays writable here: it is the stream's window that is shut.
#[tokio::test]
async fn an_http_2_stream_that_nobody_reads_is_cut_off_and_its_neighbours_live() {
    let mut gateway = with(Limits { write_timeout: SHORT, ..Limits::default() }).await;
    let socket = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let mut ask = |method: &str, path: &str, body: &str| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://localhost{path}"))
            .header("authorization", format!("Bearer {GOOD_KEY}"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        sender.send_request(request)
    };
    let body = r#"{"model":"endless","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
    let unread = within("a head", ask("POST", "/v1/chat/completions", body)).await.unwrap();
    gateway.noted(Note::Called).await;
    gateway.noted(Note::Cancelled).await;
    let neighbour = within("a neighbour", ask("GET", "/health", "")).await.unwrap();
    assert_eq!(neighbour.status(), 200);
    assert!(unread.into_body().collect().await.is_err(), "the unread stream was reset");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_upstream() {
    // A large request runs elsewhere.
    for (stream, text) in [(false, 1), (true, 1), (false, 100_000), (true, 100_000)] {
        // As in the binary; all of it is over when the gateway has stopped.
        let cores = Arc::new(Cores::start(NonZeroUsize::MIN).unwrap());
        let mut gateway = Setup { cores, ..Setup::default() }.start().await;
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        let text = "a".repeat(text);
        let body = format!(
            r#"{{"model":"hang","messages":[{{"role":"user","content":"{text}"}}],"stream":{stream}}}"#
        );
        socket.write_all(&chat(&body)).await.unwrap();
        gateway.noted(Note::Called).await;
        if stream {
            read_until(&mut socket, "{\"n\":1}\n\n").await;
        }
        drop(socket);
        gateway.noted(Note::Cancelled).await;
        let lines = gateway.stop().await;
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["outcome"], "client_closed");
        assert_eq!(lines[0]["status"], if stream { serde_json::json!(200) } else { serde_json::Value::Null });
    }
}

#[tokio::test]
async fn beyond_the_cap_connections_wait_for_their_turn() {
    let gateway = with(Limits { connections_max: 2, ..Limits::default() }).await;
    let probe = request("GET", "/health", &[], "");
    let open = String::from_utf8(probe.clone()).unwrap().replace("Connection: close\r\n", "");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(gateway.address).await.unwrap();
        socket.write_all(open.as_bytes()).await.unwrap();
        read_until(&mut socket, "}").await;
        held.push(socket);
    }
    // The kernel accepts it, the gateway does not: no answer while the others are there.
    let mut third = TcpStream::connect(gateway.address).await.unwrap();
    third.write_all(&probe).await.unwrap();
    assert!(tokio::time::timeout(SHORT, third.read_u8()).await.is_err(), "served beyond the cap");
    drop(held);
    let answer = within("the third connection's turn", read_rest(&mut third)).await;
    assert_eq!(parse(&answer).status, 200);
}
