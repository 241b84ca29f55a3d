//! HTTP/2 streams whose client never opens its window.
//!
//! The socket's write deadline does not see them: the socket is writable, it is the stream that may not send. hyper then
//! waits for the window and asks the body for nothing, so neither the body nor its upstream would ever end. hyper runs
//! each stream as a task of its own, though, and those are started here: one that has bytes to send and sends none for
//! [`Limits::write_timeout`](super::Limits::write_timeout) is dropped, which resets that stream and no other.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::Instant;

use super::timer::LazyTimer;

tokio::task_local! {
    static BODY: Cell<Mark>;
}

/// What a stream's body was last seen to do.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// It gave a frame, and has not been asked for the next one: hyper waits for the window.
    is_sending: bool,
    /// It was asked since the last look.
    is_fresh: bool,
}

/// Called with what a body answers. Outside of an HTTP/2 stream nobody wants to know.
pub(super) fn note<T>(frame: &Poll<T>) {
    let _ = BODY.try_with(|mark| mark.set(Mark { is_sending: frame.is_ready(), is_fresh: true }));
}

/// Starts hyper's tasks, one per HTTP/2 stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamExecutor {
    pub stall_timeout: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        let watched = Watched {
            stream: Box::pin(stream),
            stalls_until: None,
            timer: LazyTimer::default(),
            stall_timeout: self.stall_timeout,
        };
        tokio::spawn(BODY.scope(Cell::default(), watched));
    }
}

/// A stream's task with an eye on its window.
struct Watched<F> {
    stream: Pin<Box<F>>,
    /// While the stream waits for its window: for how long it may.
    stalls_until: Option<Instant>,
    timer: LazyTimer,
    stall_timeout: Duration,
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mark = BODY.with(|mark| mark.replace(Mark { is_fresh: false, ..mark.get() }));
        if !mark.is_sending {
            this.stalls_until = None;
            return Poll::Pending;
        }
        let until = match this.stalls_until {
            Some(until) if !mark.is_fresh => until,
            _ => Instant::now() + this.stall_timeout,
        };
        this.stalls_until = Some(until);
        this.timer.poll_past(cx, until).map(|()| tracing::debug!("a client left its HTTP/2 window shut"))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    /// What the body answers, then how many seconds pass.
    type Step = (Poll<()>, u64);

    /// Runs a stream that takes `steps` and then ends.
    async fn outlives(steps: &'static [Step]) -> bool {
        let (ended, end) = oneshot::channel();
        let stream = async move {
            for (frame, wait_s) in steps {
                note(frame);
                tokio::time::sleep(Duration::from_secs(*wait_s)).await;
                // A look without a question to the body, as when a window update comes for another stream.
                poll_fn(|_| Poll::Ready(())).await;
            }
            let _ = ended.send(());
        };
        StreamExecutor { stall_timeout: Duration::from_secs(60) }.execute(stream);
        end.await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_shut_window_ends_a_stream() {
        const FRAME: Poll<()> = Poll::Ready(());
        const NOTHING: Poll<()> = Poll::Pending;
        let cases: &[(&str, &[Step], bool)] = &[
            ("a handler that thinks", &[], true),
            ("a body that waits for its upstream", &[(NOTHING, 1000)], true),
            ("a window that opens in time, again and again", &[(FRAME, 59), (FRAME, 59), (FRAME, 59)], true),
            (
                "a wait for the upstream between two windows",
                &[(FRAME, 59), (NOTHING, 600), (FRAME, 59)],
                true,
            ),
            ("a window that stays shut", &[(FRAME, 1), (FRAME, 61)], false),
        ];
        for (name, steps, expected) in cases {
            assert_eq!(outlives(steps).await, *expected, "{name}");
        }
    }
}
