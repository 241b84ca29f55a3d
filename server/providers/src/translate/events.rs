//! Drives a translated stream: upstream bytes → SSE events → the adaptor's [`Translate`] → chunks.
//!
//! Honest about its end (law C4): only [`Progress::Done`] ends a stream well. The upstream closing before that, an error in
//! place of an event, bytes that make no sense: each is the stream's one `Err`, and closes the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use novai_core::{ChatEvent, Error};

use super::chunks::Chunks;
use crate::client::Body;
use crate::errors::Errors;
use crate::sse::{Decoder, Event};

/// A vendor's events, in order, to chunks.
pub(crate) trait Translate: Send + Unpin + 'static {
    /// Pushes what `event` means. May be called until it says [`Progress::Done`] or fails.
    fn event(&mut self, event: &Event, out: &mut Chunks) -> Result<Progress, Fault>;

    /// The upstream closed. For vendors without a terminal event, whether that was the end.
    fn end(&mut self, out: &mut Chunks) -> Result<(), Fault>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The event is the upstream's own report of a failure.
    Reported,
    /// It breaks the vendor's own rules.
    Malformed(&'static str),
    /// It stopped short.
    Truncated(&'static str),
}

pub(crate) struct Events<T> {
    open: Option<Open>,
    translate: T,
    chunks: Chunks,
    errors: Errors,
    events_sent: u64,
}

struct Open {
    body: Body,
    decoder: Decoder,
}

impl<T: Translate> Events<T> {
    pub(crate) fn new(
        body: Body,
        translate: T,
        chunks: Chunks,
        errors: Errors,
        event_bytes_max: usize,
    ) -> Self {
        let open = Open { body, decoder: Decoder::new(event_bytes_max) };
        Events { open: Some(open), translate, chunks, errors, events_sent: 0 }
    }

    fn error(&self, fault: Fault, data: &[u8]) -> Error {
        match fault {
            Fault::Reported => self.errors.of_event(data, self.events_sent),
            // Before the first event nothing is broken yet, and another provider may still answer.
            Fault::Malformed(reason) if self.events_sent == 0 => self.errors.malformed(reason),
            Fault::Malformed(reason) | Fault::Truncated(reason) => {
                self.errors.stream_broken(self.events_sent, reason)
            }
        }
    }

    /// `Ok(None)`: chunks may be ready now.
    fn poll_upstream(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(open) = &mut self.open else { return Poll::Ready(Ok(())) };
        match open.decoder.next_event() {
            Ok(Some(event)) => match self.translate.event(&event, &mut self.chunks) {
                Ok(Progress::More) => Poll::Ready(Ok(())),
                Ok(Progress::Done) => {
                    if let Some(mut open) = self.open.take() {
                        open.body.release();
                    }
                    Poll::Ready(Ok(()))
                }
                Err(fault) => Poll::Ready(Err(self.error(fault, &event.data))),
            },
            Ok(None) => match ready!(open.body.poll_piece(cx)) {
                Some(Ok(piece)) => {
                    open.decoder.feed(piece);
                    Poll::Ready(Ok(()))
                }
                Some(Err(failure)) => {
                    Poll::Ready(Err(self.errors.of_broken_stream(failure, self.events_sent)))
                }
                None => {
                    self.open = None;
                    Poll::Ready(self.translate.end(&mut self.chunks).map_err(|fault| self.error(fault, b"")))
                }
            },
            Err(too_large) => Poll::Ready(Err(self.errors.event_too_large(too_large.bytes_max))),
        }
    }
}

impl<T: Translate> Stream for Events<T> {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.chunks.next() {
                this.events_sent += 1;
                return Poll::Ready(Some(Ok(event)));
            }
            if this.open.is_none() {
                return Poll::Ready(None);
            }
            if let Err(error) = ready!(this.poll_upstream(cx)) {
                this.open = None;
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}
