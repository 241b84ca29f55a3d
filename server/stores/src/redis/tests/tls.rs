//! A Redis that speaks TLS, with a certificate of the operator's own authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use novai_core::limits::{Demand, LimitStore};
use novai_core::limits::{OnStoreFailure, Refusal, TokioClock};

use super::server::Server;
use super::world::rpm;
use crate::redis::{RedisSettings, RedisStore};

/// Its own authority, too.
fn certify(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

fn settings(server: &Server, ca_file: Option<PathBuf>) -> RedisSettings {
    let mut settings = RedisSettings::new(&format!("rediss://127.0.0.1:{}", server.port())).unwrap();
    settings.ca_file = ca_file;
    settings.call_timeout = Duration::from_secs(10);
    settings
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_it_is_named() {
    let Some(server) = Server::start_tls(certify) else { return };
    let theirs = tempfile::tempdir().unwrap();
    certify(theirs.path());
    let of = |folder: &Path| Some(folder.join("certificate.pem"));
    let cases = [
        ("the authority's file", of(server.folder()), true),
        ("public authorities", None, false),
        ("another authority", of(theirs.path()), false),
    ];
    for (trusted, ca_file, is_trusted) in cases {
        let store = RedisStore::new(&settings(&server, ca_file), Arc::new(TokioClock::new())).unwrap();
        let limits = rpm(5, OnStoreFailure::Closed);
        let admission = store.admit(Demand { limits: limits.clone(), tokens: 0 }).resolve().await;
        match admission {
            Ok(permit) => assert!(is_trusted && !permit.snapshot().is_degraded, "{trusted}"),
            Err(Refusal::Unavailable { .. }) => {
                assert!(!is_trusted, "{trusted}");
                let why = store.inner.calls.admit("", &limits, 0).await.unwrap_err().to_string();
                assert!(why.contains("certificate"), "{trusted}: an operator reads this in the log: {why}");
            }
            Err(other) => panic!("{trusted}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_authority_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "nothing").unwrap();
    for (file, expected) in [("absent.pem", "No such file"), ("empty.pem", "certificate")] {
        let mut settings = RedisSettings::new("rediss://127.0.0.1:6379").unwrap();
        settings.ca_file = Some(folder.path().join(file));
        let why = RedisStore::new(&settings, Arc::new(TokioClock::new())).err().expect("refused").to_string();
        assert!(why.contains(expected) && why.contains(file), "{file}: {why}");
    }
}
