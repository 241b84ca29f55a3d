//! `Idempotency-Key`: the same request again gets the answer that it got, and is charged once.
//!
//! Answers that succeeded are kept for a day, as long as there is room: the latest in this process, and all of them in a
//! [`ReplayStore`], which restarts and replicas share. What failed may be tried again. A key belongs to its caller. Start at
//! [`Replays::begin`]; [`recorder`] listens to streams, [`answer`] is what is kept.

mod answer;
mod recorder;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dropshot::Body;
use http::Response;
use http::header::{HeaderMap, HeaderName};
use novai_core::replays::{BodyHash, Claim, KEPT_S, ReplayName, ReplayStore};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::codes::Code;
use crate::problem::Problem;
use answer::Answer;

static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const KEY_BYTES_MAX: usize = 255;
const KEPT: Duration = Duration::from_secs(KEPT_S);
/// Of all answers in this process together. The oldest go first.
const BYTES_MAX: usize = 64 << 20;
/// Of one answer. A longer one is not kept: the same request runs again.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What an entry costs beside its answer.
const ENTRY_BYTES: usize = 512;
/// How soon a twin may ask again, and anybody whom the store did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// What was answered, and what is being answered.
#[derive(Clone)]
pub(crate) struct Replays {
    inner: Arc<Mutex<Inner>>,
    store: Arc<dyn ReplayStore>,
    /// Of streams that are being recorded.
    recording_bytes: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<ReplayName, Entry>,
    /// In the order in which they were kept.
    kept: VecDeque<(Instant, ReplayName)>,
    bytes: usize,
}

struct Entry {
    body_hash: BodyHash,
    /// `None` while it runs.
    answer: Option<Answer>,
}

pub(crate) enum Begun {
    /// Run it, and tell the slot.
    New(Slot),
    Replay(Response<Body>),
}

/// The key of a request, if it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(&HEADER) else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_BYTES_MAX);
    key.map(Some).ok_or_else(|| {
        Problem::bad_request(format!("Idempotency-Key must be 1 to {KEY_BYTES_MAX} visible ASCII characters"))
    })
}

impl Replays {
    pub(crate) fn new(store: Arc<dyn ReplayStore>) -> Self {
        Replays { inner: Arc::default(), store, recording_bytes: Arc::default() }
    }

    pub(crate) async fn begin(&self, caller: &Arc<str>, key: &str, body: &[u8]) -> Result<Begun, Problem> {
        let name = ReplayName { caller: Arc::clone(caller), key: key.into() };
        let body_hash: BodyHash = Sha256::digest(body).into();
        let mut slot = match self.look(&name, body_hash)? {
            Begun::New(slot) => slot,
            replay => return Ok(replay),
        };
        match self.store.claim(&name, &body_hash).await {
            Ok(Claim::New) => Ok(Begun::New(slot)),
            Ok(Claim::Answered(kept)) => {
                slot.is_claimed = false;
                // What cannot be read is a newer gateway's; it will go by itself.
                let answer = Answer::decoded(kept).ok_or_else(running)?;
                slot.put(answer.clone());
                Ok(Begun::Replay(answer.into_response()))
            }
            Ok(Claim::Running) => {
                slot.is_claimed = false;
                Err(running())
            }
            Ok(Claim::Changed) => {
                slot.is_claimed = false;
                Err(changed())
            }
            Err(error) => {
                tracing::warn!(%error, cause = error.0, "a request with an idempotency key is refused");
                let mut problem = Problem::new(Code::StoreUnavailable, error.to_string());
                problem.details.retry_after = Some(RETRY);
                Err(problem)
            }
        }
    }

    /// As far as this process knows.
    fn look(&self, name: &ReplayName, body_hash: BodyHash) -> Result<Begun, Problem> {
        let mut inner = self.lock();
        inner.forget_old(Instant::now());
        match inner.entries.get(name) {
            None => {
                inner.entries.insert(name.clone(), Entry { body_hash, answer: None });
                let name = Some(name.clone());
                Ok(Begun::New(Slot { replays: self.clone(), body_hash, name, is_claimed: true }))
            }
            Some(entry) if entry.body_hash != body_hash => Err(changed()),
            Some(Entry { answer: None, .. }) => Err(running()),
            Some(Entry { answer: Some(answer), .. }) => Ok(Begun::Replay(answer.clone().into_response())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changed() -> Problem {
    let mut problem = Problem::new(
        Code::IdempotencyKeyReused,
        "this Idempotency-Key was used with another body: a new request needs a new key",
    );
    problem.details.never_retry = true;
    problem
}

fn running() -> Problem {
    let mut problem = Problem::new(
        Code::IdempotencyKeyInUse,
        "a request with this Idempotency-Key is still running: its answer can be had when it has ended",
    );
    problem.details.retry_after = Some(RETRY);
    problem
}

impl Inner {
    fn forget_old(&mut self, now: Instant) {
        while let Some((kept_at, _)) = self.kept.front()
            && (now.duration_since(*kept_at) >= KEPT || self.bytes > BYTES_MAX)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, name)) = self.kept.pop_front() else { return };
        let entry = self.entries.remove(&name);
        let body_bytes = entry.and_then(|entry| entry.answer).map_or(0, |answer| answer.body.len());
        self.bytes = self.bytes.saturating_sub(body_bytes + ENTRY_BYTES);
    }
}

/// A request that runs under its key. Dropped without an answer, the key is free again.
pub(crate) struct Slot {
    replays: Replays,
    body_hash: BodyHash,
    /// `None` once it is kept.
    name: Option<ReplayName>,
    /// In the store, too.
    is_claimed: bool,
}

impl Slot {
    pub(crate) fn keep(mut self, headers: HeaderMap, body: Bytes) {
        if body.len() > ANSWER_BYTES_MAX {
            return;
        }
        let answer = Answer { headers, body };
        if let Some(name) = &self.name {
            self.replays.store.keep(name, &self.body_hash, answer.encoded());
            self.is_claimed = false;
        }
        self.put(answer);
    }

    /// Into this process' memory.
    fn put(&mut self, answer: Answer) {
        let Some(name) = self.name.take() else { return };
        let mut inner = self.replays.lock();
        let Some(entry) = inner.entries.get_mut(&name) else { return };
        let bytes = answer.body.len() + ENTRY_BYTES;
        entry.answer = Some(answer);
        inner.bytes += bytes;
        let now = Instant::now();
        inner.kept.push_back((now, name));
        inner.forget_old(now);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // First there: who asks this process next finds it free in both.
            if self.is_claimed {
                self.replays.store.release(&name);
            }
            self.replays.lock().entries.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests;
