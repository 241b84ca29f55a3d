//! `Idempotency-Key`: the same request again gets the answer that it got, and is charged once.
//!
//! Answers that succeeded are kept in this process for a day, as long as there is room; what failed may be tried again. A
//! key belongs to its caller. Start at [`Replays::begin`].

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dropshot::Body;
use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as _, Frame};
use tokio::time::Instant;

use crate::codes::Code;
use crate::problem::Problem;

static HEADER: HeaderName = HeaderName::from_static("idempotency-key");
static REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const KEY_BYTES_MAX: usize = 255;
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Of all answers together. The oldest go first.
const BYTES_MAX: usize = 64 << 20;
/// Of one answer. A longer one is not kept: the same request runs again.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What an entry costs beside its answer.
const ENTRY_BYTES: usize = 512;
/// How soon a twin may ask again.
const TWIN_RETRY: Duration = Duration::from_secs(1);
/// How a stream ends that succeeded.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// The caller and its key.
type Name = (Arc<str>, Box<str>);

/// What was answered, and what is being answered.
#[derive(Clone, Default)]
pub(crate) struct Replays {
    inner: Arc<Mutex<Inner>>,
    /// Of streams that are being recorded.
    recording_bytes: Arc<AtomicUsize>,
    hasher: RandomState,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Name, Entry>,
    /// In the order in which they were kept.
    kept: VecDeque<(Instant, Name)>,
    bytes: usize,
}

struct Entry {
    body_hash: u64,
    /// `None` while it runs.
    answer: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    headers: HeaderMap,
    body: Bytes,
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
    pub(crate) fn begin(&self, caller: &Arc<str>, key: &str, body: &[u8]) -> Result<Begun, Problem> {
        let name: Name = (Arc::clone(caller), key.into());
        let body_hash = self.hasher.hash_one(body);
        let mut inner = self.lock();
        inner.forget_old(Instant::now());
        match inner.entries.get(&name) {
            None => {
                inner.entries.insert(name.clone(), Entry { body_hash, answer: None });
                Ok(Begun::New(Slot { replays: self.clone(), name: Some(name) }))
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
    problem.details.retry_after = Some(TWIN_RETRY);
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

impl Answer {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(REPLAYED.clone(), HeaderValue::from_static("true"));
        response
    }
}

/// A request that runs under its key. Dropped without an answer, the key is free again.
pub(crate) struct Slot {
    replays: Replays,
    /// `None` once it is kept.
    name: Option<Name>,
}

impl Slot {
    pub(crate) fn keep(mut self, headers: HeaderMap, body: Bytes) {
        if body.len() > ANSWER_BYTES_MAX {
            return;
        }
        let Some(name) = self.name.take() else { return };
        let mut inner = self.replays.lock();
        let Some(entry) = inner.entries.get_mut(&name) else { return };
        let bytes = body.len() + ENTRY_BYTES;
        entry.answer = Some(Answer { headers, body });
        inner.bytes += bytes;
        let now = Instant::now();
        inner.kept.push_back((now, name));
        inner.forget_old(now);
    }

    /// Keeps a stream's events as they pass, if they come to a good end.
    pub(crate) fn record(self, response: Response<Body>) -> Response<Body> {
        let (parts, inner) = response.into_parts();
        let headers = parts.headers.clone();
        let recording_bytes = Arc::clone(&self.replays.recording_bytes);
        let recorder =
            Recorder { inner, kept: BytesMut::new(), slot: Some((self, headers)), recording_bytes };
        Response::from_parts(parts, Body::wrap(recorder))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            self.replays.lock().entries.remove(&name);
        }
    }
}

struct Recorder {
    inner: Body,
    kept: BytesMut,
    /// `None` once it is kept, or too long to be.
    slot: Option<(Slot, HeaderMap)>,
    recording_bytes: Arc<AtomicUsize>,
}

impl Recorder {
    fn take(&mut self, data: &Bytes) {
        if self.slot.is_none() {
            return;
        }
        let of_all = self.recording_bytes.load(Relaxed) + data.len();
        if self.kept.len() + data.len() > ANSWER_BYTES_MAX || of_all > BYTES_MAX {
            self.slot = None;
            self.forget();
            return;
        }
        self.recording_bytes.fetch_add(data.len(), Relaxed);
        self.kept.extend_from_slice(data);
        if self.inner.is_end_stream()
            && self.kept.ends_with(DONE)
            && let Some((slot, headers)) = self.slot.take()
        {
            slot.keep(headers, self.forget());
        }
    }

    fn forget(&mut self) -> Bytes {
        let kept = std::mem::take(&mut self.kept);
        self.recording_bytes.fetch_sub(kept.len(), Relaxed);
        kept.freeze()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.forget();
    }
}

impl http_body::Body for Recorder {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let polled = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.take(data);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Arc<str> {
        name.into()
    }

    fn code(begun: Result<Begun, Problem>) -> String {
        match begun {
            Ok(Begun::New(_)) => "new".to_owned(),
            Ok(Begun::Replay(response)) => {
                assert_eq!(response.headers().get(&REPLAYED).unwrap(), "true");
                "replay".to_owned()
            }
            Err(problem) => problem.code.into_owned(),
        }
    }

    fn slot(begun: Result<Begun, Problem>) -> Slot {
        match begun {
            Ok(Begun::New(slot)) => slot,
            other => panic!("{}", code(other)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_a_day() {
        let replays = Replays::default();
        let alice = caller("key_a");
        let running = slot(replays.begin(&alice, "k", b"body"));
        assert_eq!(code(replays.begin(&alice, "k", b"body")), "idempotency_key_in_use");
        assert_eq!(code(replays.begin(&alice, "k", b"other")), "idempotency_key_reused");
        drop(slot(replays.begin(&caller("key_b"), "k", b"body")));
        running.keep(HeaderMap::new(), Bytes::from_static(b"answer"));
        assert_eq!(code(replays.begin(&alice, "k", b"body")), "replay");
        assert_eq!(code(replays.begin(&alice, "k", b"other")), "idempotency_key_reused");
        tokio::time::advance(KEPT - Duration::from_secs(1)).await;
        assert_eq!(code(replays.begin(&alice, "k", b"body")), "replay");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(code(replays.begin(&alice, "k", b"body")), "new");
    }

    #[test]
    fn what_failed_or_is_too_long_may_run_again() {
        let replays = Replays::default();
        drop(slot(replays.begin(&caller("a"), "k", b"")));
        slot(replays.begin(&caller("a"), "k", b""))
            .keep(HeaderMap::new(), vec![0; ANSWER_BYTES_MAX + 1].into());
        assert_eq!(code(replays.begin(&caller("a"), "k", b"")), "new");
    }

    #[test]
    fn the_oldest_make_room() {
        let replays = Replays::default();
        let count = BYTES_MAX / ANSWER_BYTES_MAX + 5;
        for number in 0..count {
            let key = number.to_string();
            let slot = slot(replays.begin(&caller("a"), &key, b""));
            slot.keep(HeaderMap::new(), vec![0; ANSWER_BYTES_MAX].into());
            assert!(replays.lock().bytes <= BYTES_MAX + ANSWER_BYTES_MAX);
        }
        assert_eq!(code(replays.begin(&caller("a"), "0", b"")), "new");
        assert_eq!(code(replays.begin(&caller("a"), &(count - 1).to_string(), b"")), "replay");
        assert!(replays.lock().entries.len() <= count);
    }

    #[test]
    fn keys_are_short_and_visible() {
        for (value, expected) in [
            (&b"a-1"[..], Ok(Some("a-1"))),
            (b"", Err(())),
            (&[b'x'; 256], Err(())),
            (&[b'x'; 255], Ok(Some(std::str::from_utf8(&[b'x'; 255]).unwrap()))),
            (b"\xff", Err(())),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER.clone(), HeaderValue::from_bytes(value).unwrap());
            assert_eq!(key(&headers).map_err(|_| ()), expected);
        }
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
    }
}
