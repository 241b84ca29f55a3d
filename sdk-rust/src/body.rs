//! Reads reply bodies: whole and bounded, or event by event.
//!
//! Start at [`read_whole`] and [`EventBody::poll_step`]. Nothing here knows what a body means.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use tokio::time::Instant;

use crate::sse::{Event, SseDecoder, TooLarge};
use crate::timeout::{after, until};

/// Error bodies are kept up to here.
const ERROR_BYTES_KEPT: usize = 64 << 10;

/// Frames without an event that one poll reads before it lets other tasks run: a flood of comments must not hold the
/// thread, nor outrun the deadlines.
const FRAMES_PER_POLL: u32 = 32;

/// After the terminal event, a server has only its body's end to send.
pub(crate) const DRAIN_BYTES_MAX: usize = 64 << 10;
/// Long enough for an end that is on its way, short enough that a server which never ends its body delays nobody: the
/// connection is worth a few round trips, not more.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) enum ReadError {
    TooLarge,
    Idle,
    Broken(reqwest::Error),
}

/// The whole body, of at most `bytes_max`, with no pause longer than `idle`.
pub(crate) async fn read_whole(
    body: &mut reqwest::Body,
    bytes_max: usize,
    idle: Duration,
) -> Result<Bytes, ReadError> {
    let mut whole = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(piece) = next_piece(body, idle).await? {
        if first.len() + whole.len() + piece.len() > bytes_max {
            return Err(ReadError::TooLarge);
        }
        // Most bodies come in one piece and are not copied.
        if first.is_empty() && whole.is_empty() {
            first = piece;
            continue;
        }
        if !first.is_empty() {
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// As much of an error's body as is kept. Never fails: half a body explains more than none.
pub(crate) async fn read_error(body: &mut reqwest::Body, idle: Duration) -> Vec<u8> {
    let mut kept = Vec::new();
    while let Ok(Some(piece)) = next_piece(body, idle).await {
        let room = ERROR_BYTES_KEPT - kept.len();
        kept.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            break;
        }
    }
    kept
}

async fn next_piece(body: &mut reqwest::Body, idle: Duration) -> Result<Option<Bytes>, ReadError> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        match until(after(Instant::now(), idle), frame).await.map_err(|_| ReadError::Idle)? {
            None => return Ok(None),
            Some(Err(error)) => return Err(ReadError::Broken(error)),
            // Trailers say nothing that is needed here.
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_) => continue,
            },
        }
    }
}

/// A body of server-sent events.
pub(crate) struct EventBody {
    body: reqwest::Body,
    decoder: SseDecoder,
    /// Found while waiting for the first event, and not yet taken.
    peeked: Option<Step>,
}

#[derive(Debug)]
pub(crate) enum Step {
    /// [`EventBody::event`] has it.
    Event,
    End,
    TooLarge,
    Broken(reqwest::Error),
}

impl EventBody {
    pub fn new(body: reqwest::Body, event_bytes_max: usize) -> Self {
        Self { body, decoder: SseDecoder::new(event_bytes_max), peeked: None }
    }

    /// Waits until something is known about the body, and leaves it to be taken by `poll_step`. A connection that
    /// breaks before is the caller's to retry.
    pub async fn peek(&mut self) -> Result<(), reqwest::Error> {
        match poll_fn(|cx| self.poll_step(cx)).await {
            Step::Broken(error) if !is_early_end(&error) => Err(error),
            step => {
                self.peeked = Some(step);
                Ok(())
            }
        }
    }

    /// The first event, once [`peek`](Self::peek) has found one.
    pub fn first(&self) -> Option<Event<'_>> {
        matches!(self.peeked, Some(Step::Event)).then(|| self.event())
    }

    pub fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(step) = self.peeked.take() {
            return Poll::Ready(step);
        }
        for _ in 0..FRAMES_PER_POLL {
            match self.decoder.advance() {
                Ok(true) => return Poll::Ready(Step::Event),
                Ok(false) => {}
                Err(TooLarge) => return Poll::Ready(Step::TooLarge),
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Step::End),
                Some(Err(error)) => return Poll::Ready(Step::Broken(error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.decoder.feed(data);
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    pub fn event(&self) -> Event<'_> {
        self.decoder.event()
    }

    /// Reads on to the body's end so that its connection can be used again, for as long as that is worth it.
    pub async fn drain(mut self) {
        let mut bytes_left = DRAIN_BYTES_MAX;
        let drained = poll_fn(|cx| self.poll_drained(cx, &mut bytes_left));
        // Given up: the connection is closed with the body.
        let _ = until(after(Instant::now(), DRAIN_TIMEOUT), drained).await;
    }

    /// Reads on to the body's end so that its connection can be used again, until `bytes_left` is used up.
    pub fn poll_drained(&mut self, cx: &mut Context<'_>, bytes_left: &mut usize) -> Poll<()> {
        loop {
            let Some(Ok(frame)) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                return Poll::Ready(());
            };
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(left) = bytes_left.checked_sub(bytes) else { return Poll::Ready(()) };
            *bytes_left = left;
        }
    }
}

/// Whether the server closed the connection in the middle of the body, as against the network breaking it.
pub(crate) fn is_early_end(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof) {
            return true;
        }
        source = error.source();
    }
    false
}
