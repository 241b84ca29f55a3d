//! `[server]`, `[cors]`, `[tls]` and `[log]`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use http::HeaderValue;
use http::uri::Uri;
use novai_http::Options;
use novai_http::cors::Cors;
use novai_http::listener::{Limits, TlsFiles};

use super::problem::Problem;
use super::reader::{At, Section};

pub fn server(mut section: Section<'_>) -> (NonZeroUsize, Limits, Options) {
    const MIB: u64 = 1024 * 1024;
    // What the process may use: a container's share, too.
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = section.integer("threads", 1..=1024, threads.get() as u64);
    let threads = NonZeroUsize::new(size(threads)).unwrap_or(NonZeroUsize::MIN);
    let limits = Limits::default();
    let options = Options::default();
    let options = Options {
        body_bytes_max: size(section.integer(
            "body_bytes_max",
            1024..=1024 * MIB,
            options.body_bytes_max as u64,
        )),
        body_idle_timeout: section.millis("body_idle_timeout_ms", options.body_idle_timeout),
        first_event_grace: section.millis("first_event_grace_ms", options.first_event_grace),
        keep_alive_interval: section.millis("stream_keep_alive_ms", options.keep_alive_interval),
    };
    let limits = Limits {
        connections_max: section.integer("connections_max", 1..=1_000_000, limits.connections_max.into())
            as u32,
        handshake_timeout: section.millis("handshake_timeout_ms", limits.handshake_timeout),
        header_timeout: section.millis("header_timeout_ms", limits.header_timeout),
        keep_alive_timeout: section.millis("keep_alive_timeout_ms", limits.keep_alive_timeout),
        write_timeout: section.millis("write_timeout_ms", limits.write_timeout),
        // hyper's smallest read buffer is 8 KiB.
        header_bytes_max: size(section.integer(
            "header_bytes_max",
            8192..=MIB,
            limits.header_bytes_max as u64,
        )),
        h2_streams_max: section.integer("h2_streams_max", 1..=10_000, limits.h2_streams_max.into()) as u32,
        shutdown_timeout: section.millis("shutdown_timeout_ms", limits.shutdown_timeout),
    };
    section.finish();
    (threads, limits, options)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

pub fn cors(mut section: Section<'_>) -> Cors {
    const EXAMPLE: &str = "https://app.example.com";
    let mut origins = Vec::new();
    for at in section.strings("origins", EXAMPLE) {
        match origin(&at.value) {
            Some(origin) => origins.push(origin),
            None => section.report(at.problem(
                format!("must be an exact origin (scheme, host, port), but is {:?}", at.value),
                format!("write {EXAMPLE:?}: no path, no slash at the end, no `*`"),
            )),
        }
    }
    section.finish();
    Cors::new(origins)
}

/// As browsers write it: lower case, nothing after the port.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.contains('*'))?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    // Rebuilding it finds paths, queries, user names and capitals in one comparison.
    let rebuilt = format!("{scheme}://{}{port}", host.to_ascii_lowercase());
    (rebuilt == text).then(|| HeaderValue::from_str(text).ok()).flatten()
}

pub fn tls(mut section: Section<'_>) -> Option<TlsFiles> {
    let certificate = section.string("certificate_file", "/etc/novai/tls/fullchain.pem");
    let key = section.string("key_file", "/etc/novai/tls/privkey.pem");
    let lonely = |at: &At<String>, other: &str| {
        at.problem(
            format!("needs `{other}` beside it"),
            format!("add {other}, or remove both to serve without TLS"),
        )
    };
    let files = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some(TlsFiles { certificate: PathBuf::from(certificate.value), key: PathBuf::from(key.value) })
        }
        (Some(certificate), None) => {
            section.report(lonely(&certificate, "key_file"));
            None
        }
        (None, Some(key)) => {
            section.report(lonely(&key, "certificate_file"));
            None
        }
    };
    section.finish();
    files
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or a `tracing` filter such as `info,novai_providers=debug`.
    pub filter: String,
    pub to: LogTarget,
    /// One line per request.
    pub access: bool,
}

impl LogSettings {
    /// What is wrong with the filter, if anything is.
    pub fn problem(&self) -> Option<Problem> {
        let error = self.filter.parse::<tracing_subscriber::EnvFilter>().err()?;
        Some(Problem {
            place: "log level".to_owned(),
            key: String::new(),
            rule: format!("{:?} is not a level or a filter: {error}", self.filter),
            fix: "write error, warn, info, debug or trace".to_owned(),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    Stderr,
    Stdout,
    File(PathBuf),
}

pub fn log(mut section: Section<'_>) -> LogSettings {
    let filter = section.string("level", "info").map_or_else(|| "info".to_owned(), |at| at.value);
    let to = match section.string("to", "stderr") {
        None => LogTarget::Stderr,
        Some(at) => match at.value.as_str() {
            "stderr" => LogTarget::Stderr,
            "stdout" => LogTarget::Stdout,
            path => LogTarget::File(PathBuf::from(path)),
        },
    };
    let access = section.boolean("access", true);
    section.finish();
    LogSettings { filter, to, access }
}
