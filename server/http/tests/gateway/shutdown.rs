//! A gateway that ends lets what runs end too, for a while.

use std::time::Duration;

use novai_http::listener::{Limits, Phase};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::client::{chat_to, read_rest, read_until};
use crate::support::gateway::start;
use crate::support::provider::Note;
use crate::support::{Setup, request, within};

#[tokio::test]
async fn a_stream_may_end_but_nothing_new_begins() {
    let mut gateway = start().await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    let mut idle = TcpStream::connect(gateway.address).await.unwrap();
    let keep =
        String::from_utf8(request("GET", "/ready", &[], "")).unwrap().replace("Connection: close\r\n", "");
    idle.write_all(keep.as_bytes()).await.unwrap();
    read_until(&mut idle, "\"ready\"}").await;
    socket.write_all(&chat_to("gated", true)).await.unwrap();
    gateway.noted(Note::Called).await;
    read_until(&mut socket, "{\"n\":1}\n\n").await;

    gateway.shutdown.advance(Phase::Draining);
    assert_eq!(within("the idle connection's end", read_rest(&mut idle)).await, b"");
    assert!(!gateway.served.is_finished());

    gateway.release.add_permits(1);
    read_until(&mut socket, "data: [DONE]\n\n").await;
    drop(socket);
    let address = gateway.address;
    let lines = gateway.stop().await;
    assert_eq!(lines.last().unwrap()["outcome"], "ok");
    assert!(TcpStream::connect(address).await.is_err(), "the socket is closed");
}

#[tokio::test]
async fn readiness_says_so() {
    let gateway = start().await;
    // Over HTTP/2, requests go on arriving on a connection that was open before.
    let socket = TcpStream::connect(gateway.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(socket);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, http_body_util::Empty<bytes::Bytes>>(executor, io)
            .await
            .unwrap();
    let driver = tokio::spawn(connection);
    let ready = || {
        let mut sender = sender.clone();
        async move {
            let probe =
                http::Request::get("http://gateway/ready").body(http_body_util::Empty::new()).unwrap();
            sender.send_request(probe).await.map(|answer| answer.status().as_u16())
        }
    };
    assert_eq!(within("an answer", ready()).await.unwrap(), 200);
    gateway.shutdown.advance(Phase::Draining);
    // Refused, or told to go elsewhere.
    let after = within("an answer or an end", ready()).await;
    assert!(!matches!(after, Ok(200)), "{after:?}");
    drop(sender);
    gateway.stop().await;
    let _ = driver.await;
}

#[tokio::test]
async fn after_the_deadline_what_is_left_is_dropped() {
    let limits = Limits { shutdown_timeout: Duration::from_millis(50), ..Limits::default() };
    let mut gateway = Setup { limits, ..Setup::default() }.start().await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(&chat_to("hang", true)).await.unwrap();
    gateway.noted(Note::Called).await;
    read_until(&mut socket, "{\"n\":1}\n\n").await;
    gateway.shutdown.advance(Phase::Draining);
    gateway.noted(Note::Cancelled).await;
    let rest = within("the connection's end", read_rest(&mut socket)).await;
    assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"), "cut off, not made up");
}
