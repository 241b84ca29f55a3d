//! Idle connections of one upstream, the last used on top.
//!
//! Nobody waits here: without an idle connection the caller opens one. A connection is looked at only when it is wanted,
//! so an idle one costs a file descriptor and its buffers, no wake-ups.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::body::Incoming;
use tokio::time::Instant;

use super::connection::Connection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Idle connections kept; the oldest gives way.
    pub idle_max: usize,
    /// Shorter than what servers usually grant (60 to 75 s), so that we are the one to close.
    pub idle_age_max: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        PoolConfig { idle_max: 256, idle_age_max: Duration::from_secs(50) }
    }
}

/// How much of an answer we read past its terminal event to get the connection back.
const REST_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Pool {
    config: PoolConfig,
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    connection: Connection,
    /// The end of the last answer, where it had not yet arrived. Waiting for it would have delayed the caller.
    rest: Option<Rest>,
    since: Instant,
}

/// What is left of an answer whose content is complete.
pub(super) struct Rest {
    body: Incoming,
    bytes: usize,
}

impl Pool {
    pub(super) fn new(config: PoolConfig) -> Self {
        Pool { config, idle: Mutex::default() }
    }

    /// A connection that is ready for a request as far as anyone can know without sending one.
    pub(super) fn check_out(&self) -> Option<Connection> {
        loop {
            let Idle { mut connection, rest, since } = self.lock().pop_back()?;
            if since.elapsed() > self.config.idle_age_max {
                // Everything below it is older still. Closed outside of the lock.
                let expired = std::mem::take(&mut *self.lock());
                drop(expired);
                return None;
            }
            let finished = match rest {
                None => true,
                Some(mut rest) => matches!(rest.drain(&mut connection), Drained::Whole),
            };
            if finished && connection.is_reusable() {
                return Some(connection);
            }
        }
    }

    /// Takes back a connection whose answer has been read to its end.
    pub(super) fn check_in(&self, mut connection: Connection) {
        if connection.is_reusable() {
            self.push(connection, None);
        }
    }

    /// Takes back a connection whose answer is complete for us, though its end may still be under way.
    pub(super) fn check_in_unfinished(&self, mut connection: Connection, body: Incoming) {
        let mut rest = Rest { body, bytes: 0 };
        match rest.drain(&mut connection) {
            Drained::Whole => self.check_in(connection),
            Drained::More => self.push(connection, Some(rest)),
            Drained::Hopeless => {}
        }
    }

    fn push(&self, connection: Connection, rest: Option<Rest>) {
        let now = Instant::now();
        let displaced = {
            let mut idle = self.lock();
            idle.push_back(Idle { connection, rest, since: now });
            let too_many = idle.len().saturating_sub(self.config.idle_max);
            let too_old = idle.partition_point(|idle| now - idle.since > self.config.idle_age_max);
            idle.drain(..too_many.max(too_old)).collect::<Vec<_>>()
        };
        // Closed outside of the lock.
        drop(displaced);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        // Nothing in here panics half-way through a change.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.lock().len()
    }
}

enum Drained {
    Whole,
    More,
    /// Broken, or longer than it is worth.
    Hopeless,
}

impl Rest {
    /// Reads what has arrived, without waiting.
    fn drain(&mut self, connection: &mut Connection) -> Drained {
        let quiet = &mut Context::from_waker(Waker::noop());
        loop {
            match connection.poll_body(&mut self.body, quiet) {
                Poll::Pending => return Drained::More,
                Poll::Ready(None) => return Drained::Whole,
                Poll::Ready(Some(Err(_))) => return Drained::Hopeless,
                Poll::Ready(Some(Ok(piece))) => {
                    self.bytes += piece.len();
                    if self.bytes > REST_BYTES_MAX {
                        return Drained::Hopeless;
                    }
                }
            }
        }
    }
}
