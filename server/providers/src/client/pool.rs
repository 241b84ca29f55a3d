//! Idle connections of one upstream, the last used on top.
//!
//! Each is at home in a runtime, whose thread is woken when its answer comes (a gateway has one runtime for each of its threads). A
//! caller gets one of his own runtime's, as long as there is one; another's moves to him, which is cheaper than a new one.
//!
//! Nobody waits here: without an idle connection the caller opens one. A connection is looked at only when it is wanted,
//! so an idle one costs a file descriptor and its buffers, no wake-ups.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use super::connection::{Connection, Rest};

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

pub(super) struct Pool {
    config: PoolConfig,
    idle: Mutex<VecDeque<Idle>>,
}

struct Idle {
    /// The end of its last answer may not have arrived yet. Waiting for that would have delayed the caller.
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(config: PoolConfig) -> Self {
        Pool { config, idle: Mutex::default() }
    }

    /// A connection that is ready for a request as far as anyone can know without sending one.
    pub(super) fn check_out(&self) -> Option<Connection> {
        let here = Handle::current().id();
        loop {
            let Idle { mut connection, since } = self.take(here)?;
            let is_sound = since.elapsed() <= self.config.idle_age_max
                && matches!(connection.drain(), Rest::None)
                && connection.is_reusable();
            if is_sound && connection.move_here().is_ok() {
                return Some(connection);
            }
        }
    }

    /// The last used of this runtime's, or of all. What the caller does not want he closes outside of the lock.
    fn take(&self, here: runtime::Id) -> Option<Idle> {
        let mut idle = self.lock();
        let own = idle.iter().rposition(|idle| idle.connection.home() == here);
        let taken = own.or(idle.len().checked_sub(1))?;
        idle.remove(taken)
    }

    /// Takes back a connection whose answer is complete for us, though its end may still be under way.
    pub(super) fn check_in(&self, mut connection: Connection) {
        let is_kept = match connection.drain() {
            Rest::None => connection.is_reusable(),
            Rest::Some => true,
            Rest::Hopeless => false,
        };
        if is_kept {
            self.push(connection);
        }
    }

    fn push(&self, connection: Connection) {
        let now = Instant::now();
        let displaced = {
            let mut idle = self.lock();
            idle.push_back(Idle { connection, since: now });
            let too_many = idle.len().saturating_sub(self.config.idle_max);
            let too_old = idle.partition_point(|idle| now - idle.since > self.config.idle_age_max);
            match too_many.max(too_old) {
                0 => return,
                surplus => idle.drain(..surplus).collect::<Vec<_>>(),
            }
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
