//! `[[providers]]`, and the short cuts that need no file.

use std::collections::HashSet;
use std::path::PathBuf;

use novai_core::Deadlines;
use novai_providers::client::{Origin, OriginError};
use novai_providers::{anthropic, fetch, gemini, openai, upstream};

use super::Env;
use super::problem::Problem;
use super::reader::{Reference, Section};

pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

pub struct ProviderSettings {
    pub name: String,
    pub kind: ProviderKind,
    /// Its models cost nothing, but for those with a price of their own.
    pub is_free: bool,
}

pub enum ProviderKind {
    /// Any OpenAI-compatible server.
    OpenAi(Box<openai::Config>),
    /// Anthropic's Messages API.
    Anthropic(Box<anthropic::Config>),
    /// Google's Gemini API.
    Gemini(Box<gemini::Config>),
    /// No server at all: the built-in simulator.
    Sim,
}

/// `--upstream URL`.
pub fn upstream(url: &str) -> Result<ProviderSettings, Problem> {
    let reference = Reference { key: String::new(), place: "--upstream".to_owned() };
    if let Err(error) = Origin::parse(url) {
        return Err(base_url_problem(&reference, error, "write --upstream http://127.0.0.1:9200/v1"));
    }
    let kind = ProviderKind::OpenAi(Box::new(openai::Config::new(upstream::Config::new("upstream", url))));
    // One's own machine, more often than not.
    Ok(ProviderSettings { name: "upstream".to_owned(), kind, is_free: true })
}

/// `OPENAI_API_KEY` alone.
pub fn openai(api_key: String) -> ProviderSettings {
    let mut config = openai::Config::new(upstream::Config::new("openai", OPENAI_BASE_URL));
    config.upstream.api_key = Some(api_key.trim().to_owned());
    ProviderSettings {
        name: "openai".to_owned(),
        kind: ProviderKind::OpenAi(Box::new(config)),
        is_free: false,
    }
}

pub fn providers(sections: Vec<Section<'_>>, env: Env<'_>) -> Vec<ProviderSettings> {
    let mut names = HashSet::new();
    sections.into_iter().filter_map(|section| provider(section, env, &mut names)).collect()
}

fn provider(mut section: Section<'_>, env: Env<'_>, names: &mut HashSet<String>) -> Option<ProviderSettings> {
    let name = section.string("name", "openai");
    match &name {
        None => section.report(section.reference("name").problem("is required", "write name = \"openai\"")),
        Some(name) if !is_name(&name.value) => section.report(name.problem(
            format!("must be letters, digits, `-` and `_`, but is {:?}", name.value),
            "it appears in logs and errors: write name = \"openai\"",
        )),
        Some(name) if !names.insert(name.value.clone()) => section.report(name.problem(
            format!("is taken: another provider is called {:?} too", name.value),
            "give each its own name",
        )),
        Some(_) => {}
    }
    let kind_at = section.string("kind", "openai");
    let kind = kind_at.as_ref().map_or("openai", |at| at.value.as_str());
    let name = name.map(|at| at.value);
    let shown_name = name.as_deref().unwrap_or_default();
    let settings = match kind {
        "openai" => Some(ProviderKind::OpenAi(Box::new(openai_config(&mut section, env, shown_name)))),
        "anthropic" => {
            let upstream =
                vendor_config(&mut section, env, shown_name, anthropic::BASE_URL, "ANTHROPIC_API_KEY");
            let mut config = anthropic::Config::new(upstream);
            config.max_tokens_default =
                section.integer("max_tokens_default", 1..=1_000_000, config.max_tokens_default);
            Some(ProviderKind::Anthropic(Box::new(config)))
        }
        "gemini" => {
            let upstream = vendor_config(&mut section, env, shown_name, gemini::BASE_URL, "GEMINI_API_KEY");
            let mut config = gemini::Config::new(upstream);
            config.images = image_settings(&mut section);
            Some(ProviderKind::Gemini(Box::new(config)))
        }
        "sim" => Some(ProviderKind::Sim),
        other => {
            let fix = "write kind = \"openai\" (any OpenAI-compatible server), \"anthropic\", \"gemini\" or \"sim\"";
            if let Some(at) = &kind_at {
                section.report(at.problem(format!("{other:?} is not a kind of provider"), fix));
            }
            // Its keys are not known either: one problem is enough.
            return None;
        }
    };
    let is_free = is_free(&mut section, matches!(settings, Some(ProviderKind::Sim)));
    section.finish();
    Some(ProviderSettings { name: name?, kind: settings?, is_free })
}

/// `price = "free"`; a provider has no other price, because its models have.
fn is_free(section: &mut Section<'_>, default: bool) -> bool {
    let Some(at) = section.string("price", "free") else { return default };
    if at.value != "free" {
        section.report(at.problem(
            format!("a provider's price can only be \"free\", but is {:?}", at.value),
            "write price in the [[models]] that cost something",
        ));
    }
    true
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn openai_config(section: &mut Section<'_>, env: Env<'_>, name: &str) -> openai::Config {
    let base_url = base_url(section, OPENAI_BASE_URL);
    if base_url.is_none() {
        let fix = format!("write base_url = {OPENAI_BASE_URL:?}");
        section.report(section.reference("base_url").problem("is required", fix));
    }
    let upstream = upstream_config(section, env, name, base_url.unwrap_or_default(), "OPENAI_API_KEY");
    let mut config = openai::Config::new(upstream);
    config.asks_for_stream_usage = section.boolean("stream_usage", config.asks_for_stream_usage);
    // The most that a request can have.
    let inputs_max = openai::EMBEDDING_INPUTS_MAX as u64;
    let inputs = section.integer("embedding_inputs_max", 1..=inputs_max, inputs_max);
    config.embedding_inputs_max = usize::try_from(inputs).unwrap_or(openai::EMBEDDING_INPUTS_MAX);
    config.tells_trace = section.boolean("send_traceparent", config.tells_trace);
    config
}

/// How pictures are fetched, if they are.
fn image_settings(section: &mut Section<'_>) -> Option<fetch::Settings> {
    let defaults = fetch::Settings::default();
    let is_on = section.boolean("image_fetch", false);
    let allows_http = section.boolean("image_fetch_http", defaults.allows_http);
    let bytes_max = bytes(section, "image_bytes_max", defaults.bytes_max);
    let timeout = section.millis("image_timeout_ms", defaults.timeout);
    is_on.then_some(fetch::Settings { allows_http, bytes_max, timeout })
}

/// One vendor's own API: where it is, is known.
fn vendor_config(
    section: &mut Section<'_>,
    env: Env<'_>,
    name: &str,
    default: &str,
    key_variable: &str,
) -> upstream::Config {
    let base_url = base_url(section, default).unwrap_or_else(|| default.to_owned());
    upstream_config(section, env, name, base_url, key_variable)
}

fn base_url(section: &mut Section<'_>, example: &str) -> Option<String> {
    let at = section.string("base_url", example)?;
    if let Err(error) = Origin::parse(&at.value) {
        section.report(base_url_problem(at.reference(), error, &format!("write base_url = {example:?}")));
    }
    Some(at.value)
}

/// What every upstream may be told.
fn upstream_config(
    section: &mut Section<'_>,
    env: Env<'_>,
    name: &str,
    base_url: String,
    key_variable: &str,
) -> upstream::Config {
    let api_key = section.string("api_key_env", key_variable).and_then(|at| {
        let key = env(&at.value).map(|key| key.trim().to_owned());
        if key.is_none() {
            section.report(at.problem(
                format!("the environment variable {:?} is not set", at.value),
                "export it, or remove api_key_env if the provider needs no key",
            ));
        }
        key
    });
    let ca_file = section.string("ca_file", "/etc/novai/ca.pem").map(|at| PathBuf::from(at.value));
    let defaults = Deadlines::default();
    let deadlines = Deadlines {
        connect: section.millis("connect_timeout_ms", defaults.connect),
        first_byte: section.millis("first_byte_timeout_ms", defaults.first_byte),
        idle: section.millis("idle_timeout_ms", defaults.idle),
        total: section.millis("total_timeout_ms", defaults.total),
    };
    let event_bytes_max = bytes(section, "event_bytes_max", upstream::EVENT_BYTES_MAX);
    let response_bytes_max = bytes(section, "response_bytes_max", upstream::RESPONSE_BYTES_MAX);
    let mut config = upstream::Config::new(name, base_url);
    config.event_bytes_max = event_bytes_max;
    config.response_bytes_max = response_bytes_max;
    config.api_key = api_key;
    config.ca_file = ca_file;
    config.deadlines = deadlines;
    config
}

fn bytes(section: &mut Section<'_>, key: &'static str, default: usize) -> usize {
    let value = section.integer(key, 1024..=1024 * 1024 * 1024, default as u64);
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Never repeats the URL itself: people put passwords there.
fn base_url_problem(reference: &Reference, error: OriginError, fix: &str) -> Problem {
    reference.problem(format!("must be an http(s) URL: {error}"), fix)
}
