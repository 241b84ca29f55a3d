//! Configuration, secrets, redirects.

use super::scripted::{Act, Script, Server, json, open_stream, reply, send};
use super::{KEY, client, client_with, read};
use crate::{Client, Error};

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::start(vec![json(r#"{"text":"stolen"}"#)]).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let server =
            Server::start(vec![reply(status, &format!("location: {}/echo\r\n", target.url()), "")]).await;
        let error = client(&server).echo().await.unwrap_err();
        assert!(matches!(error, Error::ApiStatus(_)), "{error:?}");
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn what_a_client_refuses() {
    let build = |key: &str, url: &str| Client::builder().api_key(key).base_url(url).build();
    for (key, url, expected) in [
        ("k", "127.0.0.1:8080", "base URL: "),
        ("k", "ftp://host/v1", "base URL: must begin with http"),
        ("k", "http://user:pw@host/v1", "base URL: must not hold a user name"),
        ("k", "http://host/v1?x=1", "base URL: must end with its path"),
        ("k", "", "base URL: "),
        ("a\nb", "http://host/v1", "API key: "),
        ("a\u{0}b", "http://host/v1", "API key: "),
    ] {
        let error = build(key, url).unwrap_err();
        assert!(matches!(error, Error::Configuration(_)));
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!format!("{error:?}{error}").contains("a\\nb"));
    }
    assert_eq!(build(" k\n", "http://host/v1/").unwrap().base_url(), "http://host/v1");

    for (name, value) in [("x y", "v"), ("x", "a\nb"), ("Authorization", "Bearer other")] {
        let error = Client::builder()
            .api_key("k")
            .options(|options| options.header(name, value))
            .build()
            .unwrap_err();
        assert!(matches!(error, Error::Configuration(_)), "{name}");
    }
}

#[tokio::test]
async fn a_bad_option_fails_its_call_and_sends_nothing() {
    let server = Server::start(vec![json("{}")]).await;
    let client = client(&server).with_options(|options| options.idempotency_key("a\r\nb"));
    assert!(matches!(client.echo().await, Err(Error::Configuration(_))));
    assert!(matches!(client.echo_stream().await, Err(Error::Configuration(_))));
    assert_eq!(server.connections(), 0);
}

/// Also where a server sends the key back.
#[tokio::test]
async fn the_key_is_shown_nowhere() {
    let echoes: Vec<Script> = vec![
        reply(
            "401 No",
            "",
            &format!(r#"{{"error":{{"message":"bad key {KEY}","code":"{KEY}","param":"{KEY}"}}}}"#),
        ),
        reply("401 No", "", &format!(r#"{{"error":{{"message":"m","type":"{KEY}"}}}}"#)),
        reply("401 No", &format!("x-request-id: {KEY}\r\n"), ""),
        reply("502 No", "", &format!("<html>{KEY}</html>")),
        json(&format!(r#"{{"text":["{KEY}"]}}"#)),
        json(&format!(r#""{KEY}""#)),
        vec![send(open_stream(&[r#"{"text":"a"}"#, &format!(r#""{KEY}""#)])), Act::Close],
        vec![
            send(open_stream(&[r#"{"text":"a"}"#, &format!(r#"{{"error":{{"message":"{KEY}"}}}}"#)])),
            Act::Close,
        ],
        vec![send(format!("HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n")), Act::Close],
        vec![Act::Reset],
    ];
    for script in echoes {
        let server = Server::start(vec![script]).await;
        let client = client_with(&server, |options| options.max_retries(0));
        let shown = format!("{client:?} {:?}", client.raw());
        assert!(!shown.contains(KEY), "{shown}");
        let mut errors = vec![client.echo().await.unwrap_err()];
        match client.echo_stream().await {
            Ok(stream) => {
                let shown = format!("{stream:?}");
                assert!(!shown.contains(KEY), "{shown}");
                errors.extend(read(stream).await.1);
            }
            Err(error) => errors.push(error),
        }
        for error in errors {
            let body = error.details().body.clone().unwrap_or_default();
            let mut shown = format!("{error} {error:?} {error:#?} {body}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                shown += &format!("{cause} {cause:?}");
                source = cause.source();
            }
            assert!(!shown.contains(KEY), "{shown}");
        }
    }
    let builder = Client::builder().api_key(KEY);
    assert!(!format!("{builder:?}").contains(KEY));
}

/// Compiles, or does not.
#[test]
fn what_crosses_threads() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    fn send<T: Send>(_: T) {}
    send_and_sync::<Client>();
    send_and_sync::<Error>();
    send_and_sync::<crate::Response<super::Delta>>();
    let client = Client::builder().api_key(KEY).base_url("http://127.0.0.1:9/v1").build().unwrap();
    send(client.echo());
    send(client.echo_stream());
    fn stream_is_send(stream: crate::Stream<super::Text>) {
        send(stream.final_completion());
    }
    let _ = stream_is_send;
}
