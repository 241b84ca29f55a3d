//! Tokens over HTTP: every attack of the catalogue beside a checkout, and what a good one may do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Sign, EncodingKey};
use novai_core::{LimitSpec, Scope, SystemClock};
use novai_http::tokens::{Algorithm, KeySet, Tier, TokenPolicy, Tokens};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::security::catalogue;
use crate::support::client::Answer;
use crate::support::{Running, Setup, request, send};

/// In the year 2100.
const LATER_S: u64 = 4_102_444_800;

/// Its own keys sign nothing any more: `old` was withdrawn.
struct Issuer {
    current: EncodingKey,
    withdrawn: EncodingKey,
}

impl Issuer {
    fn new() -> Self {
        Issuer { current: ec_key(), withdrawn: ec_key() }
    }

    fn tokens(&self) -> Arc<Tokens> {
        let mut jwk = Jwk::from_encoding_key(&self.current, Sign::ES256).unwrap();
        jwk.common.key_id = Some("current".to_owned());
        let algorithms = vec![Algorithm::from_name("ES256").unwrap()];
        let document = json!({"keys": [jwk]}).to_string();
        let keys = KeySet::of_jwks(document.as_bytes(), &algorithms).unwrap();
        let free = Tier {
            scopes: [Scope::Inference].into_iter().collect(),
            models: Some(Arc::from([Box::from("plain")])),
            limits: LimitSpec { rpm: Some(7), ..LimitSpec::default() },
            ..Tier::default()
        };
        let policy = TokenPolicy {
            algorithms,
            issuer: "https://login.example".to_owned(),
            audiences: vec!["novai".to_owned()],
            types: vec!["JWT".to_owned(), "at+jwt".to_owned()],
            leeway: Duration::from_secs(30),
            tier_claim: "tier".to_owned(),
            tenant_claim: None,
            tiers: HashMap::from([("free".to_owned(), free)]),
            tier_default: None,
        };
        Arc::new(Tokens::new(policy, keys, Arc::new(SystemClock)))
    }
}

fn ec_key() -> EncodingKey {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap()
}

fn signed(key: &EncodingKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Sign::ES256).unwrap();
    format!("{message}.{signature}")
}

fn header(more: Value) -> String {
    let mut header = json!({"alg": "ES256", "kid": "current"});
    for (name, value) in more.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

fn claims(more: Value) -> String {
    let mut claims = json!({
        "iss": "https://login.example", "aud": "novai", "sub": "user-1", "tier": "free", "exp": LATER_S,
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.to_string()
}

async fn call(gateway: &Running, path: &str, token: &str) -> Answer {
    let header = format!("Authorization: Bearer {token}");
    send(gateway.address, &request("GET", path, &[&header], "")).await
}

/// The tokens that a case of the catalogue stands for.
fn attacks(case: &str, issuer: &Issuer, canary: &str) -> Vec<String> {
    let good = signed(&issuer.current, &header(json!({})), &claims(json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let with_claims = |more: Value| signed(&issuer.current, &header(json!({})), &claims(more));
    let with_header = |more: Value| signed(&issuer.current, &header(more), &claims(json!({})));
    let raw_exp = |exp: &str| {
        let claims = claims(json!({})).replace(&LATER_S.to_string(), exp);
        signed(&issuer.current, &header(json!({})), &claims)
    };
    match case.split(' ').take(2).collect::<Vec<_>>().join(" ").as_str() {
        "alg none" => ["none", "None", "NONE", "nOnE"]
            .into_iter()
            .flat_map(|alg| {
                let head = URL_SAFE_NO_PAD.encode(header(json!({"alg": alg})));
                let body = URL_SAFE_NO_PAD.encode(claims(json!({})));
                [format!("{head}.{body}."), format!("{head}.{body}.{signature}")]
            })
            .collect(),
        "alg ES256" => vec![
            format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
            format!("{message}.{}", URL_SAFE_NO_PAD.encode([0xff; 64])),
        ],
        "kid SQL" => ["' OR 1=1 --", "current' --", "../../../../dev/null", "", "current\0"]
            .into_iter()
            .map(|kid| with_header(json!({"kid": kid})))
            .collect(),
        "jwk embedded" => {
            let own = ec_key();
            let jwk = Jwk::from_encoding_key(&own, Sign::ES256).unwrap();
            let urls =
                json!({"jwk": jwk, "jku": format!("http://{canary}/"), "x5u": format!("http://{canary}/")});
            vec![signed(&own, &header(urls), &claims(json!({})))]
        }
        "nbf in" => vec![with_claims(json!({"nbf": LATER_S}))],
        "aud wrong" => vec![
            with_claims(json!({"aud": "other"})),
            with_claims(json!({"aud": ["other"]})),
            with_claims(json!({"aud": null})),
        ],
        "typ wrong" => ["id+jwt", "dpop+jwt", "logout+jwt"]
            .into_iter()
            .map(|typ| with_header(json!({"typ": typ})))
            .collect(),
        "exp as" => ["\"4102444800\"", "4102444800.5", "4.1e9", "1e400", "-1", "null"].map(raw_exp).into(),
        "trailing garbage" => {
            // 64 bytes leave four bits over, which are zero in the one right text.
            let loose = char::from(signature.as_bytes()[85] + 1);
            vec![
                format!("{good}garbage"),
                format!("{good}.garbage"),
                format!("{good}=="),
                format!("{message}.{}{loose}", &signature[..85]),
            ]
        }
        "2 MB" => {
            vec![format!("{message}.{}", "A".repeat(2_000_000)), format!("{good}{}", "A".repeat(60_000))]
        }
        "rotated key:" => vec![
            signed(&issuer.withdrawn, &header(json!({"kid": "withdrawn"})), &claims(json!({}))),
            signed(&issuer.withdrawn, &header(json!({})), &claims(json!({}))),
        ],
        other => panic!("a new case: teach this test `{other}`"),
    }
}

#[tokio::test]
async fn no_known_attack_on_tokens_succeeds() {
    let Some(cases) = catalogue() else {
        println!("skipped: ../shared is absent");
        return;
    };
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let canary_address = canary.local_addr().unwrap().to_string();
    let issuer = Issuer::new();
    let gateway = Setup { tokens: Some(issuer.tokens()), ..Setup::default() }.start().await;
    let good = signed(&issuer.current, &header(json!({})), &claims(json!({})));
    assert_eq!(call(&gateway, "/v1/models", &good).await.status, 200, "so the attacks differ in one thing");

    let mut tried = 0;
    let mut bodies = std::collections::HashSet::new();
    for case in cases.iter().filter_map(|case| case["jwt"].as_str()) {
        for token in attacks(case, &issuer, &canary_address) {
            let answer = call(&gateway, "/v1/models", &token).await;
            tried += 1;
            // A head beyond 64 KiB is refused before anybody looks for a token in it.
            if token.len() > 64 * 1024 {
                assert_eq!(answer.status, 431, "{case}");
                continue;
            }
            let shown: String = token.chars().take(60).collect();
            assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"), "{case}: {shown}");
            assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"), "{case}");
            bodies.insert(answer.body);
        }
    }
    assert!(tried > 30, "{tried}");
    assert_eq!(bodies.len(), 1, "one body for all of them: {bodies:?}");
    let nobody = tokio::time::timeout(Duration::ZERO, canary.accept()).await;
    assert!(nobody.is_err(), "a token made the gateway connect somewhere");
    let log = gateway.log.text();
    assert!(!log.contains(&good[..40]) && !log.contains("OR 1=1"), "{log}");
}

#[tokio::test]
async fn a_good_token_may_do_what_its_tier_says() {
    let issuer = Issuer::new();
    let gateway = Setup { tokens: Some(issuer.tokens()), ..Setup::default() }.start().await;
    let good = signed(&issuer.current, &header(json!({"typ": "at+jwt"})), &claims(json!({})));
    let models = call(&gateway, "/v1/models", &good).await;
    assert_eq!(models.json()["data"].as_array().unwrap().len(), 1, "{}", models.body);
    assert_eq!(models.header("x-ratelimit-limit-requests"), Some("7"));
    let refused = call(&gateway, "/v1/admin/keys", &good).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "permission_denied"));
    let other_tier = signed(&issuer.current, &header(json!({})), &claims(json!({"tier": "gold"})));
    let refused = call(&gateway, "/v1/models", &other_tier).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "permission_denied"));
    // Where keys go, tokens do not.
    let bytes =
        format!("GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {good}\r\n\r\n");
    assert_eq!(send(gateway.address, bytes.as_bytes()).await.status, 401);
    let lines = gateway.stop().await;
    assert_eq!(lines[0]["key_id"], "jwt:user-1");
}
