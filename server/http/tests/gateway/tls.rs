//! TLS by certificate files, HTTP/1.1 and HTTP/2 by ALPN.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use novai_http::listener::TlsFiles;
use rustls_pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::client::{chat_to, parse, read_rest};
use crate::support::{GOOD_KEY, Running, Setup, within};

struct Certificate {
    files: TlsFiles,
    roots: rustls::RootCertStore,
    _dir: tempfile::TempDir,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, pem: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let files = TlsFiles {
        certificate: write("cert.pem", made.cert.pem()),
        key: write("key.pem", made.signing_key.serialize_pem()),
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    Certificate { files, roots, _dir: dir }
}

async fn connect(gateway: &Running, roots: rustls::RootCertStore, alpn: &[&str]) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let socket = TcpStream::connect(gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    within("a hand-shake", TlsConnector::from(Arc::new(config)).connect(name, socket)).await.unwrap()
}

#[tokio::test]
async fn http_1_over_tls() {
    let certificate = certificate();
    let gateway = Setup { tls: Some(certificate.files.clone()), ..Setup::default() }.start().await;
    let mut stream = connect(&gateway, certificate.roots, &["http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    stream.write_all(&chat_to("plain", true)).await.unwrap();
    let answer = parse(&within("an answer", read_rest(&mut stream)).await);
    assert_eq!(answer.status, 200);
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn http_2_over_tls_many_at_once() {
    let certificate = certificate();
    let gateway = Setup { tls: Some(certificate.files.clone()), ..Setup::default() }.start().await;
    let stream = connect(&gateway, certificate.roots, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let ask = |model: &'static str, is_stream: bool| {
        let mut sender = sender.clone();
        let body = format!(
            r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"stream":{is_stream}}}"#
        );
        async move {
            let request = http::Request::post("https://localhost/v1/chat/completions")
                .header("authorization", format!("Bearer {GOOD_KEY}"))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body)))
                .unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let asked = (0..50).map(|number| ask(["plain", "broken", "panic"][number % 3], number % 2 == 0));
    let answers = within("fifty answers", futures_util::future::join_all(asked)).await;
    for (number, (status, body)) in answers.into_iter().enumerate() {
        let expected = if number % 3 == 2 && number % 2 == 1 { 500 } else { 200 };
        assert_eq!(status, expected, "{number}: {body}");
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_hurts_nobody() {
    let certificate = certificate();
    let gateway = Setup { tls: Some(certificate.files.clone()), ..Setup::default() }.start().await;
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    within("the connection's end", read_rest(&mut socket)).await;
    connect(&gateway, certificate.roots, &[]).await;
}

#[test]
fn files_that_do_not_work_are_named() {
    let good = certificate();
    let other = certificate();
    let swapped = TlsFiles { certificate: good.files.key.clone(), key: good.files.certificate.clone() };
    let mismatched = TlsFiles { certificate: good.files.certificate.clone(), key: other.files.key.clone() };
    let absent =
        TlsFiles { certificate: Path::new("/nowhere/cert.pem").to_owned(), key: good.files.key.clone() };
    for (files, message) in [
        (swapped, "holds no certificate"),
        (mismatched, "do not work together"),
        (absent, "cannot read the TLS certificate /nowhere/cert.pem"),
    ] {
        let error = files.acceptor().err().expect(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}
