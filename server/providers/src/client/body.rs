//! The body of one answer, and the connection it comes over.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};

use super::connection::Connection;
use super::failure::Failure;
use super::pool::Pool;
use super::timer::Timer;

/// Read to its end, it returns the connection to the pool. Dropped before, it closes the connection.
pub struct Body {
    /// `None` once the connection has gone back, or broke.
    live: Option<Live>,
    pool: Arc<Pool>,
    timer: Timer,
    waited: bool,
}

struct Live {
    incoming: Incoming,
    connection: Connection,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("live", &self.live.is_some()).finish_non_exhaustive()
    }
}

impl Body {
    pub(super) fn new(incoming: Incoming, connection: Connection, pool: Arc<Pool>, timer: Timer) -> Self {
        Body { live: Some(Live { incoming, connection }), pool, timer, waited: false }
    }

    /// The next piece; `None` at the end. After an error there is nothing more.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let Some(live) = &mut self.live else { return Poll::Ready(None) };
        match live.connection.poll_body(&mut live.incoming, cx) {
            Poll::Pending => {
                self.waited = true;
                let failure = ready!(self.timer.poll_expired(cx));
                self.live = None;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(Some(Ok(piece))) => {
                // Pieces that were there already are no progress: the clock is read once per wait, not per piece.
                if std::mem::take(&mut self.waited) {
                    self.timer.progress();
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(failure))) => {
                self.live = None;
                Poll::Ready(Some(Err(failure)))
            }
            Poll::Ready(None) => {
                if let Some(live) = self.live.take() {
                    self.pool.check_in(live.connection);
                }
                Poll::Ready(None)
            }
        }
    }

    /// What is left of the answer no longer matters: the connection goes back to the pool, which reads the rest when it
    /// has come. Costs the caller no waiting.
    pub fn release(&mut self) {
        if let Some(Live { incoming, connection }) = self.live.take() {
            self.pool.check_in_unfinished(connection, incoming);
        }
    }

    /// Everything, if it is no more than `bytes_max`.
    pub async fn read_whole(mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let announced = self.live.as_ref().map_or(0, |live| live.incoming.size_hint().lower());
        if announced > bytes_max as u64 {
            return Err(Failure::TooLarge { bytes_max });
        }
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        while let Some(piece) = poll_fn(|cx| self.poll_piece(cx)).await {
            let piece = piece?;
            if first.len() + joined.len() + piece.len() > bytes_max {
                return Err(Failure::TooLarge { bytes_max });
            }
            if first.is_empty() && joined.is_empty() {
                first = piece;
                continue;
            }
            if joined.is_empty() {
                // Announced lengths are believed up to here: a liar makes us reserve no more than it may send anyway.
                joined.reserve(usize::try_from(announced).unwrap_or(0).max(first.len() + piece.len()));
                joined.extend_from_slice(&std::mem::take(&mut first));
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
