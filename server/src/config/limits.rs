//! `[limits]`: what callers may use, and where that is kept.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use novai_core::limits::limiter::{ModelRule, OUTPUT_TOKENS_DEFAULT};
use novai_core::limits::memory::SCOPES_MAX_DEFAULT;
use novai_core::limits::{LimitPolicy, LimitSpec, OnStoreFailure, Rule};
use novai_stores::redis::RedisSettings;

use super::Env;
use super::reader::{At, Section};

const URL_EXAMPLE: &str = "redis://redis.internal:6379";
/// Redis counts in doubles: exact up to 2^53.
const LIMIT_MAX: u64 = 1_000_000_000_000;

pub struct RateLimits {
    pub policy: LimitPolicy,
    pub store: Store,
}

pub enum Store {
    Memory { scopes_max: usize },
    Redis(RedisSettings),
}

pub fn limits(mut section: Section<'_>, env: Env<'_>) -> RateLimits {
    let store = store(&mut section, env);
    let on_store_failure = on_store_failure(&mut section, OnStoreFailure::default());
    let mut policy = LimitPolicy {
        output_tokens: section.integer("output_tokens", 1..=LIMIT_MAX, OUTPUT_TOKENS_DEFAULT),
        ..LimitPolicy::default()
    };
    let mut whole = |key| {
        let mut section = section.section(key);
        let rule = rule(&mut section, on_store_failure);
        section.finish();
        rule
    };
    policy.global = whole("global");
    policy.key_default = whole("key");
    policy.tenant_default = whole("tenant");
    policy.tenants = named(section.sections("tenants"), "name", "acme", |section| {
        let tenant = rule(section, on_store_failure);
        // What it leaves open is what every tenant gets.
        Rule { spec: tenant.spec.or(policy.tenant_default.spec), ..tenant }
    });
    policy.models = named(section.sections("models"), "id", "gpt-4.1", |section| ModelRule {
        rule: rule(section, on_store_failure),
        output_tokens: section.integer_if_set("output_tokens", 1..=LIMIT_MAX, OUTPUT_TOKENS_DEFAULT),
    });
    section.finish();
    RateLimits { policy, store }
}

fn store(section: &mut Section<'_>, env: Env<'_>) -> Store {
    let scopes_max = section.integer("callers_max", 1000..=100_000_000, SCOPES_MAX_DEFAULT as u64);
    let memory = Store::Memory { scopes_max: usize::try_from(scopes_max).unwrap_or(usize::MAX) };
    let replicas = section.integer("replicas", 1..=10_000, 1);
    let call_timeout = section.millis("call_timeout_ms", Duration::from_millis(50));
    let prefix = section.string("key_prefix", "novai");
    if let Some(at) = prefix.as_ref().filter(|at| at.value.contains(['{', '}'])) {
        section.report(at.problem(
            format!("must not hold braces, but is {:?}", at.value),
            "they are what Redis Cluster goes by: write key_prefix = \"novai\"",
        ));
    }
    let ca_file = section.string("store_ca_file", "/etc/novai/ca.pem");
    let Some(url) = url(section, env) else { return memory };
    let Ok(mut settings) = RedisSettings::new(&url.value) else {
        section.report(url.problem(
            "must be \"memory\" or a Redis URL",
            format!("write store = {URL_EXAMPLE:?}, rediss:// for TLS"),
        ));
        return memory;
    };
    settings.replicas = replicas;
    settings.ca_file = ca_file.map(|at| PathBuf::from(at.value));
    settings.call_timeout = call_timeout;
    if let Some(prefix) = prefix {
        settings.prefix = prefix.value;
    }
    Store::Redis(settings)
}

/// `None` for limits in memory.
fn url(section: &mut Section<'_>, env: Env<'_>) -> Option<At<String>> {
    let store = section.string("store", URL_EXAMPLE);
    let variable = section.string("store_url_env", "NOVAI_REDIS_URL");
    match (store, variable) {
        (Some(store), Some(variable)) => {
            section.report(variable.problem(
                "stands beside `store`, and only one of them can be meant",
                "remove one of the two",
            ));
            Some(store).filter(|store| store.value != "memory")
        }
        (None, Some(variable)) => {
            let url = env(&variable.value);
            if url.is_none() {
                section.report(variable.problem(
                    format!("the environment variable {:?} is not set", variable.value),
                    format!("export it, such as {}={URL_EXAMPLE}", variable.value),
                ));
            }
            url.map(|url| variable.with(url.trim().to_owned()))
        }
        (Some(store), None) if store.value == "memory" => None,
        (Some(store), None) => {
            if store.value.contains('@') {
                section.report(store.problem(
                    "holds a password, and secrets come from the environment only",
                    "write store_url_env = \"NOVAI_REDIS_URL\" instead, and export that variable",
                ));
            }
            Some(store)
        }
        (None, None) => None,
    }
}

fn rule(section: &mut Section<'_>, default: OnStoreFailure) -> Rule {
    let mut limit = |key, example| section.integer_if_set(key, 1..=LIMIT_MAX, example);
    let spec =
        LimitSpec { rpm: limit("rpm", 60), tpm: limit("tpm", 100_000), concurrent: limit("concurrent", 10) };
    Rule { spec, on_store_failure: on_store_failure(section, default) }
}

fn on_store_failure(section: &mut Section<'_>, default: OnStoreFailure) -> OnStoreFailure {
    let Some(at) = section.string("on_store_failure", "share") else { return default };
    match at.value.as_str() {
        "closed" => OnStoreFailure::Closed,
        "share" => OnStoreFailure::Share,
        "open" => OnStoreFailure::Open,
        other => {
            section.report(at.problem(
                format!("must be \"closed\", \"share\" or \"open\", but is {other:?}"),
                "write on_store_failure = \"share\": each replica lets its part of the limit pass",
            ));
            default
        }
    }
}

/// Sections that each have a name of their own.
fn named<T>(
    sections: Vec<Section<'_>>,
    key: &'static str,
    example: &str,
    mut read: impl FnMut(&mut Section<'_>) -> T,
) -> HashMap<Arc<str>, T> {
    let mut all = HashMap::new();
    for mut section in sections {
        let name = section.string(key, example);
        let value = read(&mut section);
        match name {
            None => section
                .report(section.reference(key).problem("is required", format!("write {key} = {example:?}"))),
            Some(name) if all.contains_key(name.value.as_str()) => section.report(
                name.problem(format!("{:?} has limits already", name.value), "put them into one section"),
            ),
            Some(name) => {
                all.insert(Arc::from(name.value), value);
            }
        }
        section.finish();
    }
    all
}

#[cfg(test)]
mod tests;
