//! Time for limits: it only goes forward, whatever happens to the machine's idea of the date.

use tokio::time::Instant;

pub trait SteadyClock: Send + Sync + 'static {
    /// Microseconds since any fixed moment.
    fn now_us(&self) -> u64;
}

/// tokio's clock, which tests can pause.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    started_at: Instant,
}

impl TokioClock {
    pub fn new() -> Self {
        TokioClock { started_at: Instant::now() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SteadyClock for TokioClock {
    fn now_us(&self) -> u64 {
        let elapsed = self.started_at.elapsed();
        elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())
    }
}
