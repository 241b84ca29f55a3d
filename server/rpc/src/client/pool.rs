//! The workers, and which of them is asked next: of those that serve, the one with the fewest calls under way.
//!
//! With calls that take from milliseconds to minutes, turns would pile the long ones up on one worker; counting what is under
//! way does not. There are few workers, so all are looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::server::NamedService;

use super::endpoint::WorkerUrl;
use super::health;
use super::link::Link;
use crate::tls::{ClientTls, TlsError};
use crate::v1::inference_service_server::InferenceServiceServer;

#[derive(Debug, Clone)]
pub struct PoolConfig {
    pub urls: Vec<WorkerUrl>,
    /// For those with `https`.
    pub tls: ClientTls,
    /// Name look-up, TCP and TLS together.
    pub connect_timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("nobody is named")]
    NoWorker,
    #[error("{url}: {source}")]
    Tls { url: String, source: TlsError },
}

/// Cheap to share: every [`Remote`](super::Remote) holds the same one.
pub struct Pool {
    workers: Vec<Arc<Worker>>,
    /// Where the next look begins, so that equals take turns.
    turn: AtomicUsize,
    watchers: Vec<JoinHandle<()>>,
    served: Arc<Notify>,
}

/// What is served there.
pub(crate) struct Kind {
    /// For people.
    pub name: &'static str,
    /// The service whose health is watched.
    pub service: &'static str,
}

const WORKER: Kind = Kind { name: "worker", service: <InferenceServiceServer<()> as NamedService>::NAME };

impl Pool {
    /// Needs the runtime: each worker's health is watched from now on. Nothing is connected before that.
    pub fn new(config: PoolConfig) -> Result<Arc<Self>, ConfigError> {
        Pool::of(config, &WORKER)
    }

    pub(crate) fn of(config: PoolConfig, kind: &'static Kind) -> Result<Arc<Self>, ConfigError> {
        let served = Arc::new(Notify::new());
        let workers = config.urls.iter().map(|url| {
            let failed = |source| ConfigError::Tls { url: url.to_string(), source };
            let link = url.link(&config.tls, config.connect_timeout).map_err(failed)?;
            Ok(Arc::new(Worker::new(url.to_string(), link, kind, Arc::clone(&served))))
        });
        let workers = workers.collect::<Result<Vec<_>, ConfigError>>()?;
        if workers.is_empty() {
            return Err(ConfigError::NoWorker);
        }
        let watchers = workers.iter().map(|worker| tokio::spawn(health::watch(Arc::clone(worker)))).collect();
        Ok(Arc::new(Pool { workers, turn: AtomicUsize::new(0), watchers, served }))
    }

    /// A worker that is none of `tried`. One that is said not to serve is still better than none: what is known may be old.
    pub(crate) fn choose(&self, tried: &[Arc<Worker>]) -> Option<Flight> {
        let turn = self.turn.fetch_add(1, Relaxed);
        let count = self.workers.len();
        let candidates = (0..count).filter_map(|step| self.workers.get(turn.wrapping_add(step) % count));
        candidates
            .filter(|worker| !tried.iter().any(|other| Arc::ptr_eq(worker, other)))
            .min_by_key(|worker| (worker.state() as u8, worker.calls.load(Relaxed)))
            .map(Flight::start)
    }

    /// Resolves when a worker serves that did not before; at once, if one has begun to since this was last asked.
    pub(crate) async fn served(&self) {
        self.served.notified().await;
    }

    /// Workers that serve now, for people.
    pub fn serving(&self) -> usize {
        self.workers.iter().filter(|worker| worker.state() == State::Serving).count()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.watchers.iter().for_each(JoinHandle::abort);
    }
}

/// What is known of a worker; a smaller one is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    Serving = 0,
    /// Nobody has asked yet.
    Unknown = 1,
    Down = 2,
}

pub(crate) struct Worker {
    pub url: String,
    pub link: Link,
    state: AtomicU8,
    /// Wakes the watch: see [`Worker::suspect`].
    pub suspicion: Notify,
    /// Under way now.
    calls: AtomicUsize,
    pub kind: &'static Kind,
    /// Told when it serves again.
    served: Arc<Notify>,
}

impl Worker {
    fn new(url: String, link: Link, kind: &'static Kind, served: Arc<Notify>) -> Self {
        let state = AtomicU8::new(State::Unknown as u8);
        let (suspicion, calls) = (Notify::new(), AtomicUsize::new(0));
        Worker { url, link, state, suspicion, calls, kind, served }
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Relaxed) {
            0 => State::Serving,
            1 => State::Unknown,
            _ => State::Down,
        }
    }

    /// A call could not be begun. Others avoid the worker until its watch has seen it serve again.
    pub(crate) fn suspect(&self, reason: &str) {
        self.set(State::Down, reason);
        self.suspicion.notify_one();
    }

    /// Told once per change.
    pub(crate) fn set(&self, state: State, reason: &str) {
        if self.state.swap(state as u8, Relaxed) == state as u8 {
            return;
        }
        match state {
            State::Serving => {
                self.served.notify_one();
                tracing::info!(worker = self.url, "the {} serves", self.kind.name);
            }
            State::Unknown => {}
            State::Down => {
                tracing::warn!(worker = self.url, reason, "the {} does not serve", self.kind.name);
            }
        }
    }
}

/// One call under way, counted until it is dropped.
pub(crate) struct Flight {
    pub worker: Arc<Worker>,
}

impl Flight {
    fn start(worker: &Arc<Worker>) -> Self {
        worker.calls.fetch_add(1, Relaxed);
        Flight { worker: Arc::clone(worker) }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.worker.calls.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
