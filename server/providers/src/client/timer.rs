//! One timer for all deadlines of a call, re-armed only when it fires.
//!
//! Progress merely ends a wait. The timer stays armed for the earliest moment at which *some* deadline could pass;
//! when it fires too early, it is moved. A stream of a thousand chunks so touches the runtime's timer wheel as often as a
//! silent one.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use novai_core::Deadlines;
use novai_core::error::Deadline;
use tokio::time::{Instant, Sleep, sleep_until};

use super::failure::Failure;

#[derive(Debug)]
pub(super) struct Timer {
    deadlines: Deadlines,
    started_at: Instant,
    phase: Deadline,
    /// `None` until somebody waits for it: most of what is waited for is there already, and a clock would be read for nothing.
    phase_since: Option<Instant>,
    /// Made when somebody first has to wait.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// `end`: of the request that the call is for; the total deadline, if that is sooner.
    pub(super) fn new(mut deadlines: Deadlines, end: Option<Instant>) -> Self {
        let now = Instant::now();
        if let Some(end) = end {
            deadlines.total = deadlines.total.min(end.saturating_duration_since(now));
        }
        Timer { deadlines, started_at: now, phase: Deadline::FirstByte, phase_since: None, sleep: None }
    }

    /// From now on, `phase` is what we wait for.
    pub(super) fn enter(&mut self, phase: Deadline) {
        self.phase = phase;
        self.phase_since = None;
    }

    /// Something arrived: the phase's deadline counts from the next wait.
    pub(super) fn progress(&mut self) {
        self.phase_since = None;
    }

    /// Ready when a deadline has passed. Call it whenever the caller is about to wait.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        let (due, deadline, limit) = self.due();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
        // A later due time can wait until the timer fires; an earlier one cannot.
        if due < sleep.deadline() {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(Failure::Timeout { deadline, limit });
            }
            sleep.as_mut().reset(due);
        }
    }

    /// Runs `future` under the current deadlines.
    pub(super) async fn guard<F: Future>(&mut self, future: F) -> Result<F::Output, Failure> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.poll_expired(cx).map(Err),
        })
        .await
    }

    fn due(&mut self) -> (Instant, Deadline, Duration) {
        let phase_limit = match self.phase {
            Deadline::Connect => self.deadlines.connect,
            Deadline::FirstByte => self.deadlines.first_byte,
            Deadline::Idle => self.deadlines.idle,
            Deadline::Total => self.deadlines.total,
        };
        let phase_due = later(*self.phase_since.get_or_insert_with(Instant::now), phase_limit);
        let total_due = later(self.started_at, self.deadlines.total);
        if phase_due <= total_due {
            (phase_due, self.phase, phase_limit)
        } else {
            (total_due, Deadline::Total, self.deadlines.total)
        }
    }
}

/// `Instant + Duration` panics on overflow, and "no deadline" is often configured as a huge number.
fn later(from: Instant, by: Duration) -> Instant {
    const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    from + by.min(FOREVER)
}
