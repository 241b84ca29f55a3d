//! Workers: where a gateway finds them (`inference_url`, `[inference]`), and what one is told (`[worker]`).
//!
//! A gateway and its workers read the same file. The worker calls the providers, and so needs their keys; a gateway with
//! `inference_url` needs none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use novai_rpc::worker::Limits;
use novai_rpc::{ClientTls, PoolConfig, ServerTls, WorkerUrl};

use super::problem::{Problem, Problems};
use super::providers::{self, ProviderSettings};
use super::reader::{At, Reader, Reference, Section};
use super::sections::{self, LogSettings};
use super::telemetry::{self, TelemetrySettings};
use super::{Env, OPENAI_API_KEY, address};

pub const WORKER_LISTEN_DEFAULT: &str = "127.0.0.1:9300";
pub const INFERENCE_URL_EXAMPLE: &str = "http://127.0.0.1:9300";

/// Everything that a worker needs, checked.
pub struct WorkerConfig {
    pub listen: SocketAddr,
    pub tls: Option<ServerTls>,
    pub limits: Limits,
    pub log: LogSettings,
    pub telemetry: TelemetrySettings,
    /// Where `/metrics` is, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    pub providers: Vec<ProviderSettings>,
}

/// What stands above the file.
#[derive(Debug, Default)]
pub struct WorkerOverrides {
    pub listen: Option<String>,
    pub upstream: Option<String>,
    pub log: Option<String>,
}

/// What a worker reads of the file. The rest is the gateway's, and needs variables that a worker has no use for.
pub fn load_worker(
    file: Option<(&str, &str)>,
    overrides: WorkerOverrides,
    env: Env<'_>,
) -> Result<WorkerConfig, Problems> {
    let env = &|name: &str| env(name).filter(|value| !value.trim().is_empty());
    let (name, text) = file.unwrap_or(("", ""));
    let reader = Reader::new(name, text);
    let mut root = reader.root();
    let mut log = sections::log(root.section("log"));
    let telemetry = telemetry::telemetry(root.section("telemetry"), env, "novai-worker");
    let mut providers = providers::providers(root.sections("providers"), env);
    let worker = worker(root.section("worker"));
    let mut problems = reader.problems();
    let listen = match overrides.listen {
        None => worker.listen,
        Some(flag) => address(&flag).or_else(|| {
            problems.push(Problem {
                place: "--listen".to_owned(),
                key: String::new(),
                rule: format!("must be an address and a port, but is {flag:?}"),
                fix: format!("write --listen {WORKER_LISTEN_DEFAULT}"),
            });
            None
        }),
    };
    match overrides.upstream.as_deref().map(providers::upstream) {
        Some(Ok(provider)) => providers.push(provider),
        Some(Err(problem)) => problems.push(problem),
        None if providers.is_empty() && problems.is_empty() => {
            providers.extend(env(OPENAI_API_KEY).map(providers::openai));
        }
        None => {}
    }
    if let Some(filter) = overrides.log {
        log.filter = filter;
    }
    problems.extend(log.problem());
    match listen {
        Some(listen) if problems.is_empty() => {
            let WorkerSection { tls, limits, metrics_listen, .. } = worker;
            Ok(WorkerConfig { listen, tls, limits, log, telemetry, metrics_listen, providers })
        }
        _ => Err(Problems(problems)),
    }
}

/// `[worker]`.
pub struct WorkerSection {
    /// `None` if it is wrong, which has been said.
    listen: Option<SocketAddr>,
    tls: Option<ServerTls>,
    limits: Limits,
    metrics_listen: Option<SocketAddr>,
}

pub fn worker(mut section: Section<'_>) -> WorkerSection {
    let mut listen_at = |key, example: &str| {
        section.string(key, example).map(|at| {
            let address = address(&at.value);
            if address.is_none() {
                section.report(at.problem(
                    format!("must be an address and a port, but is {:?}", at.value),
                    format!("write {key} = {example:?}"),
                ));
            }
            address
        })
    };
    let listen = listen_at("listen", WORKER_LISTEN_DEFAULT).unwrap_or_else(|| address(WORKER_LISTEN_DEFAULT));
    let metrics_listen = listen_at("metrics_listen", "127.0.0.1:9301").flatten();
    let defaults = Limits::default();
    let connections_max = section.integer("connections_max", 1..=100_000, defaults.connections_max as u64);
    let limits = Limits {
        connections_max: usize::try_from(connections_max).unwrap_or(usize::MAX),
        shutdown_timeout: section.millis("shutdown_timeout_ms", defaults.shutdown_timeout),
        ..defaults
    };
    let certificate = section.string("certificate_file", "/etc/novai/tls/worker.pem");
    let key = section.string("key_file", "/etc/novai/tls/worker-key.pem");
    let client_ca = section.string("client_ca_file", "/etc/novai/tls/ca.pem");
    let is_encrypted = certificate.is_some();
    if let (Some(at), false) = (&client_ca, is_encrypted) {
        section.report(at.problem("needs `certificate_file` beside it", "add certificate_file and key_file"));
    }
    let tls = pair(&section, certificate, key).map(|(certificate_file, key_file)| ServerTls {
        certificate_file,
        key_file,
        client_ca_file: client_ca.map(|at| PathBuf::from(at.value)),
    });
    section.finish();
    WorkerSection { listen, tls, limits, metrics_listen }
}

/// `inference_url` and `[inference]`. `urls` is what stands above the file.
pub fn inference(
    in_file: Vec<At<String>>,
    urls: Vec<String>,
    mut section: Section<'_>,
    problems: &mut Vec<Problem>,
) -> Option<PoolConfig> {
    let named = match urls.is_empty() {
        true => in_file.into_iter().map(|at| (at.reference().clone(), at.value)).collect(),
        false => {
            let place = Reference { key: String::new(), place: "--inference-url".to_owned() };
            urls.into_iter().map(|url| (place.clone(), url)).collect::<Vec<_>>()
        }
    };
    let mut urls = Vec::new();
    for (place, url) in named {
        match WorkerUrl::parse(url.trim()) {
            Ok(url) if urls.contains(&url) => {
                problems.push(place.problem(format!("names {url} twice"), "name each worker once"));
            }
            Ok(url) => urls.push(url),
            // Never repeats the URL itself: people put passwords there.
            Err(error) => problems.push(place.problem(
                format!("must be a worker's URL: {error}"),
                format!("write {INFERENCE_URL_EXAMPLE:?}"),
            )),
        }
    }
    let connect_timeout = section.millis("connect_timeout_ms", Duration::from_secs(2));
    let ca_file = section.string("ca_file", "/etc/novai/tls/ca.pem").map(|at| PathBuf::from(at.value));
    let server_name = section.string("server_name", "worker.internal").map(|at| at.value);
    let certificate = section.string("certificate_file", "/etc/novai/tls/gateway.pem");
    let key = section.string("key_file", "/etc/novai/tls/gateway-key.pem");
    let identity = pair(&section, certificate, key);
    section.finish();
    let tls = ClientTls { ca_file, identity, server_name };
    (!urls.is_empty()).then_some(PoolConfig { urls, tls, connect_timeout })
}

/// Both, or neither.
pub fn pair(
    section: &Section<'_>,
    certificate: Option<At<String>>,
    key: Option<At<String>>,
) -> Option<(PathBuf, PathBuf)> {
    let lonely = |at: &At<String>, other: &str| {
        section.report(at.problem(format!("needs `{other}` beside it"), format!("add {other}")));
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate.value.into(), key.value.into())),
        (Some(certificate), None) => {
            lonely(&certificate, "key_file");
            None
        }
        (None, Some(key)) => {
            lonely(&key, "certificate_file");
            None
        }
        (None, None) => None,
    }
}

/// For a gateway with workers: they have the providers' keys. What this gives is never sent.
pub fn keys_are_elsewhere(_: &str) -> Option<String> {
    Some("held by the workers".to_owned())
}

#[cfg(test)]
mod tests;
