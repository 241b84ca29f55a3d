//! What the gateway guarantees about every stream, whoever provides it (law C4).
//!
//! * Exactly one end: after an `Err` or the provider's end, nothing more comes.
//! * Usage-only events reach the caller only if they asked; the counts are kept either way. Where the upstream counts
//!   nothing, those who asked are told what they are charged for.
//! * It is paid for once, by what is known when it ends, whoever ends it ([`Charge`]).
//! * [`StreamFacts`] tells the access log what happened, at any moment, also when the caller left half-way.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use novai_types::ChatCompletionRequest;
use tokio::time::Instant;

use crate::catalog::Target;
use crate::charge::{Charge, Settled};
use crate::error::Error;
use crate::gateway::Rounds;
use crate::limits::LimitSnapshot;
use crate::money::payload::{estimate_chunk, with_cost};
use crate::money::{Outcome, Progress, Usd};
use crate::provider::{ChatEvent, ChatStream, TokenUsage};
use crate::routing::{RouteEvents, Routing};

/// What a caller asked to be told.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wants {
    /// The event with the token counts.
    pub usage: bool,
    pub cost: bool,
}

impl Wants {
    pub(crate) fn of(request: &ChatCompletionRequest) -> Self {
        let of_stream = request.stream_options.as_ref().and_then(|options| options.include_usage);
        let cost = request.usage.as_ref().and_then(|options| options.include) == Some(true);
        Wants { usage: of_stream == Some(true) || cost, cost }
    }
}

/// What a caller reads. Dropping it cancels whatever runs for it.
pub struct GatewayStream(Kind);

enum Kind {
    Call(CallStream),
    /// Several calls, with tools run between them.
    Rounds(Rounds),
}

impl GatewayStream {
    pub(crate) fn of_call(call: CallStream) -> Self {
        GatewayStream(Kind::Call(call))
    }

    pub(crate) fn of_rounds(rounds: Rounds) -> Self {
        GatewayStream(Kind::Rounds(rounds))
    }

    /// The caller's limits as they stand; `None` once the stream is over.
    pub fn limits(&self) -> Option<LimitSnapshot> {
        match &self.0 {
            Kind::Call(call) => call.limits(),
            Kind::Rounds(rounds) => rounds.limits(),
        }
    }

    /// Shared with the stream: read it when the stream has been dropped to learn how far it came.
    pub fn facts(&self) -> Arc<StreamFacts> {
        match &self.0 {
            Kind::Call(call) => call.facts(),
            Kind::Rounds(rounds) => rounds.facts(),
        }
    }
}

impl Stream for GatewayStream {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Kind::Call(call) => Pin::new(call).poll_next(cx),
            Kind::Rounds(rounds) => Pin::new(rounds).poll_next(cx),
        }
    }
}

/// One call of a provider, with the guarantees above. Dropping it cancels the upstream request.
pub(crate) struct CallStream {
    inner: Option<ChatStream>,
    /// What had to be read to know that this target serves. Boxed: most streams have none.
    first: Option<Box<ChatEvent>>,
    wants: Wants,
    /// The last event shown to a caller who wants counts: a chunk with an estimate has its names. Boxed: most want none.
    last: Option<Box<Bytes>>,
    started_at: Instant,
    events_sent: u64,
    facts: Arc<StreamFacts>,
    charge: Charge,
    /// What it came to, once it is over.
    settled: Option<Box<Settled>>,
    watch: Watch,
}

/// Remembers how its target does.
pub(crate) struct Watch {
    pub routing: Arc<Routing>,
    pub target: Arc<Target>,
    /// Hears of this request alone.
    pub observer: Option<Arc<dyn RouteEvents>>,
}

impl CallStream {
    /// `facts` are those that `charge` settles by.
    pub(crate) fn new(
        inner: ChatStream,
        first: Option<Box<ChatEvent>>,
        wants: Wants,
        started_at: Instant,
        facts: Arc<StreamFacts>,
        charge: Charge,
        watch: Watch,
    ) -> Self {
        let (inner, last, events_sent, settled) = (Some(inner), None, 0, None);
        CallStream { inner, first, wants, last, started_at, events_sent, facts, charge, settled, watch }
    }

    /// The caller's limits as they stand; `None` once the stream is over.
    pub(crate) fn limits(&self) -> Option<LimitSnapshot> {
        self.charge.limits()
    }

    /// Those that it writes, and settles by.
    pub(crate) fn facts(&self) -> Arc<StreamFacts> {
        Arc::clone(&self.facts)
    }

    /// What it came to, once it has ended as it should.
    pub(crate) fn settled(&self) -> Option<&Settled> {
        self.settled.as_deref()
    }

    /// What it costs if these are the counts; `None` once it is over.
    pub(crate) fn cost_of(&self, usage: &TokenUsage) -> Option<Usd> {
        self.charge.cost_of(usage)
    }

    fn note(&mut self, event: &ChatEvent) -> bool {
        if let Some(usage) = event.usage {
            self.facts.set_usage(usage);
        }
        if self.events_sent == 0 && self.facts.first_event_us.load(Relaxed) == UNSET {
            let elapsed_us = self.started_at.elapsed().as_micros();
            self.facts.first_event_us.store(u64::try_from(elapsed_us).unwrap_or(UNSET - 1), Relaxed);
            self.watch.routing.note_beginning(&self.watch.target);
            if let Some(observer) = &self.watch.observer {
                observer.began_to_answer();
            }
        }
        if event.usage_only && !self.wants.usage {
            return false;
        }
        self.events_sent += 1;
        self.facts.events_sent.store(self.events_sent, Relaxed);
        true
    }

    /// With the cost beside the counts, for callers who asked.
    fn priced(&self, mut event: ChatEvent) -> ChatEvent {
        if self.wants.cost
            && let Some(cost) = event.usage.and_then(|usage| self.charge.cost_of(&usage))
        {
            event.json = with_cost(&event.json, cost);
        }
        event
    }

    /// The counts that the upstream has not told, once it is settled by them.
    fn estimate(&mut self) -> Option<ChatEvent> {
        let Settled { usage, cost, .. } = **self.settled.as_ref().filter(|settled| settled.is_estimate)?;
        let mut json = estimate_chunk(&self.last.take()?, &usage)?;
        if self.wants.cost {
            json = with_cost(&json, cost);
        }
        Some(ChatEvent { json, usage: Some(usage), usage_only: true })
    }

    fn end(&mut self, end: StreamEnd) {
        // The provider's stream goes at once: its connection is either back in the pool or of no more use.
        self.inner = None;
        self.facts.end.store(end as u8, Relaxed);
        let progress = self.facts.progress();
        if let Some(observer) = &self.watch.observer {
            observer.settling();
        }
        match end {
            StreamEnd::Complete => {
                self.settled =
                    self.charge.settle(Outcome::Complete, progress).map(|charged| Box::new(charged.into()));
            }
            // Nobody got anything, and nobody counted anything.
            _ if progress == Progress::default() => self.charge.release(),
            _ => _ = self.charge.settle(Outcome::Broken, progress),
        }
        if let Some(observer) = &self.watch.observer {
            observer.settled();
        }
    }
}

impl Stream for CallStream {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            let next = match this.first.take() {
                Some(event) => Poll::Ready(Some(Ok(*event))),
                None => inner.as_mut().poll_next(cx),
            };
            match next {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(event))) => {
                    if this.note(&event) {
                        if this.wants.usage {
                            **this.last.get_or_insert_default() = event.json.clone();
                        }
                        return Poll::Ready(Some(Ok(this.priced(event))));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    this.watch.routing.note_broken(&this.watch.target, &error);
                    this.end(StreamEnd::Failed);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    this.watch.routing.note_success(&this.watch.target);
                    this.end(StreamEnd::Complete);
                    return Poll::Ready(this.estimate().map(Ok));
                }
            }
        }
    }
}

/// How a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StreamEnd {
    /// Not over. Once the stream is dropped: the caller left before the end.
    Running = 0,
    Complete = 1,
    Failed = 2,
}

const UNSET: u64 = u64::MAX;

/// Written by the stream as it goes, read by the access log. Plain atomics: one store per event, no lock.
#[derive(Debug)]
pub struct StreamFacts {
    events_sent: AtomicU64,
    first_event_us: AtomicU64,
    end: AtomicU8,
    cost_nano_usd: AtomicU64,
    usage: Mutex<Option<TokenUsage>>,
}

impl Default for StreamFacts {
    fn default() -> Self {
        StreamFacts {
            events_sent: AtomicU64::new(0),
            first_event_us: AtomicU64::new(UNSET),
            end: AtomicU8::new(StreamEnd::Running as u8),
            cost_nano_usd: AtomicU64::new(UNSET),
            usage: Mutex::new(None),
        }
    }
}

/// A stream that has come this far.
impl From<Progress> for StreamFacts {
    fn from(progress: Progress) -> Self {
        let facts = StreamFacts::default();
        facts.events_sent.store(progress.tokens_likely, Relaxed);
        if let Some(usage) = progress.usage {
            facts.set_usage(usage);
        }
        facts
    }
}

impl StreamFacts {
    /// Events handed to the caller.
    pub fn events_sent(&self) -> u64 {
        self.events_sent.load(Relaxed)
    }

    /// From the gateway's start on the request to the first event of the upstream; `None` before that event.
    pub fn time_to_first_event(&self) -> Option<Duration> {
        match self.first_event_us.load(Relaxed) {
            UNSET => None,
            us => Some(Duration::from_micros(us)),
        }
    }

    /// The last counts the upstream reported, also those the caller did not ask to see.
    pub fn usage(&self) -> Option<TokenUsage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it cost; `None` until it is settled.
    pub fn cost(&self) -> Option<Usd> {
        match self.cost_nano_usd.load(Relaxed) {
            UNSET => None,
            nano => Some(Usd::from_nano(nano)),
        }
    }

    /// The first event came after `elapsed`, if none came before.
    pub(crate) fn begin(&self, elapsed: Duration) {
        let us = u64::try_from(elapsed.as_micros()).unwrap_or(UNSET - 1);
        let _ = self.first_event_us.compare_exchange(UNSET, us, Relaxed, Relaxed);
    }

    pub(crate) fn set_events_sent(&self, events: u64) {
        self.events_sent.store(events, Relaxed);
    }

    pub(crate) fn set_end(&self, end: StreamEnd) {
        self.end.store(end as u8, Relaxed);
    }

    pub(crate) fn set_cost(&self, cost: Usd) {
        self.cost_nano_usd.store(cost.nano, Relaxed);
    }

    pub fn progress(&self) -> Progress {
        Progress { tokens_likely: self.events_sent(), usage: self.usage() }
    }

    pub fn end(&self) -> StreamEnd {
        match self.end.load(Relaxed) {
            1 => StreamEnd::Complete,
            2 => StreamEnd::Failed,
            _ => StreamEnd::Running,
        }
    }

    pub(crate) fn set_usage(&self, usage: TokenUsage) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
    }
}
