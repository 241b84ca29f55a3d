//! `[[providers]]`, and the short cuts that need no file.

use std::collections::HashSet;
use std::path::PathBuf;

use novai_core::Deadlines;
use novai_providers::client::{Origin, OriginError};
use novai_providers::openai::presets::{self, OPENAI, PRESETS, Preset};
use novai_providers::{anthropic, fetch, gemini, openai, upstream};

use super::models::ModelSettings;
use super::problem::Problem;
use super::reader::{Reference, Section};
use super::{Env, OPENAI_API_KEY};

pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

pub struct ProviderSettings {
    pub name: String,
    pub kind: ProviderKind,
    /// Its models cost nothing, but for those with a price of their own.
    pub is_free: bool,
    /// Where it stands, if it cannot be asked what it has: `[[models]]` must name it.
    pub must_be_named: Option<Reference>,
}

pub enum ProviderKind {
    /// Any OpenAI-compatible server, and vendors that are almost that.
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
    Ok(ProviderSettings { name: "upstream".to_owned(), kind, is_free: true, must_be_named: None })
}

/// `OPENAI_API_KEY` alone.
pub fn openai(api_key: String) -> ProviderSettings {
    let mut config = openai::Config::new(upstream::Config::new("openai", OPENAI_BASE_URL));
    config.upstream.api_key = Some(api_key.trim().to_owned());
    ProviderSettings {
        name: "openai".to_owned(),
        kind: ProviderKind::OpenAi(Box::new(config)),
        is_free: false,
        must_be_named: None,
    }
}

/// Of providers that would serve nothing.
pub fn unnamed(providers: &[ProviderSettings], models: &[ModelSettings]) -> Vec<Problem> {
    let named =
        |name: &str| models.iter().flat_map(|model| &model.targets).any(|target| target.provider == name);
    let unnamed = providers.iter().filter(|provider| !named(&provider.name));
    let problem = |provider: &ProviderSettings| {
        let fix = format!(
            "add a [[models]] section with provider = {:?}, and the deployment's name as upstream_id",
            provider.name
        );
        let at = provider.must_be_named.as_ref()?;
        Some(at.problem("is of a kind that cannot list its deployments, and no [[models]] names it", fix))
    };
    unnamed.filter_map(problem).collect()
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
    let preset = if kind == OPENAI.kind { Some(&OPENAI) } else { presets::find(kind) };
    let settings = match (kind, preset) {
        (_, Some(preset)) => {
            let config = openai_config(&mut section, env, shown_name, preset);
            Some(ProviderKind::OpenAi(Box::new(config)))
        }
        ("anthropic", _) => {
            let upstream =
                vendor_config(&mut section, env, shown_name, anthropic::BASE_URL, "ANTHROPIC_API_KEY");
            let mut config = anthropic::Config::new(upstream);
            config.max_tokens_default =
                section.integer("max_tokens_default", 1..=1_000_000, config.max_tokens_default);
            Some(ProviderKind::Anthropic(Box::new(config)))
        }
        ("gemini", _) => {
            let upstream = vendor_config(&mut section, env, shown_name, gemini::BASE_URL, "GEMINI_API_KEY");
            let mut config = gemini::Config::new(upstream);
            config.images = image_settings(&mut section);
            Some(ProviderKind::Gemini(Box::new(config)))
        }
        ("sim", _) => Some(ProviderKind::Sim),
        (other, None) => {
            if let Some(at) = &kind_at {
                section.report(at.problem(format!("{other:?} is not a kind of provider"), kinds()));
            }
            // Its keys are not known either: one problem is enough.
            return None;
        }
    };
    let is_local = preset.is_some_and(|preset| preset.is_local);
    let is_free = is_free(&mut section, is_local || matches!(settings, Some(ProviderKind::Sim)));
    let has_deployments = preset.is_some_and(Preset::has_deployments);
    let must_be_named = has_deployments.then(|| section.reference("name"));
    section.finish();
    Some(ProviderSettings { name: name?, kind: settings?, is_free, must_be_named })
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

/// All kinds there are.
fn kinds() -> String {
    let vendors: Vec<String> = PRESETS.iter().map(|preset| format!("{:?}", preset.kind)).collect();
    format!(
        "write kind = \"openai\" (any OpenAI-compatible server), \"anthropic\", \"gemini\", {} or \"sim\"",
        vendors.join(", ")
    )
}

fn openai_config(
    section: &mut Section<'_>,
    env: Env<'_>,
    name: &str,
    preset: &'static Preset,
) -> openai::Config {
    let own = base_url(section, preset.base_url_example);
    let is_own = own.is_some() && preset.base_url.is_some();
    let base_url = own.or_else(|| preset.base_url.map(str::to_owned));
    if base_url.is_none() {
        let fix = format!("write base_url = {:?}", preset.base_url_example);
        section.report(section.reference("base_url").problem("is required", fix));
    }
    let key = match preset.key_variable {
        Some(variable) if !is_own => Key::In(variable),
        variable => Key::IfNamed(variable.unwrap_or(OPENAI_API_KEY)),
    };
    let upstream = upstream_config(section, env, name, base_url.unwrap_or_default(), key);
    let mut config = openai::Config::preset(upstream, preset);
    if preset.has_deployments()
        && let Some(version) = section.string("api_version", &config.api_version)
    {
        config.api_version = version.value;
    }
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
    key_variable: &'static str,
) -> upstream::Config {
    let own = base_url(section, default);
    let key = if own.is_some() { Key::IfNamed(key_variable) } else { Key::In(key_variable) };
    upstream_config(section, env, name, own.unwrap_or_else(|| default.to_owned()), key)
}

/// Where a provider's key is.
enum Key {
    /// Where `api_key_env` says, else in this variable: the address is the vendor's, and so is the key.
    In(&'static str),
    /// Where `api_key_env` says, with this variable as an example. A vendor's key goes to no other address unless that is said.
    IfNamed(&'static str),
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
    key: Key,
) -> upstream::Config {
    let (Key::In(variable) | Key::IfNamed(variable)) = key;
    let named = section.string("api_key_env", variable);
    let (at, variable, fix) = match (&named, key) {
        (Some(at), _) => {
            let fix = "export it, or remove api_key_env if the provider needs no key".to_owned();
            (at.reference().clone(), Some(&*at.value), fix)
        }
        (None, Key::In(variable)) => {
            let fix = format!("export it, or name another: api_key_env = {variable:?}");
            (section.reference("api_key_env"), Some(variable), fix)
        }
        (None, Key::IfNamed(_)) => (section.reference("api_key_env"), None, String::new()),
    };
    let api_key = variable.and_then(|variable| {
        let key = env(variable).map(|key| key.trim().to_owned());
        if key.is_none() {
            section.report(at.problem(format!("the environment variable {variable:?} is not set"), fix));
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

#[cfg(test)]
mod tests;
