//! What a token may say, and whether it is taken then.

use serde_json::{Value, json};

use super::NOW_S;

/// (header, is it taken)
pub fn headers() -> Vec<(Value, bool)> {
    vec![
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
    ]
}

/// (what differs from good claims, is it taken)
pub fn claims() -> Vec<(Value, bool)> {
    vec![
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
    ]
}

/// Texts in place of claims, none of which is taken.
pub const NO_CLAIMS: [&str; 6] = [
    r#"{"iss":"https://login.example","aud":"novai","sub":"u","tier":"free","exp":1e400}"#,
    r#"{"iss":"https://login.example","aud":"novai","sub":"u","tier":"free","exp":1e10}"#,
    "[]",
    "null",
    "",
    "{",
];
