//! Wall-clock time, as a port.
//!
//! Only what is *shown* to people (`created` fields) or compared with other machines' clocks comes from here. Anything
//! that measures or waits uses tokio's clock, which tests can pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub trait Clock: Send + Sync + 'static {
    /// Time since 1970-01-01T00:00:00Z.
    fn unix_time(&self) -> Duration;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_time(&self) -> Duration {
        // A clock set before 1970 is a broken machine; 0 is what "unknown" looks like on the wire.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// A clock that stands still: deterministic `created` fields in tests and recordings.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Duration);

impl Clock for FixedClock {
    fn unix_time(&self) -> Duration {
        self.0
    }
}
