//! An upstream's event stream, checked and handed on event by event.
//!
//! Honest about its end (law C4): only `[DONE]` ends a stream well. The upstream closing without it, an error in place of
//! an event, bytes that are no event: each is the stream's one `Err`, and closes the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use novai_core::{ChatEvent, Error};

use super::facts::Reader;
use super::quirks::Quirks;
use super::tool_calls::Repair;
use crate::client::Body;
use crate::errors::Errors;
use crate::sse::{Decoder, Event};

pub(super) struct Events {
    /// `None` once the stream is over.
    open: Option<Open>,
    errors: Errors,
    events_sent: u64,
    quirks: &'static Quirks,
}

struct Open {
    body: Body,
    decoder: Decoder,
    facts: Reader,
    repair: Repair,
}

/// What one SSE event means.
enum Step {
    Event(ChatEvent),
    /// Nothing a caller needs to see.
    Nothing,
    Done,
}

impl Events {
    pub(super) fn new(body: Body, errors: Errors, event_bytes_max: usize, quirks: &'static Quirks) -> Self {
        let decoder = Decoder::new(event_bytes_max);
        Events {
            open: Some(Open { body, decoder, facts: Reader::new(), repair: Repair::default() }),
            errors,
            events_sent: 0,
            quirks,
        }
    }

    fn step(&mut self, event: Event) -> Result<Step, Error> {
        let data = event.data;
        match &*event.name {
            b"" | b"message" => {}
            b"error" => return Err(self.errors.of_event(&data, self.events_sent)),
            // A reader of this API listens to unnamed events only; others (pings) are not for it.
            _ => return Ok(Step::Nothing),
        }
        let trimmed = data.trim_ascii();
        if trimmed == b"[DONE]" {
            return Ok(Step::Done);
        }
        if trimmed.is_empty() {
            return Ok(Step::Nothing);
        }
        let Some(open) = &mut self.open else { return Ok(Step::Done) };
        let facts = open.facts.read(&data).map_err(|reason| self.errors.malformed(reason))?;
        if facts.error {
            return Err(self.errors.of_event(&data, self.events_sent));
        }
        let data = self.quirks.in_our_words(open.repair.repaired(&data).unwrap_or(data));
        let usage_only = facts.choices_empty && facts.usage.is_some();
        Ok(Step::Event(ChatEvent { json: on_one_line(data), usage: facts.usage, usage_only }))
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<ChatEvent, Error>>> {
        self.open = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for Events {
    type Item = Result<ChatEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let Some(open) = &mut this.open else { return Poll::Ready(None) };
            let event = match open.decoder.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => match ready!(open.body.poll_piece(cx)) {
                    Some(Ok(piece)) => {
                        open.decoder.feed(piece);
                        continue;
                    }
                    Some(Err(failure)) => {
                        let error = this.errors.of_broken_stream(failure, this.events_sent);
                        return this.fail(error);
                    }
                    None => {
                        let error = this.errors.stream_broken(this.events_sent, "it ended without [DONE]");
                        return this.fail(error);
                    }
                },
                Err(too_large) => {
                    let error = this.errors.event_too_large(too_large.bytes_max);
                    return this.fail(error);
                }
            };
            match this.step(event) {
                Ok(Step::Event(event)) => {
                    this.events_sent += 1;
                    return Poll::Ready(Some(Ok(event)));
                }
                Ok(Step::Nothing) => {}
                Ok(Step::Done) => {
                    if let Some(mut open) = this.open.take() {
                        open.body.release();
                    }
                    return Poll::Ready(None);
                }
                Err(error) => return this.fail(error),
            }
        }
    }
}

/// JSON that came in several `data` lines. Inside of strings JSON has no bare line breaks, so each is mere white space.
fn on_one_line(json: Bytes) -> Bytes {
    if memchr::memchr(b'\n', &json).is_none() {
        return json;
    }
    json.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect()
}
