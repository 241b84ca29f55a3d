//! Documents of keys: how they are read, and how they are followed.

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use novai_core::KeySetSource;
use novai_core::error::BoxError;
use serde_json::{Value, json};

use super::super::*;
use super::signer::Signer;
use super::{Standing, claims, policy};

#[test]
fn key_sets_are_read_with_care() {
    let signer = Signer::new("ES256");
    let allowed = policy(&["ES256", "RS256"]).algorithms;
    let with = |changes: Value| {
        let mut jwk = signer.jwk("k");
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        json!({"keys": [jwk]}).to_string()
    };
    let many = json!({"keys": vec![signer.jwk("k"); 33]}).to_string();
    let beside_others =
        json!({"keys": [{"kty": "new"}, 7, null, {"kty": "oct", "k": "AAAA"}, signer.jwk("k")]});
    let symmetric = json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "k"}]}).to_string();
    let cases = [
        (with(json!({})), Ok(1)),
        (beside_others.to_string(), Ok(1)),
        (with(json!({"use": "enc"})), Err(KeySetError::NoKey)),
        (with(json!({"alg": "ES384"})), Err(KeySetError::NoKey)),
        (symmetric, Err(KeySetError::NoKey)),
        (many, Err(KeySetError::TooMany)),
        (r#"{"keys":[]}"#.to_owned(), Err(KeySetError::NoKey)),
        ("[]".to_owned(), Err(KeySetError::NotJwks)),
        ("<html>".to_owned(), Err(KeySetError::NotJwks)),
    ];
    for (document, expected) in cases {
        let read = KeySet::of_jwks(document.as_bytes(), &allowed);
        let es256 = Algorithm::from_name("ES256").unwrap();
        assert_eq!(read.map(|keys| keys.candidates(es256, Some("k")).count()), expected, "{document:.80}");
    }
    assert_eq!(KeySet::of_pem(b"no", &allowed).err(), Some(KeySetError::NotPem));
    let unwanted = KeySet::of_pem(signer.public_pem.as_bytes(), &policy(&["RS256"]).algorithms).err();
    assert_eq!(unwanted, Some(KeySetError::NoKey));
}

/// A document that changes when it is told to, and counts its readers.
#[derive(Default)]
struct Published {
    document: Mutex<Option<String>>,
    reads: Mutex<u32>,
}

impl KeySetSource for Published {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        *self.reads.lock().unwrap() += 1;
        let document = self.document.lock().unwrap().clone();
        Box::pin(async move { document.map(Bytes::from).ok_or_else(|| "it is gone".into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn key_sets_follow_their_document() {
    let (old, new) = (Signer::new("ES256"), Signer::new("ES256"));
    let tokens = Arc::new(Tokens::new(policy(&["ES256"]), KeySet::empty(), Arc::new(Standing)));
    let published = Arc::new(Published::default());
    let publish = |keys: Value| *published.document.lock().unwrap() = Some(json!({"keys": keys}).to_string());
    let of = |signer: &Signer, id: &str| signer.sign(&json!({"alg": "ES256", "kid": id}), &claims());
    let is_taken = |signer: &Signer, id: &str| tokens.principal(&of(signer, id)).is_ok();
    let reads = || *published.reads.lock().unwrap();
    let pass = async |seconds: u64| tokio::time::sleep(Duration::from_millis(1000 * seconds + 1)).await;

    publish(json!([old.jwk("old")]));
    assert!(!is_taken(&old, "old"), "no key yet");
    let fresh = tokio::spawn(Arc::clone(&tokens).keep_fresh(Arc::clone(&published) as Arc<dyn KeySetSource>));
    pass(1).await;
    assert!(is_taken(&old, "old"));
    assert!(!is_taken(&new, "old"), "another key under its name");

    // Rotated: a token with the new key makes it be read, though not at once, and not again and again.
    publish(json!([new.jwk("new")]));
    for _ in 0..1000 {
        assert!(!is_taken(&new, "new"));
    }
    pass(30).await;
    assert!(is_taken(&new, "new"));
    assert!(!is_taken(&old, "old"), "withdrawn");
    assert!(reads() <= 3, "{}", reads());

    // What cannot be read is kept for a day, and no longer.
    *published.document.lock().unwrap() = None;
    pass(12 * 3600).await;
    assert!(is_taken(&new, "new"));
    pass(13 * 3600).await;
    assert!(!is_taken(&new, "new"));
    publish(json!([new.jwk("new")]));
    pass(31).await;
    assert!(is_taken(&new, "new"));
    fresh.abort();
}
