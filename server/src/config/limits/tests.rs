use std::path::PathBuf;

use super::super::{Config, Overrides, Problems, load};
use super::*;

fn load_text(text: &str) -> Result<Config, Problems> {
    let env = |name: &str| match name {
        "REDIS" => Some(" redis://:hunter2@redis.internal/0 ".to_owned()),
        "BROKEN" => Some("hunter2".to_owned()),
        _ => None,
    };
    let overrides = Overrides { data_dir: Some(PathBuf::from("unused")), ..Overrides::default() };
    load(Some(("novai.toml", text)), overrides, &env)
}

fn settings(text: &str) -> RateLimits {
    load_text(text).unwrap_or_else(|problems| panic!("{problems}")).rate_limits
}

#[test]
fn every_limit_is_where_it_belongs() {
    let RateLimits { policy, store } = settings(
        r#"
        [limits]
        output_tokens = 100
        on_store_failure = "closed"
        [limits.global]
        rpm = 10_000
        [limits.key]
        tpm = 20
        on_store_failure = "open"
        [limits.tenant]
        concurrent = 3
        rpm = 7
        [[limits.tenants]]
        name = "acme"
        rpm = 4
        [[limits.models]]
        id = "gpt"
        tpm = 5
        output_tokens = 6
        "#,
    );
    assert!(matches!(store, Store::Memory { scopes_max: SCOPES_MAX_DEFAULT }));
    assert_eq!(policy.output_tokens, 100);
    let rule = |rpm, tpm, concurrent, on_store_failure| Rule {
        spec: LimitSpec { rpm, tpm, concurrent },
        on_store_failure,
    };
    assert_eq!(policy.global, rule(Some(10_000), None, None, OnStoreFailure::Closed));
    assert_eq!(policy.key_default, rule(None, Some(20), None, OnStoreFailure::Open));
    assert_eq!(policy.tenant_default, rule(Some(7), None, Some(3), OnStoreFailure::Closed));
    assert_eq!(policy.tenants["acme"], rule(Some(4), None, Some(3), OnStoreFailure::Closed));
    let gpt = ModelRule { rule: rule(None, Some(5), None, OnStoreFailure::Closed), output_tokens: Some(6) };
    assert_eq!(policy.models["gpt"], gpt);
}

#[test]
fn the_store_is_redis_where_a_url_says_so() {
    for text in ["[limits]\nstore = \"redis://redis.internal\"", "[limits]\nstore_url_env = \"REDIS\""] {
        let text = format!("{text}\nreplicas = 3\nkey_prefix = \"blue\"\ncall_timeout_ms = 20");
        let Store::Redis(redis) = settings(&text).store else { panic!("{text}") };
        assert_eq!((redis.replicas, redis.prefix.as_str()), (3, "blue"));
        assert_eq!(redis.call_timeout, Duration::from_millis(20));
        assert!(!format!("{redis:?}").contains("hunter2"));
    }
}

#[test]
fn every_mistake_is_reported_and_no_password_with_it() {
    for (text, expected) in [
        ("[limits]\nstore = \"disk\"", "limits.store: must be \"memory\" or a Redis URL"),
        ("[limits]\nstore = \"redis://:hunter2@h\"", "limits.store: holds a password"),
        ("[limits]\nstore_url_env = \"BROKEN\"", "limits.store_url_env: must be \"memory\" or a Redis URL"),
        ("[limits]\nstore_url_env = \"NOT_SET\"", "limits.store_url_env: the environment variable"),
        (
            "[limits]\nstore = \"memory\"\nstore_url_env = \"REDIS\"",
            "limits.store_url_env: stands beside `store`",
        ),
        ("[limits]\nkey_prefix = \"a{b}\"", "limits.key_prefix: must not hold braces"),
        ("[limits]\non_store_failure = \"ajar\"", "must be \"closed\", \"share\" or \"open\""),
        ("[limits.global]\nrpm = 0", "limits.global.rpm: must be a whole number from 1"),
        ("[limits.key]\nrps = 1", "limits.key.rps: there is no such key — did you mean `rpm`?"),
        ("[[limits.models]]\nrpm = 1", "limits.models[0].id: is required"),
        (
            "[[limits.tenants]]\nname = \"a\"\n[[limits.tenants]]\nname = \"a\"",
            "limits.tenants[1].name: \"a\" has limits already",
        ),
    ] {
        let Err(problems) = load_text(text) else { panic!("accepted: {text}") };
        let report = problems.to_string();
        assert!(report.contains(expected), "missing: {expected}\nin: {report}");
        assert!(!report.contains("hunter2"), "{report}");
        assert_eq!(problems.0.len(), 1, "{report}");
    }
}
