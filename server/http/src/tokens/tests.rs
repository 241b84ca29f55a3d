use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use novai_core::error::BoxError;
use novai_core::{KeySetSource, LimitSpec, Scope, Scopes, Secret};
use serde_json::{Value, json};

use super::*;

const NOW_S: u64 = 1_800_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct Standing;

impl Clock for Standing {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(NOW_S)
    }
}

struct Signer {
    key: EncodingKey,
    algorithm: jsonwebtoken::Algorithm,
    public_pem: String,
    public_raw: Vec<u8>,
}

impl Signer {
    fn new(name: &str) -> Self {
        if name == "RS256" {
            return Signer::rsa();
        }
        let (kind, algorithm) = match name {
            "ES256" => (&rcgen::PKCS_ECDSA_P256_SHA256, jsonwebtoken::Algorithm::ES256),
            "ES384" => (&rcgen::PKCS_ECDSA_P384_SHA384, jsonwebtoken::Algorithm::ES384),
            _ => (&rcgen::PKCS_ED25519, jsonwebtoken::Algorithm::EdDSA),
        };
        let pair = rcgen::KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let key = match name {
            "ES256" | "ES384" => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_ed_pem(pem.as_bytes()),
        };
        Signer {
            key: key.unwrap(),
            algorithm,
            public_pem: pair.public_key_pem(),
            public_raw: pair.public_key_raw().to_vec(),
        }
    }

    fn rsa() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let pem = |name: &str, der: &[u8]| {
            let text = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN {name}-----\n{text}\n-----END {name}-----\n")
        };
        let key = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes()).unwrap();
        let public_pem = pem("PUBLIC KEY", public.as_ref());
        Signer { key, algorithm: jsonwebtoken::Algorithm::RS256, public_pem, public_raw: Vec::new() }
    }

    fn symmetric() -> Self {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        Signer {
            key,
            algorithm: jsonwebtoken::Algorithm::HS256,
            public_pem: String::new(),
            public_raw: Vec::new(),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn jwk(&self, id: &str) -> Value {
        if self.algorithm == jsonwebtoken::Algorithm::EdDSA {
            let x = URL_SAFE_NO_PAD.encode(&self.public_raw);
            return json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id});
        }
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }
}

fn policy(algorithms: &[&str]) -> TokenPolicy {
    let free = Tier {
        scopes: [Scope::Inference].into_iter().collect(),
        limits: LimitSpec { rpm: Some(10), ..LimitSpec::default() },
        ..Tier::default()
    };
    let pro = Tier { scopes: Scopes::all(), ..Tier::default() };
    TokenPolicy {
        algorithms: algorithms.iter().map(|name| Algorithm::from_name(name).unwrap()).collect(),
        issuer: "https://login.example".to_owned(),
        audiences: vec!["novai".to_owned(), "https://api.example".to_owned()],
        types: vec!["JWT".to_owned(), "at+jwt".to_owned()],
        leeway: Duration::from_secs(30),
        tier_claim: "tier".to_owned(),
        tenant_claim: Some("org".to_owned()),
        tiers: HashMap::from([("free".to_owned(), free), ("pro".to_owned(), pro)]),
        tier_default: None,
    }
}

fn symmetric() -> Tokens {
    let policy = policy(&["HS256", "HS384"]);
    let keys = KeySet::of_secret(&Secret::new(SECRET.to_owned()), &policy.algorithms);
    Tokens::new(policy, keys, Arc::new(Standing))
}

fn claims() -> Value {
    json!({"iss": "https://login.example", "aud": "novai", "sub": "u-1", "tier": "free", "exp": NOW_S + 60})
}

/// [`claims`] with some of them replaced; null takes one away.
fn claims_with(changes: Value) -> Value {
    let mut all = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
            value => all[name] = value.clone(),
        }
    }
    all
}

#[test]
fn every_algorithm_signs_for_its_own_key_only() {
    let names = ["RS256", "ES256", "ES384", "EdDSA"];
    let signers: Vec<Signer> = names.iter().map(|name| Signer::new(name)).collect();
    for (name, signer) in names.iter().zip(&signers) {
        let policy = policy(&names);
        let pem = KeySet::of_pem(signer.public_pem.as_bytes(), &policy.algorithms).unwrap();
        let document = json!({"keys": [signer.jwk("k")]}).to_string();
        let jwks = KeySet::of_jwks(document.as_bytes(), &policy.algorithms).unwrap();
        for keys in [pem, jwks] {
            let tokens = Tokens::new(policy.clone(), keys, Arc::new(Standing));
            for (other, candidate) in names.iter().zip(&signers) {
                let token = candidate.sign(&json!({"alg": other, "kid": "k"}), &claims());
                assert_eq!(tokens.principal(&token).is_ok(), name == other, "{other} on a key of {name}");
                // The right signature under another name.
                let renamed = candidate.sign(&json!({"alg": name}), &claims());
                assert_eq!(tokens.principal(&renamed).is_ok(), name == other, "{other} called {name}");
            }
        }
    }
    // The classic: the public key, used as a shared secret.
    let rsa = &signers[0];
    let both = policy(&["RS256", "HS256"]);
    let keys = KeySet::of_pem(rsa.public_pem.as_bytes(), &both.algorithms).unwrap();
    let tokens = Tokens::new(both, keys, Arc::new(Standing));
    let forger = Signer { key: EncodingKey::from_secret(rsa.public_pem.as_bytes()), ..Signer::symmetric() };
    assert!(tokens.principal(&forger.sign(&json!({"alg": "HS256"}), &claims())).is_err());
}

#[test]
fn headers() {
    let tokens = symmetric();
    let signer = Signer::symmetric();
    // (header, is it taken)
    let cases = [
        (json!({"alg": "HS256"}), true),
        (json!({"alg": "HS256", "typ": "JWT"}), true),
        (json!({"alg": "HS256", "typ": "jwt"}), true),
        (json!({"alg": "HS256", "typ": "application/at+jwt"}), true),
        (json!({"alg": "HS256", "kid": "' OR 1=1 --"}), true),
        (
            json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://canary/", "x5u": "x"}),
            true,
        ),
        (json!({"alg": "HS256", "typ": "id+jwt"}), false),
        (json!({"alg": "HS256", "typ": "dpop+jwt"}), false),
        (json!({"alg": "HS256", "typ": 7}), false),
        (json!({"alg": "HS256", "crit": ["exp"]}), false),
        (json!({"alg": "HS256", "crit": []}), false),
        (json!({"alg": "HS384"}), false),
        (json!({"alg": "HS512"}), false),
        (json!({"alg": "hs256"}), false),
        (json!({"alg": "none"}), false),
        (json!({"alg": "None"}), false),
        (json!({"alg": "NONE"}), false),
        (json!({"alg": "nOnE"}), false),
        (json!({"alg": ["HS256"]}), false),
        (json!({"typ": "JWT"}), false),
        (json!([]), false),
    ];
    for (header, expected) in cases {
        let token = signer.sign(&header, &claims());
        assert_eq!(tokens.principal(&token).is_ok(), expected, "{header}");
    }
    assert!(
        tokens
            .principal(&signer.sign_text(r#"{"alg":"none","alg":"HS256"}"#, &claims().to_string()))
            .is_err()
    );
}

#[test]
fn claims_are_checked() {
    let tokens = symmetric();
    let signer = Signer::symmetric();
    // (what differs, is it taken)
    let cases = [
        (json!({}), true),
        (json!({"iss": "https://other.example"}), false),
        (json!({"iss": "https://login.example/"}), false),
        (json!({"iss": ["https://login.example"]}), false),
        (json!({"iss": null}), false),
        (json!({"aud": "other"}), false),
        (json!({"aud": ["other", "more"]}), false),
        (json!({"aud": []}), false),
        (json!({"aud": null}), false),
        (json!({"aud": {"novai": 1}}), false),
        (json!({"aud": ["novai", 7]}), false),
        (json!({"aud": ["other", "https://api.example"]}), true),
        (json!({"exp": NOW_S - 29}), true),
        (json!({"exp": NOW_S - 30}), false),
        (json!({"exp": null}), false),
        (json!({"exp": (NOW_S + 60).to_string()}), false),
        (json!({"exp": NOW_S as f64 + 60.5}), false),
        (json!({"exp": -1}), false),
        (json!({"exp": true}), false),
        (json!({"nbf": NOW_S + 30}), true),
        (json!({"nbf": NOW_S + 31}), false),
        (json!({"nbf": "0"}), false),
        (json!({"nbf": 0.5}), false),
        (json!({"sub": null}), false),
        (json!({"sub": ""}), false),
        (json!({"sub": 7}), false),
        (json!({"sub": "a\r\nb"}), false),
        (json!({"sub": "a b"}), false),
        (json!({"sub": "ü"}), false),
        (json!({"sub": "x".repeat(201)}), false),
        (json!({"sub": "auth0|507f1f77bcf86cd799439011"}), true),
        (json!({"org": "acme"}), true),
        (json!({"org": "a b"}), false),
    ];
    for (changes, expected) in cases {
        let token = signer.sign(&json!({"alg": "HS256"}), &claims_with(changes.clone()));
        assert_eq!(tokens.principal(&token).is_ok(), expected, "{changes}");
    }
    for text in [
        r#"{"iss":"https://login.example","aud":"novai","sub":"u","tier":"free","exp":1e400}"#,
        r#"{"iss":"https://login.example","aud":"novai","sub":"u","tier":"free","exp":1e10}"#,
        "[]",
        "null",
        "",
        "{",
    ] {
        assert!(tokens.principal(&signer.sign_text(r#"{"alg":"HS256"}"#, text)).is_err(), "{text}");
    }
}

#[test]
fn only_the_one_text_of_a_token_is_taken() {
    let tokens = symmetric();
    let good = Signer::symmetric().sign(&json!({"alg": "HS256"}), &claims());
    assert!(tokens.principal(&good).is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    // 32 bytes are 42 characters and a half: two bits of the last one are left over.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let twisted = format!("{message}.{}{other}", &signature[..signature.len() - 1]);
    let standard = format!("{message}.{}+", &signature[..signature.len() - 1]);
    let cases = [
        twisted,
        standard,
        format!("{good}="),
        format!("{good}garbage"),
        format!("{good}.garbage"),
        format!("{good}."),
        format!(".{good}"),
        format!("{message}."),
        format!("{message}.{}", &signature[..20]),
        message.to_owned(),
        "eyJhbGciOiJIUzI1NiJ9..".to_owned(),
        "..".to_owned(),
        String::new(),
        format!("{message}.{}", "A".repeat(2_000_000)),
        format!("{}{good}", "A".repeat(2_000_000)),
    ];
    for token in cases {
        let shown: String = token.chars().rev().take(30).collect();
        assert!(tokens.principal(&token).is_err(), "{shown}");
    }
}

#[test]
fn a_signature_of_zeroes_is_none() {
    let signer = Signer::new("ES256");
    let policy = policy(&["ES256"]);
    let keys = KeySet::of_pem(signer.public_pem.as_bytes(), &policy.algorithms).unwrap();
    let tokens = Tokens::new(policy, keys, Arc::new(Standing));
    let good = signer.sign(&json!({"alg": "ES256"}), &claims());
    let message = good.rsplit_once('.').unwrap().0;
    for bytes in [vec![0; 64], vec![0; 63], vec![0; 65], vec![0xff; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0]] {
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes));
        assert!(tokens.principal(&token).is_err());
    }
}

#[test]
fn tiers_say_what_the_holder_may_do() {
    let mut tokens = symmetric();
    let signer = Signer::symmetric();
    let of = |tokens: &Tokens, changes| {
        tokens.principal(&signer.sign(&json!({"alg": "HS256"}), &claims_with(changes)))
    };
    let free = of(&tokens, json!({"org": "acme"})).unwrap();
    assert_eq!((&*free.id, free.tenant.as_deref(), free.limits.rpm), ("jwt:u-1", Some("acme"), Some(10)));
    assert!(!free.scopes.has(Scope::Admin));
    assert!(of(&tokens, json!({"tier": "pro"})).unwrap().scopes.has(Scope::Admin));
    for tier in [json!("gold"), json!("FREE"), json!(["pro"]), Value::Null] {
        assert_eq!(of(&tokens, json!({"tier": tier})), Err(TokenError::UnknownTier));
    }
    tokens.policy.tier_default = Some("free".to_owned());
    assert_eq!(of(&tokens, json!({"tier": null})).unwrap().limits.rpm, Some(10));
    assert_eq!(of(&tokens, json!({"tier": "gold"})), Err(TokenError::UnknownTier), "a wrong one is not none");
}

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
