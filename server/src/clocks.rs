//! The time that the gateway decides by: the machine's, or for scenarios the one that a file says.
//!
//! What waits (deadlines, keep-alives, writers) goes by tokio's clock in either case.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use novai_core::limits::{SteadyClock, TokioClock};
use novai_core::{Clock, SystemClock};

#[derive(Clone)]
pub struct Clocks {
    /// For budgets, expiry and what is shown.
    pub wall: Arc<dyn Clock>,
    /// For limits.
    pub steady: Arc<dyn SteadyClock>,
}

impl Clocks {
    pub fn of_machine() -> Self {
        Clocks { wall: Arc::new(SystemClock), steady: Arc::new(TokioClock::new()) }
    }

    /// One for both, which stands still until somebody replaces the file.
    pub fn of_file(path: &Path) -> anyhow::Result<Self> {
        let clock = Arc::new(FileClock { path: path.to_owned() });
        ensure!(clock.read().is_some(), "--clock-file {} must hold microseconds since 1970", path.display());
        tracing::warn!(file = %path.display(), "the time is what a file says: for tests only");
        Ok(Clocks { wall: Arc::clone(&clock) as _, steady: clock })
    }

    pub fn choose(file: Option<&Path>) -> anyhow::Result<Self> {
        file.map_or_else(|| Ok(Self::of_machine()), |path| Self::of_file(path).context("the clock"))
    }
}

/// Read at every look, so that a scenario needs no way to tell the gateway.
struct FileClock {
    path: PathBuf,
}

impl FileClock {
    fn read(&self) -> Option<u64> {
        std::fs::read_to_string(&self.path).ok()?.trim().parse().ok()
    }
}

impl SteadyClock for FileClock {
    fn now_us(&self) -> u64 {
        // A scenario that takes its file away has ended.
        self.read().unwrap_or_default()
    }
}

impl Clock for FileClock {
    fn unix_time(&self) -> Duration {
        Duration::from_micros(self.now_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_where_the_file_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock");
        assert!(Clocks::of_file(&path).is_err(), "absent");
        std::fs::write(&path, "soon").unwrap();
        assert!(Clocks::of_file(&path).is_err(), "no number");
        std::fs::write(&path, "1767225600000000\n").unwrap();
        let clocks = Clocks::of_file(&path).unwrap();
        assert_eq!(clocks.wall.unix_time(), Duration::from_secs(1_767_225_600));
        assert_eq!(clocks.steady.now_us(), 1_767_225_600_000_000);
        std::fs::write(&path, "1767225600000001").unwrap();
        assert_eq!(clocks.steady.now_us(), 1_767_225_600_000_001);
    }
}
