//! Streams that go well, and every way in which they do not.

use novai_core::error::Deadline;

use futures_util::StreamExt;

use super::*;
use crate::client::testing::{LAST_CHUNK, answer, chunk, chunked_head};

fn head() -> String {
    chunked_head("text/event-stream")
}

/// What came of a stream whose upstream sent `bytes` and closed.
async fn outcome(bytes: String) -> (Vec<String>, Option<Error>) {
    let (provider, mut upstream) = provider_with(|config| config.event_bytes_max = 100);
    let ((events, error), ()) = tokio::join!(collect(&provider), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send_or_closed(bytes).await;
    });
    (events.iter().map(|event| String::from_utf8(event.json.to_vec()).unwrap()).collect(), error)
}

fn kind(error: &Option<Error>) -> String {
    match error {
        None => "done".into(),
        Some(Error::StreamBroken { events_sent, source, .. }) => {
            format!("broken after {events_sent}: {source}")
        }
        Some(Error::ProviderMalformed { reason, .. }) => format!("malformed: {reason}"),
        Some(Error::EventTooLarge { bytes_max, .. }) => format!("larger than {bytes_max}"),
        Some(Error::ProviderRateLimited { message, .. }) => format!("limited: {message}"),
        Some(Error::ProviderRejected { rejection, .. }) => format!("rejected: {}", rejection.message),
        Some(Error::ProviderAuth { .. }) => "auth".into(),
        Some(other) => format!("{other}"),
    }
}

#[tokio::test]
async fn streams_and_their_ends() {
    const A: &str = r#"{"choices":[{"a":1}]}"#;
    let a = || format!("data: {A}\n\n");
    let whole = |events: &str| head() + &chunk(events) + LAST_CHUNK;
    for (name, bytes, events, end) in [
        ("one", whole(&(a() + "data: [DONE]\n\n")), 1, "done"),
        ("none", whole("data: [DONE]\n\n"), 0, "done"),
        ("done without a space", whole("data:[DONE]\n\n"), 0, "done"),
        ("CRLF", whole("data: {}\r\n\r\ndata: [DONE]\r\n\r\n"), 1, "done"),
        (
            "comments and empty events",
            whole(&(": hi\n\ndata:\n\n".to_owned() + &a() + "data: [DONE]\n\n")),
            1,
            "done",
        ),
        (
            "named events",
            whole(&("event: ping\ndata: {}\n\n".to_owned() + &a() + "data: [DONE]\n\n")),
            1,
            "done",
        ),
        ("named message", whole("event: message\ndata: {}\n\ndata: [DONE]\n\n"), 1, "done"),
        ("after the end", whole(&("data: [DONE]\n\n".to_owned() + &a())), 0, "done"),
        ("no last chunk", head() + &chunk(&(a() + "data: [DONE]\n\n")), 1, "done"),
        ("no end", whole(&a()), 1, "broken after 1: it ended without [DONE]"),
        ("nothing", whole(""), 0, "broken after 0: it ended without [DONE]"),
        ("cut in the end", whole(&(a() + "data: [DONE]\n")), 1, "broken after 1: it ended without [DONE]"),
        ("cut in an event", whole(&(a() + "data: {\"a\"")), 1, "broken after 1: it ended without [DONE]"),
        ("reset between chunks", head() + &chunk(&a()), 1, "broken after 1: the connection broke"),
        ("reset in a chunk", head() + &chunk(&a()) + "ff\r\ndata", 1, "broken after 1: the connection broke"),
        ("too large", whole(&(a() + "data: " + &"x".repeat(100))), 1, "larger than 100"),
        ("no JSON", whole(&(a() + "data: {\"a\":\n\n")), 1, "malformed: it sent invalid JSON"),
        ("no object", whole("data: 7\n\n"), 0, "malformed: it sent something else than a JSON object"),
        (
            "an error in a chunk",
            whole(
                &(a()
                    + "data: {\"error\":{\"code\":502,\"message\":\"no\"},\"choices\":[1]}\n\ndata: [DONE]\n\n"),
            ),
            1,
            "broken after 1: no",
        ),
        (
            "a limit in a chunk",
            whole(&(a() + "data: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n")),
            1,
            "limited: slow",
        ),
        (
            "a named error",
            whole(
                &(a() + "event: error\ndata: {\"error\":{\"message\":\"no\",\"type\":\"server_error\"}}\n\n"),
            ),
            1,
            "broken after 1: no",
        ),
        ("a named error in words", whole("event: error\ndata: oh no\n\n"), 0, "broken after 0: oh no"),
        (
            "a page",
            answer("200 OK", "content-type: text/html\r\n", "<html>"),
            0,
            "malformed: it answered a stream request without an event stream",
        ),
        (
            "an error document",
            answer(
                "200 OK",
                "content-type: application/json\r\n",
                r#"{"error":{"code":400,"message":"no"}}"#,
            ),
            0,
            "rejected: no",
        ),
        (
            "a whole completion",
            answer("200 OK", "content-type: application/json\r\n", r#"{"choices":[]}"#),
            0,
            "malformed: it answered a stream request without an event stream",
        ),
        ("a refusal", answer("400 No", "", r#"{"error":"no"}"#), 0, "rejected: no"),
        ("no access", answer("401 No", "", r#"{"error":"sk-upstream-secret"}"#), 0, "auth"),
    ] {
        let (seen, error) = outcome(bytes).await;
        assert_eq!((seen.len(), kind(&error).as_str()), (events, end), "{name}");
    }
}

#[tokio::test]
async fn json_over_several_lines_is_joined() {
    let (events, error) =
        outcome(head() + &chunk("data: {\"a\":\ndata: 1}\n\ndata: [DONE]\n\n") + LAST_CHUNK).await;
    assert_eq!((events, kind(&error).as_str()), (vec!["{\"a\": 1}".to_owned()], "done"));
}

#[tokio::test]
async fn usage_is_lifted_and_marked() {
    let (provider, mut upstream) = provider();
    let usage = r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#;
    let ((events, _), request) = tokio::join!(collect(&provider), async {
        let mut peer = upstream.accept().await;
        let request = peer.request().await;
        let events = [
            r#"{"choices":[],"prompt_filter_results":[]}"#.to_owned(),
            r#"{"choices":[{}],"usage":null}"#.to_owned(),
            format!(r#"{{"choices":[{{}}],"usage":{usage}}}"#),
            format!(r#"{{"choices":[],"usage":{usage}}}"#),
        ];
        peer.send(head() + &events.map(|event| chunk(&format!("data: {event}\n\n"))).concat()).await;
        peer.send(chunk("data: [DONE]\n\n")).await;
        request
    });
    let facts: Vec<_> =
        events.iter().map(|event| (event.usage.map(|usage| usage.total), event.usage_only)).collect();
    assert_eq!(facts, [(None, false), (None, false), (Some(3), false), (Some(3), true)]);
    assert!(request.contains("accept: text/event-stream"), "{request}");
    assert!(request.ends_with(r#"{"stream_options":{"include_usage":true},"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#), "{request}");
}

#[tokio::test]
async fn ten_streams_use_one_connection() {
    let (provider, mut upstream) = provider();
    let server = tokio::spawn(async move {
        let mut peer = upstream.accept().await;
        for _ in 0..10 {
            peer.request().await;
            peer.send(head() + &chunk("data: {}\n\n") + &chunk("data: [DONE]\n\n")).await;
            // The last chunk comes late, as from a server that flushes after each event.
            tokio::task::yield_now().await;
            peer.send(LAST_CHUNK).await;
        }
        upstream.connections_opened()
    });
    for _ in 0..10 {
        let (events, error) = collect(&provider).await;
        assert_eq!((events.len(), kind(&error).as_str()), (1, "done"));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(server.await.unwrap(), 1);
}

#[tokio::test]
async fn dropping_a_stream_cancels_the_upstream() {
    let (provider, mut upstream) = provider();
    let (streaming, mut peer) = tokio::join!(provider.stream(chat(true)), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(head() + &chunk("data: {}\n\n")).await;
        peer
    });
    let mut events = streaming.unwrap().events;
    events.next().await.unwrap().unwrap();
    drop(events);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_times_out() {
    let (provider, mut upstream) = provider();
    let ((events, error), mut peer) = tokio::join!(collect(&provider), async {
        let mut peer = upstream.accept().await;
        peer.request().await;
        peer.send(head() + &chunk("data: {}\n\n")).await;
        peer
    });
    assert_eq!(events.len(), 1);
    assert!(matches!(error, Some(Error::ProviderTimeout { deadline: Deadline::Idle, .. })), "{error:?}");
    peer.closed().await;
}

#[test]
fn a_stream_can_change_threads() {
    fn is_send<T: Send>() {}
    is_send::<stream::Events>();
}
