//! [`Stream`]: typed events as they come, put together on the way.
//!
//! Start at [`Stream::poll_next`](futures_core::Stream::poll_next). A stream ends in exactly one of two ways: its terminal
//! event, after which it yields `None`, or one `Err`, which holds what came until then. An end without the terminal is an
//! error ([`Error::StreamTruncated`]), never a short success.
//!
//! Dropping a stream closes its connection, which cancels the request at the server.

use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use memchr::memmem::Finder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::body::{DRAIN_BYTES_MAX, DRAIN_TIMEOUT, Step};
use crate::call::Opened;
use crate::errors::{Error, Partial};
use crate::failure::Failure;
use crate::rate_limit::RateLimit;
use crate::sse::Event;
use crate::timeout::{Alarm, Deadline, after};

/// Made once: every event is searched, and making it costs as much as a search.
static ERROR_KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""error""#));

/// hyper puts a connection back into its pool from a task of its own, a moment after its body's end was read. A caller
/// that starts the next stream within that moment would open another connection: 1 of 100 streams in a row did so on two
/// busy cores, and 1 of 1,000 with this pause.
pub(crate) const SETTLE_TIME: Duration = Duration::from_millis(1);

/// Puts a stream's events together. Generated, for every operation that streams.
pub trait Accumulate: Default + Send + Unpin + 'static {
    /// One event.
    type Event: DeserializeOwned + Send + 'static;
    /// What the operation returns when it does not stream.
    type Final: Serialize + Send + Sync + 'static;
    /// `data` of the event that ends a complete stream; `None`: the end of the body does.
    const TERMINAL: Option<&'static str>;

    fn push(&mut self, event: &Self::Event);
    /// What there is so far.
    fn snapshot(&self) -> Self::Final;
    fn finish(self) -> Self::Final;
}

/// The events of one reply; a [`futures_core::Stream`] of `Result<A::Event, Error>`.
pub struct Stream<A: Accumulate> {
    opened: Opened,
    accumulator: A,
    events_received: u64,
    state: State,
    alarm: Alarm,
    /// Since when the caller waits for an event that is not there.
    waiting_since: Option<Instant>,
    event: PhantomData<fn() -> A::Event>,
}

enum State {
    Open,
    /// The last event is in: `error` is what is left to hand out.
    Draining {
        until: Option<Instant>,
        bytes_left: usize,
        error: Option<Error>,
    },
    /// The body is read to its end, or given up.
    Settling {
        until: Option<Instant>,
        error: Option<Error>,
    },
    Complete,
    Failed,
}

impl<A: Accumulate> Stream<A> {
    pub(crate) fn new(opened: Opened) -> Self {
        Self {
            opened,
            accumulator: A::default(),
            events_received: 0,
            state: State::Open,
            alarm: Alarm::default(),
            waiting_since: None,
            event: PhantomData,
        }
    }

    /// The next event; `None` after the last. Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Result<A::Event, Error>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Reads what is left and returns everything put together, as if it had not been streamed. Events that were already
    /// taken by [`next`](Self::next) are in it.
    pub async fn final_completion(mut self) -> Result<A::Final, Error> {
        while let Some(event) = self.next().await {
            event?;
        }
        match self.state {
            State::Complete => Ok(self.accumulator.finish()),
            // Its error was handed out; what is here must still not pass for the whole.
            _ => Err(self.truncated("the stream had failed before")),
        }
    }

    /// What the events so far make up.
    pub fn snapshot(&self) -> A::Final {
        self.accumulator.snapshot()
    }

    /// Events handed out so far.
    pub fn events_received(&self) -> u64 {
        self.events_received
    }

    /// `x-request-id`: what the gateway's log calls this request.
    pub fn request_id(&self) -> Option<&str> {
        self.opened.meta.request_id.as_deref()
    }

    /// The key's limits when the stream began; `None` where the server does not say.
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.opened.meta.rate_limit.as_ref()
    }

    /// Ends the request. The same as dropping the stream, but says so.
    pub fn close(self) {}

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<A::Event, Error>>> {
        loop {
            match &mut self.state {
                State::Open => match self.opened.events.poll_step(cx) {
                    Poll::Ready(step) => {
                        self.waiting_since = None;
                        if let Some(event) = self.take(step) {
                            return Poll::Ready(Some(event));
                        }
                    }
                    Poll::Pending => return self.poll_deadlines(cx),
                },
                State::Draining { until, bytes_left, error } => {
                    if self.opened.events.poll_drained(cx, bytes_left).is_ready() {
                        let until = after(Instant::now(), SETTLE_TIME);
                        self.state = State::Settling { until, error: error.take() };
                    } else if self.alarm.poll(cx, *until).is_ready() {
                        self.state = State::Settling { until: *until, error: error.take() };
                    } else {
                        return Poll::Pending;
                    }
                }
                State::Settling { until, error } => {
                    std::task::ready!(self.alarm.poll(cx, *until));
                    let error = error.take();
                    self.state = if error.is_some() { State::Failed } else { State::Complete };
                    return Poll::Ready(error.map(Err));
                }
                State::Complete | State::Failed => return Poll::Ready(None),
            }
        }
    }

    /// `None`: the state has changed and the loop goes on with it.
    fn take(&mut self, step: Step) -> Option<Result<A::Event, Error>> {
        match step {
            Step::Event => {
                let event = self.opened.events.event();
                if A::TERMINAL == Some(&*event.data) {
                    self.drain(None);
                    return None;
                }
                match decode(&event) {
                    Ok(event) => {
                        self.accumulator.push(&event);
                        self.events_received += 1;
                        Some(Ok(event))
                    }
                    Err(failure) => {
                        let error = self.error(failure);
                        self.drain(Some(error));
                        None
                    }
                }
            }
            Step::End if A::TERMINAL.is_none() => {
                self.state = State::Complete;
                None
            }
            Step::End => Some(self.fail(Failure::Truncated { source: None })),
            Step::TooLarge => {
                Some(self.fail(Failure::EventTooLarge { bytes_max: self.opened.event_bytes_max }))
            }
            Step::Broken(error) => Some(self.fail(Failure::broken_stream(error))),
        }
    }

    fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<A::Event, Error>>> {
        let waiting_since = *self.waiting_since.get_or_insert_with(Instant::now);
        let idle_at = after(waiting_since, self.opened.idle_timeout);
        let total_at = self.opened.total_at;
        let (at, deadline) = match (idle_at, total_at) {
            (Some(idle), Some(total)) if total <= idle => (Some(total), Deadline::Total),
            (Some(idle), _) => (Some(idle), Deadline::Idle),
            (None, total) => (total, Deadline::Total),
        };
        match self.alarm.poll(cx, at) {
            Poll::Ready(()) => Poll::Ready(Some(self.fail(Failure::Deadline { deadline, source: None }))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn drain(&mut self, error: Option<Error>) {
        let until = after(Instant::now(), DRAIN_TIMEOUT);
        self.state = State::Draining { until, bytes_left: DRAIN_BYTES_MAX, error };
    }

    fn fail(&mut self, failure: Failure) -> Result<A::Event, Error> {
        self.state = State::Failed;
        Err(self.error(failure))
    }

    fn truncated(&self, message: &str) -> Error {
        let mut error = self.error(Failure::Truncated { source: None });
        error.details_mut().message = message.to_owned();
        error
    }

    fn error(&self, failure: Failure) -> Error {
        let mut error = failure.into_error(Some(&self.opened.meta), &self.opened.api_key);
        let details = error.details_mut();
        details.events_received = self.events_received;
        details.partial = Some(Partial::new(self.accumulator.snapshot()));
        details.attempts = self.opened.attempts;
        error
    }
}

impl<A: Accumulate> futures_core::Stream for Stream<A> {
    type Item = Result<A::Event, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_event(cx)
    }
}

impl<A: Accumulate> fmt::Debug for Stream<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("request_id", &self.request_id())
            .field("events_received", &self.events_received)
            .finish_non_exhaustive()
    }
}

/// The error that an event reports: one that is named so, or a JSON object with an `error` in it. Some servers put that
/// beside the fields of an ordinary chunk, so a chunk that decodes proves nothing.
pub(crate) fn reported(event: &Event<'_>) -> Option<Failure> {
    let data = &*event.data;
    let is_error = event.event == "error" || (ERROR_KEY.find(data.as_bytes()).is_some() && holds_error(data));
    is_error.then(|| Failure::Event { data: data.to_owned() })
}

/// An event's data, unless it is an error.
fn decode<T: DeserializeOwned>(event: &Event<'_>) -> Result<T, Failure> {
    if let Some(failure) = reported(event) {
        return Err(failure);
    }
    let data = &*event.data;
    let decoded = match &event.data {
        Cow::Borrowed(data) => serde_json::from_str(data),
        // The decoder has put U+FFFD where the bytes were no UTF-8. It may stand in an answer that was not so.
        Cow::Owned(_) => Err(serde::de::Error::custom("not UTF-8")),
    };
    decoded.map_err(|error| Failure::EventDecode { data: data.to_owned(), error })
}

fn holds_error(data: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Probe<'a> {
        #[serde(borrow, default)]
        error: Option<&'a serde_json::value::RawValue>,
    }
    // An absent error and a null one are both `None`.
    serde_json::from_str::<Probe<'_>>(data).is_ok_and(|probe| probe.error.is_some())
}
