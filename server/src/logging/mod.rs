//! The log: JSON lines from `tracing` and from the access log, through one [`sink`].

mod sink;

use std::fs::OpenOptions;
use std::sync::Arc;

use anyhow::Context;
use novai_http::access_log::LineSink;
use tracing_subscriber::EnvFilter;

use crate::config::{LogSettings, LogTarget};
use sink::Sink;
pub use sink::Writer;

pub struct Logs {
    pub access: Arc<dyn LineSink>,
    /// To be dropped last.
    pub writer: Writer,
}

pub fn start(settings: &LogSettings) -> anyhow::Result<Logs> {
    let (sink, writer) = match &settings.to {
        LogTarget::Stderr => Sink::start(std::io::stderr())?,
        LogTarget::Stdout => Sink::start(std::io::stdout())?,
        LogTarget::File(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Sink::start(file.with_context(|| format!("cannot open the log file {}", path.display()))?)?
        }
    };
    let filter: EnvFilter = settings.filter.parse()?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(sink.clone())
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    log_panics();
    let access: Arc<dyn LineSink> = if settings.access { Arc::new(sink) } else { Arc::new(()) };
    Ok(Logs { access, writer })
}

/// Where, but not what: a panic's text can quote the very content that must not reach a log.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "panic");
    }));
}
