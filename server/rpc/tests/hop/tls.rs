//! mTLS by files: who may talk to whom.

use std::path::PathBuf;
use std::sync::Arc;

use novai_core::{Deadlines, Error, Provider};
use novai_rpc::worker::Limits;
use novai_rpc::{ClientTls, ServerTls, TlsError};

use crate::support::authority::Authority;
use crate::support::provider::Scripted;
use crate::support::worker::Worker;
use crate::support::{call, remote_with, within};

#[tokio::test]
async fn both_ends_show_a_certificate_and_strangers_get_nothing() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (certificate_file, key_file) = ours.certify("worker.internal");
    let server = ServerTls { certificate_file, key_file, client_ca_file: Some(ours.ca_file()) };
    let worker = Worker::start_with(Arc::new(Scripted::new()), Some(server), Limits::default());
    let client = |ca: &Authority, identity: Option<&Authority>, name: &str| ClientTls {
        ca_file: Some(ca.ca_file()),
        identity: identity.map(|authority| authority.certify("gateway.internal")),
        server_name: Some(name.to_owned()),
    };
    // (what the gateway trusts and shows, whether they talk)
    let cases = [
        ("ours and ours", client(&ours, Some(&ours), "worker.internal"), true),
        ("no certificate", client(&ours, None, "worker.internal"), false),
        ("a stranger's certificate", client(&ours, Some(&theirs), "worker.internal"), false),
        ("a stranger's worker", client(&theirs, Some(&ours), "worker.internal"), false),
        ("another name", client(&ours, Some(&ours), "other.internal"), false),
    ];
    for (what, tls, talks) in cases {
        let remote = remote_with(&[worker.url()], tls, Deadlines::default());
        match within(what, remote.complete(call())).await {
            Ok(_) => assert!(talks, "{what}"),
            Err(Error::ProviderUnavailable { .. }) => assert!(!talks, "{what}"),
            Err(other) => panic!("{what}: {other:?}"),
        }
    }
    // Nor without TLS.
    let plain =
        remote_with(&[format!("http://{}", worker.address)], ClientTls::default(), Deadlines::default());
    let error = within("plain text", plain.complete(call())).await.unwrap_err();
    assert!(matches!(error, Error::ProviderUnavailable { .. }), "{error:?}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new();
    let (certificate_file, key_file) = authority.certify("worker.internal");
    let (_, other_key) = authority.certify("other.internal");
    let absent = authority.file("absent.pem");
    let server = |certificate: &PathBuf, key: &PathBuf, ca: Option<&PathBuf>| ServerTls {
        certificate_file: certificate.clone(),
        key_file: key.clone(),
        client_ca_file: ca.cloned(),
    };
    let cases = [
        (server(&absent, &key_file, None), "absent.pem"),
        (server(&certificate_file, &absent, None), "absent.pem"),
        (server(&key_file, &key_file, None), "holds no certificate"),
        (server(&certificate_file, &other_key, None), "do not work together"),
        (server(&certificate_file, &key_file, Some(&absent)), "absent.pem"),
        (server(&certificate_file, &key_file, Some(&key_file)), "holds no certificate"),
    ];
    for (tls, expected) in cases {
        let error: TlsError = tls.acceptor().err().unwrap();
        assert!(error.to_string().contains(expected), "{error} should say {expected:?}");
    }
}
