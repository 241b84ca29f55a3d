//! The scripted upstream: a TCP server that answers with exact bytes.
//!
//! HTTP libraries decide for themselves where a chunk ends and how a connection closes; here the scenario does. [`script`]
//! turns steps into writes, [`connection`] plays them, [`ScriptedUpstream`] remembers what it saw, and [`listening`] has the
//! odd ways to be, or not to be, reachable.

pub mod chunk;
pub mod connection;
mod listening;
pub mod request;
pub mod script;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use listening::Listening;
use request::SeenRequest;
use script::Script;

use crate::scenario::model::{self, CaseBody, ELSEWHERE, Op, Word};

/// How long a peer may take to leave before that counts as never.
const LEAVING_PATIENCE: Duration = Duration::from_secs(3);

/// One listener on a port of its own, so that what it counts belongs to one case alone.
pub struct ScriptedUpstream {
    pub address: SocketAddr,
    state: Arc<State>,
    _listening: Listening,
    /// The second server, which nobody should call; it would answer.
    elsewhere: Option<Box<ScriptedUpstream>>,
    /// The model's further targets.
    pub fallbacks: Vec<ScriptedUpstream>,
}

/// What arrived since the last [`ScriptedUpstream::arm`].
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub requests: Vec<SeenRequest>,
    /// When a peer closed a connection in the middle of a script.
    pub left_early_at: Option<Instant>,
    /// Requests for which no script was left.
    pub unexpected: usize,
    /// What the second server saw, where the case has one.
    pub elsewhere: Option<Box<Seen>>,
    /// What the further targets saw, in order.
    pub fallbacks: Vec<Seen>,
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
    /// Reachable as the case wants it.
    pub async fn open(case: &CaseBody) -> Result<ScriptedUpstream> {
        let mut upstream = Self::listening_as(case.listening()).await?;
        for script in &case.fallbacks {
            upstream.fallbacks.push(Self::listening_as(model::listening(script)).await?);
        }
        if case.names_elsewhere() {
            upstream.elsewhere = Some(Box::new(Self::listen()?));
        }
        Ok(upstream)
    }

    async fn listening_as(word: Option<Word>) -> Result<ScriptedUpstream> {
        match word {
            Some(Word::RefuseConnection) => Self::with(|_| listening::refuse()),
            Some(Word::IgnoreConnection) => {
                let (address, listening) = listening::ignore().await?;
                Self::with(|_| Ok((address, listening)))
            }
            Some(Word::UntrustedCertificate) => Self::with(listening::accept_untrusted),
            _ => Self::listen(),
        }
    }

    pub fn listen() -> Result<ScriptedUpstream> {
        Self::with(listening::accept)
    }

    fn with(listen: impl FnOnce(Arc<State>) -> Result<(SocketAddr, Listening)>) -> Result<ScriptedUpstream> {
        let state = Arc::new(State::default());
        let (address, listening) = listen(state.clone())?;
        Ok(ScriptedUpstream { address, state, _listening: listening, elsewhere: None, fallbacks: Vec::new() })
    }

    /// Loads the scripts of the next run of `case` and forgets what was seen before.
    pub fn arm(&self, case: &CaseBody, mut scripts: Vec<Script>, fallbacks: Vec<Script>) {
        for (upstream, script) in self.fallbacks.iter().zip(fallbacks) {
            upstream.arm_with(script);
        }
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.arm_with_an_answer();
            // Another name for this machine, so that it is another host by name too.
            let place = format!("localhost:{}", elsewhere.address.port());
            scripts.iter_mut().for_each(|script| script.fill_in(ELSEWHERE, &place));
        }
        let scripts = scripts.into_iter().map(Arc::new).collect();
        let models_are_scripted = matches!(case.request.op, Op::ModelsList | Op::ModelsRetrieve);
        let repeat_last = case.upstream.is_some() && case.attempts.is_none();
        let seen = Seen::default();
        self.state.with(|armed| *armed = Armed { scripts, repeat_last, models_are_scripted, seen });
    }

    fn arm_with_an_answer(&self) {
        self.arm_with(Script::of_answer("From elsewhere."));
    }

    /// For every request.
    fn arm_with(&self, script: Script) {
        let scripts = vec![Arc::new(script)];
        self.state.with(|armed| {
            *armed = Armed { scripts, repeat_last: true, models_are_scripted: true, seen: Seen::default() };
        });
    }

    pub fn seen(&self) -> Seen {
        let mut seen = self.state.with(|armed| armed.seen.clone());
        seen.elsewhere = self.elsewhere.as_ref().map(|elsewhere| Box::new(elsewhere.seen()));
        seen.fallbacks = self.fallbacks.iter().map(ScriptedUpstream::seen).collect();
        seen
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
