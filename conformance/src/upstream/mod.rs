//! The scripted upstream: a TCP server that answers with exact bytes.
//!
//! HTTP libraries decide for themselves where a chunk ends and how a connection closes; here the scenario does. [`script`]
//! turns steps into writes, [`connection`] plays them, [`ScriptedUpstream`] listens and remembers what it saw.

pub mod chunk;
pub mod connection;
pub mod request;
pub mod script;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use request::SeenRequest;
use script::Script;

use crate::scenario::model::{CaseBody, Op};

/// How long a peer may take to leave before that counts as never.
const LEAVING_PATIENCE: Duration = Duration::from_secs(3);

/// One listener on a port of its own, so that what it counts belongs to one case alone.
pub struct ScriptedUpstream {
    pub address: SocketAddr,
    state: Arc<State>,
    /// Holds the port of an upstream that refuses connections: bound, never listening.
    _refusing: Option<TcpSocket>,
    accepting: Option<JoinHandle<()>>,
}

/// What arrived since the last [`ScriptedUpstream::arm`].
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub requests: Vec<SeenRequest>,
    /// When a peer closed a connection in the middle of a script.
    pub left_early_at: Option<Instant>,
    /// Requests for which no script was left.
    pub unexpected: usize,
}

impl Seen {
    pub fn connections(&self) -> usize {
        let mut ids: Vec<u64> = self.requests.iter().map(|request| request.connection).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    }
}

pub(crate) enum Reply {
    Script(Arc<Script>),
    /// The gateway may ask any provider for its models at any time; that is not part of most scenarios.
    NoModels,
    /// A request that the scenario does not provide for.
    Unscripted,
}

#[derive(Default)]
pub(crate) struct State(Mutex<Armed>);

#[derive(Default)]
struct Armed {
    scripts: Vec<Arc<Script>>,
    /// The last script answers every further request as well.
    repeat_last: bool,
    /// `GET …/models` is part of the scenario, not the gateway's own discovery.
    models_are_scripted: bool,
    seen: Seen,
}

impl State {
    fn with<T>(&self, work: impl FnOnce(&mut Armed) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes the request and picks its script.
    pub(crate) fn receive(&self, request: SeenRequest) -> Reply {
        self.with(|armed| {
            if request.path.ends_with("/models") && !armed.models_are_scripted {
                return Reply::NoModels;
            }
            let index = armed.seen.requests.len();
            armed.seen.requests.push(request);
            let script = match armed.scripts.get(index) {
                Some(script) => Some(script),
                None if armed.repeat_last => armed.scripts.last(),
                None => None,
            };
            match script {
                Some(script) => Reply::Script(script.clone()),
                None => {
                    armed.seen.unexpected += 1;
                    Reply::Unscripted
                }
            }
        })
    }

    pub(crate) fn peer_left(&self) {
        self.with(|armed| armed.seen.left_early_at = Some(Instant::now()));
    }
}

impl ScriptedUpstream {
    pub async fn listen() -> Result<ScriptedUpstream> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let accepting = tokio::spawn(accept(listener, state.clone()));
        Ok(ScriptedUpstream { address, state, _refusing: None, accepting: Some(accepting) })
    }

    /// A port that nobody else can take and that refuses every connection.
    pub fn refuse() -> Result<ScriptedUpstream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(ScriptedUpstream {
            address,
            state: Arc::new(State::default()),
            _refusing: Some(socket),
            accepting: None,
        })
    }

    /// Loads the scripts of the next run of `case` and forgets what was seen before.
    pub fn arm(&self, case: &CaseBody, scripts: Vec<Script>) {
        let scripts = scripts.into_iter().map(Arc::new).collect();
        let models_are_scripted = matches!(case.request.op, Op::ModelsList | Op::ModelsRetrieve);
        let repeat_last = case.upstream.is_some() && case.attempts.is_none();
        let seen = Seen::default();
        self.state.with(|armed| *armed = Armed { scripts, repeat_last, models_are_scripted, seen });
    }

    pub fn seen(&self) -> Seen {
        self.state.with(|armed| armed.seen.clone())
    }

    /// Until a peer has closed a connection in the middle of a script, or too long has passed for that to count.
    pub async fn wait_until_left(&self) {
        let deadline = Instant::now() + LEAVING_PATIENCE;
        while self.seen().left_early_at.is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    let mut next_id = 0;
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(connection::serve(socket, next_id, state.clone()));
        next_id += 1;
        while connections.try_join_next().is_some() {}
    }
}
