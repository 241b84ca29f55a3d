//! What an upstream cannot make us do.

use super::super::testing::{LAST_CHUNK, answer, chunk, chunked_head};
use super::*;

const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";

/// Sends `bytes` as the answer and reads its body whole, up to 10 bytes.
async fn read(bytes: String) -> Result<Bytes, Failure> {
    let (client, mut upstream) = client();
    let outgoing = post("a");
    let (answer, ()) = tokio::join!(client.send(&outgoing), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        // Half of the cases end by closing, as this block does; the others never look at it.
        peer.send_or_closed(bytes).await;
    });
    answer?.body.read_whole(10).await
}

#[tokio::test]
async fn bodies() {
    let too_large = || Err("the body is larger than 10 bytes".to_owned());
    let broken = || Err("the connection broke".to_owned());
    let not_http = || Err("not an HTTP answer".to_owned());
    let chunks =
        |pieces: &[&str]| chunked_head("text/plain") + &pieces.iter().map(|p| chunk(p)).collect::<String>();
    for (name, bytes, expected) in [
        ("empty", answer("200 OK", "", ""), Ok("")),
        ("at the bound", answer("200 OK", "", "1234567890"), Ok("1234567890")),
        ("announced too large", answer("200 OK", "", "1234567890x"), too_large()),
        ("chunks at the bound", chunks(&["12345", "67890"]) + LAST_CHUNK, Ok("1234567890")),
        ("chunks too large", chunks(&["12345", "678901"]), too_large()),
        ("until close", "HTTP/1.1 200 OK\r\n\r\n12345".to_owned(), Ok("12345")),
        ("cut in a length", answer("200 OK", "", "12345")[..40].to_owned(), broken()),
        ("cut in a chunk", chunks(&["12345"])[..75].to_owned(), broken()),
        ("cut before the last chunk", chunks(&["12345"]), broken()),
        ("cut in the head", "HTTP/1.1 200 OK\r\nconte".to_owned(), broken()),
        ("nothing", String::new(), broken()),
        ("not HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n".to_owned(), not_http()),
        ("a bad chunk size", chunked_head("text/plain") + "zz\r\n", broken()),
        ("a head without end", format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(80_000)), not_http()),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
            not_http(),
        ),
        (
            "a length and chunks",
            chunked_head("text/plain").replace("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\n") + LAST_CHUNK,
            not_http(),
        ),
        ("interim answers before it", INTERIM.repeat(8) + &answer("200 OK", "", "12345"), Ok("12345")),
        ("interim answers without end", INTERIM.repeat(9) + &answer("200 OK", "", "12345"), not_http()),
        ("another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned(), not_http()),
    ] {
        let actual = read(bytes).await;
        let actual = actual.map(|body| String::from_utf8(body.to_vec()).unwrap()).map_err(|f| f.to_string());
        assert_eq!(actual, expected.map(str::to_owned), "{name}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_body_survives_what_follows() {
    for (bytes, expected) in [
        (answer("500 No", "", "12345"), "12345"),
        (answer("500 No", "", "1234567890abc"), "1234567890"),
        (chunked_head("text/plain") + &chunk("12345"), "12345"),
    ] {
        let (client, mut upstream) = client();
        let outgoing = post("a");
        let (answer, ()) = tokio::join!(client.send(&outgoing), async {
            let mut peer = upstream.accept().await;
            peer.request().await;
            peer.send(bytes).await;
        });
        assert_eq!(answer.unwrap().body.read_beginning(10).await, expected);
    }
}

#[tokio::test]
async fn a_reader_that_waits_stops_the_upstream() {
    let (client, mut upstream) = client();
    let outgoing = post("a");
    let (answer, mut peer) = tokio::join!(client.send(&outgoing), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(chunked_head("text/plain")).await;
        peer
    });
    let piece_sent = chunk(&"x".repeat(1000));
    let mut accepted = 0;
    while futures_util::FutureExt::now_or_never(peer.send(&piece_sent)).is_some() {
        accepted += 1;
        assert!(accepted < 1000, "the upstream can send without end");
    }
    let mut body = answer.unwrap().body;
    assert!(piece(&mut body).await.unwrap().is_ok());
}
