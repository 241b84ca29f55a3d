//! Streams: events, ends, errors in the middle, cancellation, reuse.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::scripted::{A, Act, B, DONE, END, Script, Server, chunk, complete, open_stream, reply, send};
use super::{Delta, Text, client, client_with, read};
use crate::{Deadline, Error, Stream};

#[tokio::test]
async fn events_and_the_whole() {
    let server = Server::start(vec![complete(&[A, B, DONE])]).await;
    let client = client(&server);

    let mut stream = client.echo_stream().await.unwrap();
    assert_eq!(stream.request_id(), Some("req-1"));
    assert_eq!(stream.next().await.unwrap().unwrap(), Delta { text: "a".to_owned() });
    assert_eq!((stream.snapshot().text.as_str(), stream.events_received()), ("a", 1));
    assert_eq!(stream.final_completion().await.unwrap().text, "ab");

    let stream = client.echo_stream().await.unwrap();
    assert_eq!(read(stream).await.0, "ab");

    let request = &server.requests()[0];
    assert_eq!(request.header("accept"), Some("text/event-stream"));
    assert!(request.header("idempotency-key").is_some());
}

/// Polled as a `Stream` from another thread: both must hold for it to be of use in a server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_stream_and_send() {
    let server = Server::start(vec![complete(&[A, B, DONE])]).await;
    let client = client(&server);
    let count = tokio::spawn(async move {
        let mut stream = std::pin::pin!(client.echo_stream().await.unwrap());
        let mut count = 0;
        while let Some(event) =
            std::future::poll_fn(|cx| futures_core::Stream::poll_next(stream.as_mut(), cx)).await
        {
            event.unwrap();
            count += 1;
        }
        count
    });
    assert_eq!(count.await.unwrap(), 2);
}

#[tokio::test]
async fn ten_streams_use_one_connection() {
    // The end comes in the same write, or in one of its own.
    let gates: Vec<Arc<Notify>> = (0..10).map(|_| Arc::default()).collect();
    for late in [false, true] {
        let scripts = gates.iter().map(|gate| match late {
            false => complete(&[A, B, DONE]),
            true => vec![send(open_stream(&[A, B, DONE])), Act::Gate(Arc::clone(gate)), send(END)],
        });
        let server = Server::start(scripts.collect()).await;
        let client = client(&server);
        for gate in &gates {
            let mut stream = client.echo_stream().await.unwrap();
            stream.next().await.unwrap().unwrap();
            gate.notify_one();
            stream.next().await.unwrap().unwrap();
            assert!(stream.next().await.is_none());
        }
        assert_eq!((server.requests().len(), server.connections()), (10, 1), "late: {late}");
    }
}

#[tokio::test]
async fn a_body_without_end_delays_nobody() {
    for rest in [Act::Hold, Act::Flood(chunk(": again\n\n").into_bytes())] {
        let server = Server::start(vec![vec![send(open_stream(&[A, DONE])), rest]]).await;
        let (text, error) = read(client(&server).echo_stream().await.unwrap()).await;
        assert_eq!(text, "a");
        assert!(error.is_none());
        server.client_gone().await;
    }
}

#[tokio::test]
async fn whatever_follows_the_terminal_is_not_read() {
    let server = Server::start(vec![complete(&[A, DONE, B, "{"])]).await;
    let (text, error) = read(client(&server).echo_stream().await.unwrap()).await;
    assert_eq!((text.as_str(), error.is_none()), ("a", true));
}

/// Cut after every byte: before the first event it is a connection that broke, until the terminal a truncation, and never
/// a success.
#[tokio::test]
async fn truncation_at_every_byte() {
    let chunked = open_stream(&[A, B, DONE]) + END;
    let until_closed = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {A}\n\ndata: {B}\r\n\r\ndata: {DONE}\n\n"
    );
    for whole in [chunked, until_closed] {
        let head_end = whole.find("\r\n\r\n").unwrap() + 4;
        let ends_at = |event: &str| {
            let start = whole.find(&format!("data: {event}")).unwrap() + "data: ".len() + event.len();
            // CRLF ends a line at its CR already.
            start + if whole[start..].starts_with("\r\n") { 3 } else { 2 }
        };
        let (a_end, b_end, done_end) = (ends_at(A), ends_at(B), ends_at(DONE));
        let scripts = (0..=whole.len()).map(|cut| vec![send(&whole[..cut]), Act::Close]).collect();
        let server = Server::start(scripts).await;
        let client = client_with(&server, |options| options.max_retries(0));
        for cut in 0..=whole.len() {
            let stream = match client.echo_stream().await {
                Ok(stream) => stream,
                Err(error) => {
                    assert!(cut < head_end, "cut at {cut}: {error:?}");
                    assert!(matches!(error, Error::ApiConnection(_)), "cut at {cut}: {error:?}");
                    continue;
                }
            };
            assert!(cut >= head_end, "cut at {cut}");
            let expected = if cut < a_end {
                ""
            } else if cut < b_end {
                "a"
            } else {
                "ab"
            };
            let (text, error) = read(stream).await;
            assert_eq!(text, expected, "cut at {cut}");
            if cut >= done_end {
                assert!(error.is_none(), "cut at {cut}: {error:?}");
                continue;
            }
            let error = error.expect("truncated");
            assert!(matches!(error, Error::StreamTruncated(_)), "cut at {cut}: {error:?}");
            assert_eq!(error.events_received() as usize, expected.len(), "cut at {cut}");
            assert_eq!(error.partial::<Delta>().unwrap().text, expected, "cut at {cut}");
            assert_eq!(
                error.details().partial.as_ref().unwrap().to_json(),
                format!(r#"{{"text":"{expected}"}}"#)
            );
        }
    }
}

#[tokio::test]
async fn a_truncated_stream_has_no_final() {
    let server = Server::start(vec![vec![send(open_stream(&[A])), Act::Close]]).await;
    let client = client(&server);
    let error = client.echo_stream().await.unwrap().final_completion().await.unwrap_err();
    assert!(matches!(error, Error::StreamTruncated(_)));
    assert_eq!((error.request_id(), error.partial::<Delta>().unwrap().text.as_str()), (Some("req-1"), "a"));

    // Nor does it get one after its error was taken.
    let mut stream = client.echo_stream().await.unwrap();
    while stream.next().await.is_some() {}
    let error = stream.final_completion().await.unwrap_err();
    assert!(matches!(error, Error::StreamTruncated(_)));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_reset_in_the_middle_is_a_broken_connection_and_not_retried() {
    let gate = Arc::new(Notify::new());
    let server =
        Server::start(vec![vec![send(open_stream(&[A])), Act::Gate(Arc::clone(&gate)), Act::Reset]]).await;
    let mut stream = client(&server).echo_stream().await.unwrap();
    stream.next().await.unwrap().unwrap();
    gate.notify_one();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ApiConnection(_)), "{error:?}");
    assert_eq!((error.events_received(), error.partial::<Delta>().unwrap().text.as_str()), (1, "a"));
    assert_eq!(error.request_id(), Some("req-1"));
    assert_eq!(server.requests().len(), 1);
}

/// Whatever breaks before an event was handed out may be tried again.
#[tokio::test]
async fn retries_before_the_first_event() {
    let gate = Arc::new(Notify::new());
    gate.notify_one();
    let failing: Vec<(&str, Script)> = vec![
        ("503", reply("503 Busy", "", "")),
        ("no reply", vec![Act::Close]),
        ("reset after the head", vec![send(open_stream(&[])), Act::Gate(gate), Act::Reset]),
        ("silent after the head", vec![send(open_stream(&[])), Act::Hold]),
    ];
    for (case, script) in failing {
        let server = Server::start(vec![script, complete(&[A, DONE])]).await;
        let client = client_with(&server, |options| options.first_event_timeout(Duration::from_millis(500)));
        let stream = client.echo_stream().await.expect(case);
        assert_eq!(read(stream).await.0, "a", "{case}");
        let keys: Vec<_> =
            server.requests().iter().map(|seen| seen.header("idempotency-key").map(str::to_owned)).collect();
        assert!(keys.len() == 2 && keys[0] == keys[1], "{case}: {keys:?}");
    }
}

#[tokio::test]
async fn deadlines() {
    let soon = Duration::from_millis(60);
    let comments = Act::Flood(chunk(": keep-alive\n\n").into_bytes());
    let cases: Vec<(&str, Script, Deadline, Option<u64>)> = vec![
        ("no head", vec![Act::Hold], Deadline::FirstEvent, None),
        ("no event", vec![send(open_stream(&[])), Act::Hold], Deadline::FirstEvent, None),
        ("only comments", vec![send(open_stream(&[])), comments.clone()], Deadline::FirstEvent, None),
        ("silence", vec![send(open_stream(&[A, B])), Act::Hold], Deadline::Idle, Some(2)),
        ("comments are silence", vec![send(open_stream(&[A, B])), comments.clone()], Deadline::Idle, Some(2)),
        ("in all", vec![send(open_stream(&[A, B])), comments], Deadline::Total, Some(2)),
        ("in all, before the head", vec![Act::Hold], Deadline::Total, None),
    ];
    for (case, script, deadline, events) in cases {
        let server = Server::start(vec![script]).await;
        let client = client_with(&server, |options| match deadline {
            Deadline::FirstEvent => options.first_event_timeout(soon).max_retries(1),
            Deadline::Idle => options.idle_timeout(soon),
            // Long enough for the events to arrive on a slow machine.
            _ => options.total_timeout(if events.is_some() { soon * 20 } else { soon }),
        });
        let error = match client.echo_stream().await {
            Ok(stream) => read(stream).await.1.expect(case),
            Err(error) => error,
        };
        assert!(matches!(error, Error::ApiTimeout(_)), "{case}: {error:?}");
        assert_eq!(error.details().deadline, Some(deadline), "{case}");
        assert_eq!(error.events_received(), events.unwrap_or(0), "{case}");
        assert_eq!(error.partial::<Delta>().map(|delta| delta.text.len() as u64), events, "{case}");
        assert_eq!(server.requests().len(), if deadline == Deadline::FirstEvent { 2 } else { 1 }, "{case}");
    }
}

/// Errors in mid-stream, in each vendor's way.
#[tokio::test]
async fn errors_in_the_middle() {
    for (event, name, status, message) in [
        (
            r#"data: {"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            "RateLimitError",
            Some(429),
            "m",
        ),
        (
            r#"data: {"error":{"message":"m","type":"upstream_error","code":"stream_broken"}}"#,
            "InternalServerError",
            Some(502),
            "m",
        ),
        // Beside the fields of an ordinary chunk (OpenRouter).
        (r#"data: {"text":"x","error":{"message":"m","code":502}}"#, "InternalServerError", Some(502), "m"),
        // Named (Groq, Anthropic).
        (
            "event: error\ndata: {\"message\":\"m\",\"type\":\"invalid_request_error\"}",
            "BadRequestError",
            Some(400),
            "m",
        ),
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
            "InternalServerError",
            Some(503),
            "m",
        ),
        ("event: error\ndata: oops", "APIError", None, "the server reported an error in mid-stream"),
        (r#"data: {"error":"plain"}"#, "APIError", None, "plain"),
        ("data: {", "ResponseDecodeError", Some(200), ""),
        ("data: {\"text\":1}", "ResponseDecodeError", Some(200), ""),
        ("data:", "ResponseDecodeError", Some(200), ""),
    ] {
        let script = vec![send(
            open_stream(&[A]) + &chunk(&format!("{event}\n\n")) + &chunk("data: [DONE]\n\n") + END,
        )];
        let server = Server::start(vec![script]).await;
        let client = client(&server);
        for _ in 0..2 {
            let (text, error) = read(client.echo_stream().await.unwrap()).await;
            let error = error.expect(event);
            assert_eq!((text.as_str(), error.name(), error.status_code()), ("a", name, status), "{event}");
            assert!(error.details().message.starts_with(message) || message.is_empty(), "{event}: {error}");
            assert_eq!(
                (error.events_received(), error.partial::<Delta>().unwrap().text.as_str()),
                (1, "a"),
                "{event}"
            );
            assert_eq!(error.request_id(), Some("req-1"), "{event}");
        }
        assert_eq!(
            (server.requests().len(), server.connections()),
            (2, 1),
            "{event}: not retried, and drained"
        );
    }
}

#[tokio::test]
async fn what_only_looks_like_an_error() {
    for event in [
        r#"{"text":"a","error":null}"#,
        r#"{"text":"a","note":{"error":1}}"#,
        r#"{"text":"a","list":["error"]}"#,
    ] {
        let server = Server::start(vec![complete(&[event, DONE])]).await;
        let (text, error) = read(client(&server).echo_stream().await.unwrap()).await;
        assert_eq!((text.as_str(), error.is_none()), ("a", true), "{event}");
    }
}

#[tokio::test]
async fn dropping_or_closing_a_stream_closes_its_connection() {
    let endings: [fn(Stream<Text>); 2] = [drop, Stream::close];
    for end in endings {
        let server = Server::start(vec![vec![send(open_stream(&[A])), Act::Hold]]).await;
        let mut stream = client(&server).echo_stream().await.unwrap();
        stream.next().await.unwrap().unwrap();
        end(stream);
        server.client_gone().await;
    }
    // And so does giving up before there is a stream.
    let server = Server::start(vec![vec![Act::Hold]]).await;
    let client = client(&server);
    let call = tokio::spawn(async move { client.echo_stream().await });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    call.abort();
    server.client_gone().await;
}

#[tokio::test]
async fn events_are_bounded() {
    let big = format!(r#"{{"text":"{}"}}"#, "x".repeat(2_000));
    let server = Server::start(vec![complete(&[A, &big, DONE])]).await;
    let (text, error) =
        read(client_with(&server, |options| options.event_bytes_max(4_000)).echo_stream().await.unwrap())
            .await;
    assert_eq!((text.len(), error.is_none()), (2_001, true));
    let (text, error) =
        read(client_with(&server, |options| options.event_bytes_max(1_000)).echo_stream().await.unwrap())
            .await;
    let error = error.unwrap();
    assert!(matches!(error, Error::ResponseDecode(_)), "{error:?}");
    assert_eq!((text.as_str(), error.code(), error.events_received()), ("a", Some("event_too_large"), 1));
}

#[tokio::test]
async fn a_stream_of_another_type_is_refused() {
    for (headers, accepted) in [
        ("content-type: application/json\r\n", false),
        ("content-type: text/html; charset=utf-8\r\n", false),
        ("content-type: Text/Event-Stream; charset=utf-8\r\n", true),
        ("", true),
    ] {
        let server =
            Server::start(vec![reply("200 OK", headers, "data: {\"text\":\"a\"}\n\ndata: [DONE]\n\n")]).await;
        match client(&server).echo_stream().await {
            Ok(stream) => assert_eq!((read(stream).await.0.as_str(), accepted), ("a", true), "{headers}"),
            Err(error) => {
                assert!(matches!(error, Error::ResponseDecode(_)) && !accepted, "{headers}: {error:?}")
            }
        }
    }
}
