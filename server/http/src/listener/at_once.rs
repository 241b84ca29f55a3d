//! Polls a connection again at once where it woke itself while it was polled. Start at [`AtOnce::drive`].
//!
//! hyper hands a request's body over by a channel of which both ends are in one task: who takes a piece wakes himself. To a runtime
//! that means "others first, then this one again", and another of its threads is woken in case this one has much to do: two
//! system calls for each request, and a connection that goes from thread to thread.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::AcqRel};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often in a row, before others have their turn: as many pieces of a large body.
const POLLS_MAX: usize = 16;

const POLLED: u8 = 1;
const WOKEN: u8 = 2;

/// One task's; it may drive one future after the other.
pub(super) struct AtOnce {
    state: Arc<State>,
    waker: Waker,
}

#[derive(Default)]
struct State {
    /// `POLLED` and `WOKEN`, or neither.
    flags: AtomicU8,
    task: AtomicWaker,
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.flags.fetch_or(WOKEN, AcqRel) & POLLED == 0 {
            self.task.wake();
        }
    }
}

impl Default for AtOnce {
    fn default() -> Self {
        let state = Arc::<State>::default();
        AtOnce { waker: Waker::from(Arc::clone(&state)), state }
    }
}

impl AtOnce {
    pub fn drive<'a, F: Future>(&'a self, future: Pin<&'a mut F>) -> Driven<'a, F> {
        Driven { at_once: self, future }
    }
}

pub(super) struct Driven<'a, F> {
    at_once: &'a AtOnce,
    future: Pin<&'a mut F>,
}

impl<F: Future> Future for Driven<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let AtOnce { state, waker } = self.at_once;
        state.task.register(cx.waker());
        for _ in 0..POLLS_MAX {
            state.flags.swap(POLLED, AcqRel);
            let polled = self.future.as_mut().poll(&mut Context::from_waker(waker));
            let was_woken = state.flags.swap(0, AcqRel) & WOKEN != 0;
            if polled.is_ready() || !was_woken {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use futures_util::task::noop_waker;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicU8);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, AcqRel);
        }
    }

    /// Polls once what wakes itself so often; says how often it was polled, whether it is ready, and how often its task was woken.
    fn polled(self_wakes: usize, is_ready_then: bool) -> (usize, bool, u8) {
        let at_once = AtOnce::default();
        let mut polls = 0;
        let mut future = pin!(poll_fn(|cx| {
            polls += 1;
            if polls <= self_wakes {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if is_ready_then { Poll::Ready(()) } else { Poll::Pending }
        }));
        let task = Arc::<Counter>::default();
        let waker = Waker::from(Arc::clone(&task));
        let is_ready = pin!(at_once.drive(future.as_mut())).poll(&mut Context::from_waker(&waker)).is_ready();
        (polls, is_ready, task.0.load(std::sync::atomic::Ordering::Relaxed))
    }

    #[test]
    fn wakes_of_its_own_do_not_reach_the_task() {
        for (self_wakes, is_ready_then, expected) in [
            (0, true, (1, true, 0)),
            (0, false, (1, false, 0)),
            (1, true, (2, true, 0)),
            (1, false, (2, false, 0)),
            (POLLS_MAX - 1, true, (POLLS_MAX, true, 0)),
            // Others have their turn, and the task comes back.
            (POLLS_MAX, true, (POLLS_MAX, false, 1)),
        ] {
            assert_eq!(polled(self_wakes, is_ready_then), expected, "{self_wakes} {is_ready_then}");
        }
    }

    #[tokio::test]
    async fn a_task_that_has_used_its_share_is_not_polled_in_vain() {
        let at_once = AtOnce::default();
        let mut polls = 0;
        let mut future = pin!(poll_fn(|cx| {
            polls += 1;
            // As a socket that always has more.
            while let Poll::Ready(progress) = tokio::task::coop::poll_proceed(cx) {
                progress.made_progress();
            }
            Poll::<()>::Pending
        }));
        let mut driven = pin!(at_once.drive(future.as_mut()));
        poll_fn(|cx| {
            assert!(driven.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(polls, 1);
    }

    #[test]
    fn wakes_of_others_reach_the_task() {
        let at_once = AtOnce::default();
        let mut kept = None;
        let mut future = pin!(poll_fn(|cx| {
            kept = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        let task = Arc::<Counter>::default();
        let waker = Waker::from(Arc::clone(&task));
        let mut driven = pin!(at_once.drive(future.as_mut()));
        // The task that polled last is the one that is woken.
        for polled_by in [noop_waker(), waker] {
            assert!(driven.as_mut().poll(&mut Context::from_waker(&polled_by)).is_pending());
        }
        kept.unwrap().wake();
        assert_eq!(task.0.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
