//! One HTTP/1.1 connection, polled by whoever uses it.
//!
//! Ours rather than hyper's: hyper's client held 26 KiB per waiting stream and handed each chunk through a channel
//! (docs/adr/0009). What it means to read an answer is in [`head`] and [`framing`]; here is what happens when.
//!
//! [`framing`]: super::framing

use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use novai_core::error::Deadline;
use tokio::io::AsyncWrite;
use tokio::runtime;

use super::buffer::Buffer;
use super::failure::Failure;
use super::framing::{BodyFlaw, Framing, Taken};
use super::head::{self, Head, HeadFlaw};
use super::io::BoxIo;
use super::request::Outgoing;
use super::timer::Timer;

const HEAD_BYTES_MAX: usize = 64 * 1024;
/// `100 Continue`, `103 Early Hints`: a few per answer.
const INTERIM_HEADS_MAX: u32 = 8;
/// How much of an answer we read past its terminal event to get the connection back.
const REST_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Connection {
    io: BoxIo,
    /// Whose threads are woken for it.
    home: runtime::Id,
    read: Buffer,
    /// Of the answer being read.
    framing: Framing,
    /// The upstream has said something since the last request went out.
    heard: bool,
    /// Nothing has happened that rules out another request.
    keep_alive: bool,
    /// A body of known length is wanted in one piece.
    gathers: bool,
    progressed: bool,
    /// Read of an answer since nobody wants it any more.
    rest_bytes: usize,
}

/// What is left of an answer that nobody reads any more.
pub(super) enum Rest {
    None,
    /// Its end has not arrived yet.
    Some,
    /// Broken, or longer than it is worth.
    Hopeless,
}

/// A request on its way out.
struct Sending {
    first: Vec<u8>,
    second: Bytes,
    /// Bytes of both that are out.
    written: usize,
    state: SendState,
}

#[derive(PartialEq, Eq)]
enum SendState {
    Writing,
    Flushing,
    Sent,
    /// The upstream takes no more. It may have answered all the same.
    Refused,
}

impl Connection {
    /// `io` was opened in this runtime.
    pub(super) fn new(io: BoxIo) -> Self {
        Connection {
            io,
            home: runtime::Handle::current().id(),
            read: Buffer::default(),
            framing: Framing::length(0),
            heard: false,
            keep_alive: true,
            gathers: false,
            progressed: false,
            rest_bytes: 0,
        }
    }

    pub(super) fn has_answered(&self) -> bool {
        self.heard
    }

    pub(super) fn home(&self) -> runtime::Id {
        self.home
    }

    /// Makes this runtime its home; false if it was already. One that fails is lost.
    pub(super) fn move_here(&mut self) -> std::io::Result<bool> {
        let here = runtime::Handle::current().id();
        if self.home == here {
            return Ok(false);
        }
        self.io.move_here()?;
        self.home = here;
        Ok(true)
    }

    /// Sends one request and waits for the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        request: &Outgoing<'_>,
        timer: &mut Timer,
    ) -> Result<Head, Failure> {
        (self.heard, self.gathers, self.rest_bytes) = (false, false, 0);
        timer.enter(Deadline::FirstByte);
        let (first, second) = request.parts();
        let mut sending = Sending { first, second, written: 0, state: SendState::Writing };
        let (mut searched, mut interim) = (0, 0);
        poll_fn(|cx| {
            sending.poll(&mut self.io, cx);
            loop {
                match self.poll_head(&mut searched, cx) {
                    Poll::Ready(Ok(Some(head))) => {
                        // Answered before it was asked in full: what is left of the request would be the next one.
                        self.keep_alive = head.keep_alive && sending.state == SendState::Sent;
                        self.framing = head.framing;
                        return Poll::Ready(Ok(head));
                    }
                    Poll::Ready(Ok(None)) if interim < INTERIM_HEADS_MAX => interim += 1,
                    Poll::Ready(Ok(None)) => return Poll::Ready(Err(HeadFlaw::Interim.into())),
                    Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                    Poll::Pending => return timer.poll_expired(cx).map(Err),
                }
            }
        })
        .await
    }

    fn poll_head(
        &mut self,
        searched: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Head>, Failure>> {
        loop {
            let arrived = &mut self.read.bytes;
            head::check_beginning(arrived)?;
            if let Some(end) = head::end(arrived, *searched) {
                *searched = 0;
                return Poll::Ready(Ok(head::parse(arrived.split_to(end).freeze())?));
            }
            *searched = arrived.len();
            if arrived.len() > HEAD_BYTES_MAX {
                return Poll::Ready(Err(HeadFlaw::TooLarge(HEAD_BYTES_MAX).into()));
            }
            if !ready!(self.poll_more(0, cx))? {
                return Poll::Ready(Err(BodyFlaw::Truncated.into()));
            }
        }
    }

    /// The next piece of the answer's body; `None` at its end.
    pub(super) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            let missing = self.framing.remaining().unwrap_or(0).saturating_sub(self.read.bytes.len() as u64);
            if !self.gathers || missing == 0 {
                match self.framing.take(&mut self.read.bytes) {
                    Ok(Taken::Data(data)) => return Poll::Ready(Some(Ok(data))),
                    Ok(Taken::End) => return Poll::Ready(None),
                    Ok(Taken::Nothing) => {}
                    Err(flaw) => return Poll::Ready(Some(Err(flaw.into()))),
                }
            }
            match ready!(self.poll_more(missing, cx)) {
                Ok(true) => {}
                Ok(false) => {
                    self.keep_alive = false;
                    return Poll::Ready(self.framing.close().err().map(|flaw| Err(flaw.into())));
                }
                Err(failure) => return Poll::Ready(Some(Err(failure))),
            }
        }
    }

    /// How much of the body is still to come, where the upstream said so.
    pub(super) fn body_remaining(&self) -> Option<u64> {
        self.framing.remaining()
    }

    /// From now on, a body of known length comes as one piece.
    pub(super) fn gather(&mut self) {
        self.gathers = true;
    }

    /// Whether anything has been read since the last time this was asked.
    pub(super) fn has_progressed(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }

    /// Reads what has arrived of an answer that nobody reads any more, without waiting. The task that used the connection
    /// last is no longer woken by it.
    pub(super) fn drain(&mut self) -> Rest {
        if !self.keep_alive {
            return Rest::Hopeless;
        }
        let quiet = &mut Context::from_waker(Waker::noop());
        self.gathers = false;
        loop {
            match self.poll_body(quiet) {
                Poll::Pending => return Rest::Some,
                Poll::Ready(None) => return Rest::None,
                Poll::Ready(Some(Err(_))) => return Rest::Hopeless,
                Poll::Ready(Some(Ok(piece))) => {
                    self.rest_bytes += piece.len();
                    if self.rest_bytes > REST_BYTES_MAX {
                        return Rest::Hopeless;
                    }
                }
            }
        }
    }

    /// Whether another request can be sent now: the answer is over, and the upstream neither says more nor has closed.
    /// Wakes nobody, as [`Connection::drain`].
    pub(super) fn is_reusable(&mut self) -> bool {
        let quiet = &mut Context::from_waker(Waker::noop());
        self.keep_alive
            && self.framing.is_over()
            && self.read.bytes.is_empty()
            && self.read.poll_fill(&mut self.io, 0, quiet).is_pending()
    }

    /// False at the connection's end.
    fn poll_more(&mut self, wanted: u64, cx: &mut Context<'_>) -> Poll<Result<bool, Failure>> {
        let read = ready!(self.read.poll_fill(&mut self.io, wanted, cx));
        let read = read.map_err(|error| Failure::Broken(error.into()))?;
        self.heard |= read > 0;
        self.progressed |= read > 0;
        Poll::Ready(Ok(read > 0))
    }
}

impl Sending {
    /// Gets as far as the upstream lets it.
    fn poll(&mut self, io: &mut BoxIo, cx: &mut Context<'_>) {
        while self.state == SendState::Writing {
            let mut io = Pin::new(&mut *io);
            let first = self.first.get(self.written..).unwrap_or_default();
            let second = &self.second[self.written.saturating_sub(self.first.len())..];
            let written = match (first, second) {
                ([], only) | (only, []) => io.as_mut().poll_write(cx, only),
                both => io.as_mut().poll_write_vectored(cx, &[IoSlice::new(both.0), IoSlice::new(both.1)]),
            };
            match written {
                Poll::Pending => return,
                Poll::Ready(Err(_) | Ok(0)) => self.state = SendState::Refused,
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    if self.written >= self.first.len() + self.second.len() {
                        self.state = SendState::Flushing;
                    }
                }
            }
        }
        if self.state == SendState::Flushing {
            match Pin::new(io).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.state = SendState::Sent,
                Poll::Ready(Err(_)) => self.state = SendState::Refused,
            }
        }
    }
}
