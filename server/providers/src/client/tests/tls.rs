//! TLS and TCP for real, on whatever port the system gives.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::testing::answer;
use super::super::{Origin, TlsError, client_config};
use super::*;

/// A server for one connection; returns its port.
async fn serve_one(certificate: &CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let Ok(mut tls) = acceptor.accept(tcp).await else { return };
        let mut buffer = [0; 4096];
        let _ = tls.read(&mut buffer).await;
        let _ = tls.write_all(answer("200 OK", "", "over TLS").as_bytes()).await;
        let _ = tls.flush().await;
        // Open until the client closes.
        let _ = tls.read(&mut buffer).await;
    });
    port
}

async fn get(base_url: &str, ca_file: Option<&Path>) -> Result<Bytes, Failure> {
    let tls = client_config(ca_file).unwrap();
    let origin = Origin::parse(base_url).unwrap();
    let client = Client::to(&origin, Some(tls), PoolConfig::default(), Deadlines::default()).unwrap();
    client.send(&post("a")).await?.body.read_whole(100).await
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_file_only() {
    let certificate = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = std::env::temp_dir().join(format!("novai-ca-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let ca_file = dir.join("ca.pem");
    std::fs::write(&ca_file, certificate.cert.pem()).unwrap();

    let port = serve_one(&certificate).await;
    let url = format!("https://localhost:{port}/v1");
    assert_eq!(get(&url, Some(&ca_file)).await.unwrap(), "over TLS");

    let port = serve_one(&certificate).await;
    let unknown = get(&format!("https://localhost:{port}/v1"), None).await;
    assert!(matches!(unknown, Err(Failure::Connect(_))), "{unknown:?}");

    let port = serve_one(&certificate).await;
    let other_name = get(&format!("https://127.0.0.1:{port}/v1"), Some(&ca_file)).await;
    assert!(matches!(other_name, Err(Failure::Connect(_))), "{other_name:?}");

    std::fs::write(&ca_file, "no certificate").unwrap();
    assert!(matches!(client_config(Some(&ca_file)), Err(TlsError::CaFile { .. })));
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(matches!(client_config(Some(&ca_file)), Err(TlsError::CaFile { .. })));
}

#[tokio::test]
async fn nobody_listening_is_a_connect_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = get(&format!("http://127.0.0.1:{port}/v1"), None).await;
    assert!(matches!(refused, Err(Failure::Connect(_))), "{refused:?}");
}
