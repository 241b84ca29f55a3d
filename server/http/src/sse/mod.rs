//! A stream of events as server-sent events: the response body that clients read.
//!
//! What leaves: `data: <json>` per event; `: keep-alive` after a silence; and as the one terminal either `data: [DONE]` or
//! an event with the error, after which nothing comes.
//!
//! The body runs in the connection's own task and asks the upstream only when the connection can take more, so a slow
//! client slows the upstream; when the client leaves, hyper drops the body and with it the upstream's request.

mod source;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dropshot::Body;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body::Frame;
use novai_core::{ChatEvent, Error, Expected, Gateway};
use sync_wrapper::SyncWrapper;
use tokio::time::Instant;

use crate::access_log::Trail;
use crate::cost;
use crate::exchange::with_room;
use crate::listener::LazyTimer;
use crate::problem::Problem;
use crate::rate_limit;
use crate::retirement;
pub(crate) use source::Opening;
use source::Source;

/// Events that are ready together leave together, up to this many bytes: one write instead of many, and none is held
/// back for it.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What one read from an upstream can bring.
const BURST_BYTES: usize = 32 * 1024;

const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");
const DONE: &[u8] = b"data: [DONE]\n\n";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub first_event_grace: Duration,
    pub keep_alive_interval: Duration,
}

/// Waits for the first event, but not longer than the grace: a failure before it is an error with a real status, one after
/// it is an event.
pub(crate) async fn respond(
    opening: Opening,
    timing: Timing,
    trail: Arc<Trail>,
    gateway: &Gateway,
) -> Result<Response<Body>, Error> {
    let mut source = Source::new(opening, Arc::clone(&trail));
    let first = tokio::time::timeout(timing.first_event_grace, source.next()).await;
    let waiting = match first {
        Ok(Some(Err(error))) => return Err(error),
        Ok(Some(Ok(event))) => Waiting::Event(event),
        Ok(None) => Waiting::End,
        Err(_elapsed) => Waiting::Nothing,
    };

    let upstream_limits = source.take_upstream_limits();
    let target = source.take_target();
    if let Some(limits) = source.own_limits() {
        trail.facts().limits = Some(limits);
    }
    let model = if target.is_none() { trail.facts().model.clone() } else { None };
    let body = SseBody {
        state: SyncWrapper::new(State {
            source,
            waiting,
            silent_since: Instant::now(),
            keep_alive_interval: timing.keep_alive_interval,
            timer: LazyTimer::default(),
            trail,
        }),
        is_over: false,
    };
    let mut response = with_room(Body::wrap(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would otherwise collect events until its buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    match target {
        Some(target) => {
            cost::write_used_model(&target.upstream_model, headers);
            retirement::write(&target.card, headers);
        }
        // Who serves is not decided yet; of a model with one target it is known all the same.
        None => {
            let expected = model.and_then(|model| gateway.expected(&model));
            if let Some(Expected { card, upstream_model }) = expected {
                retirement::write(&card, headers);
                upstream_model.iter().for_each(|name| cost::write_used_model(name, headers));
            }
        }
    }
    if let Some(limits) = upstream_limits {
        rate_limit::write_upstream(&limits, headers);
    }
    Ok(response)
}

struct SseBody {
    // dropshot's bodies must be `Sync`; streams are not, and nobody shares one.
    state: SyncWrapper<State>,
    is_over: bool,
}

struct State {
    source: Source,
    waiting: Waiting,
    silent_since: Instant,
    keep_alive_interval: Duration,
    timer: LazyTimer,
    trail: Arc<Trail>,
}

/// What came before the body was polled.
enum Waiting {
    Nothing,
    Event(ChatEvent),
    End,
}

/// What to write next.
enum Step {
    Event(ChatEvent),
    End,
    Failure(Problem),
}

impl State {
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match std::mem::replace(&mut self.waiting, Waiting::Nothing) {
            Waiting::Event(event) => return Poll::Ready(Step::Event(event)),
            Waiting::End => return Poll::Ready(Step::End),
            Waiting::Nothing => {}
        }
        // A panic in here would end the connection without a terminal event, and over HTTP/2 its other streams too.
        match catch_unwind(AssertUnwindSafe(|| self.source.poll_event(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Some(Ok(event)))) => Poll::Ready(Step::Event(event)),
            Ok(Poll::Ready(Some(Err(error)))) => Poll::Ready(Step::Failure(error.into())),
            Ok(Poll::Ready(None)) => Poll::Ready(Step::End),
            Err(_panic) => {
                tracing::error!(request_id = %self.trail.request_id(), "a stream ended in a panic");
                Poll::Ready(Step::Failure(Problem::internal()))
            }
        }
    }

    /// The next bytes, and whether they are the last.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<(Bytes, bool)> {
        let mut frame = BytesMut::new();
        let is_over = loop {
            match self.poll_step(cx) {
                Poll::Ready(Step::Event(event)) => {
                    push(&mut frame, &event.json);
                    if frame.len() >= FRAME_BYTES_MAX {
                        break false;
                    }
                }
                Poll::Ready(Step::End) => {
                    frame.extend_from_slice(DONE);
                    break true;
                }
                Poll::Ready(Step::Failure(problem)) => {
                    push(&mut frame, &problem.to_json());
                    self.trail.facts().fail(problem.failure());
                    break true;
                }
                Poll::Pending if frame.is_empty() => {
                    ready!(self.timer.poll_past(cx, self.silent_since + self.keep_alive_interval));
                    self.silent_since = Instant::now();
                    return Poll::Ready((KEEP_ALIVE, false));
                }
                Poll::Pending => break false,
            }
        };
        self.silent_since = Instant::now();
        Poll::Ready((frame.freeze(), is_over))
    }
}

fn push(frame: &mut BytesMut, json: &[u8]) {
    let needed = json.len() + 8;
    if frame.capacity() - frame.len() < needed {
        // One event alone gets the room it needs. A second one means a burst: growing step by step would copy it over and
        // over.
        frame.reserve(if frame.is_empty() { needed } else { needed.max(BURST_BYTES) });
    }
    frame.extend_from_slice(b"data: ");
    frame.extend_from_slice(json);
    frame.extend_from_slice(b"\n\n");
}

impl http_body::Body for SseBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let (bytes, is_over) = ready!(self.state.get_mut().poll_bytes(cx));
        self.is_over = is_over;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests;
