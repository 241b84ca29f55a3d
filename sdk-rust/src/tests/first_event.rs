//! Streams whose first event is an error: the call fails, as it would by a status.

use super::scripted::{A, B, DONE, END, STREAM_HEAD, Server, chunk, complete, send};
use super::{client, read};
use crate::Error;

/// Nobody has seen anything by then: it is what the same error would be as a status.
#[tokio::test]
async fn an_error_in_place_of_the_first_event() {
    let overloaded = r#"{"error":{"message":"full","type":"server_error","code":"overloaded"}}"#;
    for (first, requests, error) in [
        (vec![overloaded], 2, ""),
        (vec![r#"{"text":"x","error":{"code":503}}"#, DONE], 2, ""),
        (
            vec![r#"{"error":{"message":"no","type":"invalid_request_error","code":"model_not_found"}}"#],
            1,
            "NotFoundError",
        ),
        (vec![r#"{"error":{"message":"odd","code":"new"}}"#], 1, "APIError"),
        // Not as the first event: it was the stream's own by then.
        (vec![A, overloaded], 1, "InternalServerError"),
        // No error, and no event that can be read: what it says of errors is none.
        (vec![r#"{"text":"x","error":null}"#, DONE], 1, ""),
        (vec![r#"{"error"#], 1, "ResponseDecodeError"),
    ] {
        let server = Server::start(vec![complete(&first), complete(&[B, DONE])]).await;
        let client = client(&server);
        let ended = match client.echo_stream().await {
            Ok(stream) => read(stream).await.1,
            Err(error) => Some(error),
        };
        assert_eq!(ended.as_ref().map_or("", Error::name), error, "{first:?}: {ended:?}");
        let sent = server.requests();
        assert_eq!(sent.len(), requests, "{first:?}");
        assert!(sent.iter().all(|seen| seen.header("idempotency-key") == sent[0].header("idempotency-key")));
        assert_eq!(
            server.connections(),
            1,
            "what follows the event is read, so that the connection can be used again"
        );
    }
}

#[tokio::test]
async fn an_error_that_comes_first_is_returned_by_the_call() {
    let head = STREAM_HEAD.replace("x-request-id", "x-should-retry: false\r\nx-request-id");
    let data = r#"{"error":{"message":"full","type":"server_error","code":"overloaded"}}"#;
    let event = chunk(&format!("event: error\ndata: {data}\n\n"));
    let server = Server::start(vec![vec![send(head + &event + END)]]).await;
    let Err(Error::InternalServer(details)) = client(&server).echo_stream().await else {
        panic!("no such error")
    };
    assert_eq!((details.status_code, details.code.as_deref()), (Some(503), Some("overloaded")));
    assert_eq!((details.events_received, details.attempts, server.requests().len()), (0, 1, 1));
}
