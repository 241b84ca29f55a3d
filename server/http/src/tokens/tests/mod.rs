//! Which tokens are taken: [`cases`] has what they say, [`signer`] signs it, [`key_sets`] is about the keys.

mod cases;
mod key_sets;
mod signer;

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use novai_core::{LimitSpec, Scope, Scopes, Secret};
use serde_json::{Value, json};

use super::*;
use signer::Signer;

const NOW_S: u64 = 1_800_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct Standing;

impl Clock for Standing {
    fn unix_time(&self) -> Duration {
        Duration::from_secs(NOW_S)
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
    for (header, expected) in cases::headers() {
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
    for (changes, expected) in cases::claims() {
        let token = signer.sign(&json!({"alg": "HS256"}), &claims_with(changes.clone()));
        assert_eq!(tokens.principal(&token).is_ok(), expected, "{changes}");
    }
    for text in cases::NO_CLAIMS {
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
