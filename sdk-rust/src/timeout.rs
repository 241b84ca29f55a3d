//! [`Timeouts`]: the four deadlines, and the alarm that watches one of them without a timer per event.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Four deadlines. [`Duration::MAX`] turns one off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS, per attempt. Default: 5 s. Taken when the client is built: connections are shared, so
    /// [`Client::with_options`](crate::Client::with_options) cannot change it.
    pub connect: Duration,
    /// Streams: from sending the request to the first event, per attempt. Default: 120 s.
    pub first_event: Duration,
    /// Streams: silence between two events; other replies: between two pieces of the body. Default: 60 s. Comments such
    /// as `: keep-alive` are no events: they show that a proxy is alive, not that the model is. Time that the caller
    /// spends before asking for the next event does not count.
    pub idle: Duration,
    /// The whole call, with its retries and, for a stream, up to its last event. Default: 600 s.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_event: Duration::from_secs(120),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

/// Which of the four passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    Connect,
    FirstEvent,
    Idle,
    Total,
}

impl Deadline {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Connect => "the connection was not made in time",
            Self::FirstEvent => "the first event did not come in time",
            Self::Idle => "the reply fell silent",
            Self::Total => "the call took too long in all",
        }
    }
}

/// `None`: never, because it lies beyond what a clock holds.
pub(crate) fn after(start: Instant, timeout: Duration) -> Option<Instant> {
    start.checked_add(timeout)
}

/// Runs `work` until `at`; `Err` when the deadline came first.
pub(crate) async fn until<F: Future>(at: Option<Instant>, work: F) -> Result<F::Output, Elapsed> {
    match at {
        Some(at) => tokio::time::timeout_at(at, work).await.map_err(|_| Elapsed),
        None => Ok(work.await),
    }
}

#[derive(Debug)]
pub(crate) struct Elapsed;

/// One timer for a whole stream. Moving a `Sleep` costs a lock, so it is left where it is until it fires and only then
/// set to the deadline that holds by now.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Whether `at` has passed; otherwise the task is woken no later than then.
    pub fn poll(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // An earlier deadline cannot wait for the later one to fire.
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn the_alarm_follows_a_deadline_that_moves() {
        let start = Instant::now();
        let mut alarm = Alarm::default();
        let moves = [(10, 30), (5, 40), (20, 22)];
        for (first_secs, then_secs) in moves {
            let now = Instant::now();
            let mut at = now + Duration::from_secs(first_secs);
            let mut moved = false;
            poll_fn(|cx| {
                if !moved {
                    assert!(alarm.poll(cx, Some(at)).is_pending());
                    moved = true;
                    at = now + Duration::from_secs(then_secs);
                }
                alarm.poll(cx, Some(at))
            })
            .await;
            assert_eq!(now.elapsed(), Duration::from_secs(then_secs));
        }
        assert_eq!(start.elapsed(), Duration::from_secs(30 + 40 + 22));
    }

    #[tokio::test(start_paused = true)]
    async fn forever_is_no_deadline() {
        assert_eq!(after(Instant::now(), Duration::MAX), None);
        let mut alarm = Alarm::default();
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll(cx, None))).await.is_pending());
        assert!(until(None, async { 1 }).await.is_ok());
        assert!(
            until(after(Instant::now(), Duration::from_secs(1)), std::future::pending::<()>()).await.is_err()
        );
    }
}
