//! What neither end may be upset by.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use novai_core::{Completion, Error, Provider, RejectionReason, ResponseMeta};
use novai_rpc::MESSAGE_BYTES_MAX;
use novai_rpc::v1::inference_service_client::InferenceServiceClient;
use novai_rpc::v1::{ChatRequest, Target};
use tonic::Code;

use crate::support::provider::Scripted;
use crate::support::worker::Worker;
use crate::support::{PROVIDER, REQUEST, call, call_of, remote, within};

fn padded(bytes: usize) -> String {
    let head = r#"{"model":"m","messages":[{"role":"user","content":""#;
    let tail = r#""}]}"#;
    format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len()))
}

#[tokio::test]
async fn messages_up_to_50_mib_cross_and_larger_ones_are_refused_by_whoever_would_send_them() {
    let fits = MESSAGE_BYTES_MAX - 64 * 1024;
    let worker = Worker::start(Scripted::new().completes(|call| {
        // As large as the request; one byte larger if it asks so.
        let extra = usize::from(call.raw.ends_with(b" "));
        let json = Bytes::from(vec![b'1'; call.raw.len() + extra]);
        std::future::ready(Ok(Completion { json, usage: None, meta: ResponseMeta::default() }))
    }));
    let remote = remote(&[worker.url()]);
    let answer = within("50 MiB", remote.complete(call_of(&padded(fits)))).await.unwrap();
    assert_eq!(answer.json.len(), fits);

    let error = within("the refusal", remote.complete(call_of(&padded(fits + 1)))).await.unwrap_err();
    let Error::ProviderRejected { rejection, .. } = error else { panic!("{error:?}") };
    assert_eq!(rejection.reason, RejectionReason::TooLarge);

    let too_large_an_answer = format!("{} ", padded(fits - 1));
    let error = within("the refusal", remote.complete(call_of(&too_large_an_answer))).await.unwrap_err();
    assert!(matches!(error, Error::ProviderMalformed { .. }), "{error:?}");
    // The connection has survived all of it.
    within("the next call", remote.complete(call())).await.unwrap();
}

/// Strangers with a gRPC client of their own.
#[tokio::test]
async fn requests_that_no_gateway_would_send_are_refused_with_a_reason() {
    let worker = Worker::start(Scripted::new());
    let mut client = InferenceServiceClient::connect(worker.url()).await.unwrap();
    let target = |provider: &str| Some(Target { provider: provider.into(), upstream_model: "m".into() });
    let cases = [
        (None, REQUEST, Code::NotFound, "no provider called \"\""),
        (target("nobody"), REQUEST, Code::NotFound, "no provider called \"nobody\""),
        (target(PROVIDER), "", Code::InvalidArgument, "not what the API describes"),
        (target(PROVIDER), "[]", Code::InvalidArgument, "not what the API describes"),
        (target(PROVIDER), r#"{"model":"m","messages":[]}"#, Code::InvalidArgument, "messages"),
    ];
    for (target, json, code, message) in cases {
        let request = ChatRequest { target, json: Bytes::from_static(json.as_bytes()) };
        let status = within("the refusal", client.chat(request)).await.unwrap_err();
        assert_eq!(status.code(), code, "{json}: {status}");
        assert!(status.message().contains(message), "{json}: {status}");
        assert!(!status.details().is_empty(), "{json}");
    }
    let mut larger = client.max_encoding_message_size(usize::MAX);
    let request = ChatRequest { target: target(PROVIDER), json: Bytes::from(vec![b'x'; MESSAGE_BYTES_MAX]) };
    let status = within("the refusal", larger.chat(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
}

#[tokio::test]
async fn garbage_on_the_port_ends_its_own_connection_only() {
    let worker = Worker::start(Scripted::new());
    let remote = remote(&[worker.url()]);
    let address = worker.address;
    let frame = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    for garbage in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0; 1024], frame, b"\x16\x03\x01\x02\x00\x01"]
    {
        let garbage = garbage.to_vec();
        let closed = tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(&garbage).unwrap();
            // It may have closed the connection by now.
            let _ = socket.shutdown(std::net::Shutdown::Write);
            // Whatever it answers, it ends: with an end or a reset.
            let _ = socket.read_to_end(&mut Vec::new());
        });
        within("the connection's end", closed).await.unwrap();
        within("a call beside it", remote.complete(call())).await.unwrap();
    }
}

/// The URL of something else: a plain HTTP server.
#[tokio::test]
async fn a_worker_that_is_none_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let error = within("the refusal", remote(&[url]).complete(call())).await.unwrap_err();
    assert!(matches!(error, Error::ProviderUnavailable { .. }), "{error:?}");
}
