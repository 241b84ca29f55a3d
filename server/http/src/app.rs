//! What every operation can reach.

use std::sync::Arc;
use std::time::Duration;

use novai_api::body::BodyLimits;
use novai_core::replays::ReplayStore;
use novai_core::{Gateway, KeyAdmin, KeyStore};

use crate::contexts::Contexts;
use crate::idempotency::Replays;
use crate::listener::Shutdown;
use crate::metrics_page::MetricsPage;
use crate::observer::Observer;
use crate::tokens::Tokens;

/// What an operator may set.
#[derive(Debug, Clone)]
pub struct Options {
    /// Larger bodies are a 413.
    pub body_bytes_max: usize,
    /// Longest silence while a body arrives; then a 408.
    pub body_idle_timeout: Duration,
    /// How long the head of a stream may wait for the first event, so that an early failure has a real status. Then 200 is
    /// committed.
    pub first_event_grace: Duration,
    /// Silence after which a stream gets a comment, so that proxies do not cut it.
    pub keep_alive_interval: Duration,
}

impl Options {
    pub(crate) fn body_limits(&self) -> BodyLimits {
        BodyLimits { bytes_max: self.body_bytes_max, idle_timeout: self.body_idle_timeout }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            body_bytes_max: 20 * 1024 * 1024,
            body_idle_timeout: Duration::from_secs(30),
            // Most clients and proxies give up on a silent head after 30 s or more; a failure that takes longer than
            // this is told as an event.
            first_event_grace: Duration::from_secs(10),
            // Proxies cut silent connections after 60 s, some after 30.
            keep_alive_interval: Duration::from_secs(15),
        }
    }
}

/// What operations call.
pub struct Ports {
    pub gateway: Arc<Gateway>,
    pub keys: Arc<dyn KeyStore>,
    pub key_admin: Arc<dyn KeyAdmin>,
    /// Absent, tokens are not taken.
    pub tokens: Option<Arc<Tokens>>,
    /// What was answered under idempotency keys, beyond this process.
    pub replays: Arc<dyn ReplayStore>,
    /// Told of every request.
    pub observer: Arc<dyn Observer>,
    /// Absent, there is no `/metrics`.
    pub metrics: Option<MetricsPage>,
}

pub struct App {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) key_admin: Arc<dyn KeyAdmin>,
    pub(crate) tokens: Option<Arc<Tokens>>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) metrics: Option<MetricsPage>,
    pub(crate) options: Options,
    pub(crate) shutdown: Shutdown,
    pub(crate) contexts: Contexts,
    pub(crate) replays: Replays,
}

impl App {
    pub fn new(ports: Ports, options: Options, shutdown: Shutdown) -> Self {
        let Ports { gateway, keys, key_admin, tokens, replays, observer, metrics } = ports;
        App {
            gateway,
            keys,
            key_admin,
            tokens,
            observer,
            metrics,
            options,
            shutdown,
            contexts: Contexts::default(),
            replays: Replays::new(replays),
        }
    }
}
