//! The body of one answer, and the connection it comes over.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use super::connection::Connection;
use super::failure::Failure;
use super::pool::Pool;
use super::timer::Timer;

/// Read to its end, it returns the connection to the pool. Dropped before, it closes the connection.
pub struct Body {
    /// `None` once the connection has gone back, or broke.
    connection: Option<Connection>,
    pool: Arc<Pool>,
    timer: Timer,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("live", &self.connection.is_some()).finish_non_exhaustive()
    }
}

impl Body {
    pub(super) fn new(connection: Connection, pool: Arc<Pool>, timer: Timer) -> Self {
        Body { connection: Some(connection), pool, timer }
    }

    /// The next piece; `None` at the end. After an error there is nothing more.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(None) };
        let mut polled = connection.poll_body(cx);
        // The call may have begun in another runtime: who waits for the body is the one to be woken.
        if polled.is_pending() {
            polled = match connection.move_here() {
                Ok(false) => Poll::Pending,
                Ok(true) => connection.poll_body(cx),
                Err(error) => Poll::Ready(Some(Err(Failure::Broken(error.into())))),
            };
        }
        match polled {
            Poll::Pending => {
                // The clock is read once per wait, not per piece.
                if connection.has_progressed() {
                    self.timer.progress();
                }
                let failure = ready!(self.timer.poll_expired(cx));
                self.connection = None;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(Some(Err(failure))) => {
                self.connection = None;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(None) => {
                self.release();
                Poll::Ready(None)
            }
            piece => piece,
        }
    }

    /// What is left of the answer no longer matters: the connection goes back to the pool, which reads the rest when it
    /// has come. Costs the caller no waiting.
    pub fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.check_in(connection);
        }
    }

    /// Everything, if it is no more than `bytes_max`.
    pub async fn read_whole(mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let Some(connection) = &mut self.connection else { return Ok(Bytes::new()) };
        if connection.body_remaining().is_some_and(|bytes| bytes > bytes_max as u64) {
            return Err(Failure::TooLarge { bytes_max });
        }
        connection.gather();
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(piece) = poll_fn(|cx| self.poll_piece(cx)).await {
            let piece = piece?;
            if first.len().max(joined.len()) + piece.len() > bytes_max {
                return Err(Failure::TooLarge { bytes_max });
            }
            // One piece is the rule.
            if first.is_empty() {
                first = piece;
                continue;
            }
            if joined.is_empty() {
                joined.reserve(2 * (first.len() + piece.len()));
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&piece);
        }
        Ok(if joined.is_empty() { first } else { joined.freeze() })
    }

    /// As much as fits in `bytes_max`; whatever goes wrong, what came before it. For error bodies, which only explain.
    pub async fn read_beginning(mut self, bytes_max: usize) -> Bytes {
        let mut joined = BytesMut::new();
        while let Some(Ok(piece)) = poll_fn(|cx| self.poll_piece(cx)).await {
            let room = bytes_max - joined.len();
            joined.extend_from_slice(&piece[..piece.len().min(room)]);
            if joined.len() == bytes_max {
                break;
            }
        }
        joined.freeze()
    }
}
