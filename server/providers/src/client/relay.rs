//! Wake-ups from a connection to the task that reads from it, without those that the task causes itself.
//!
//! Taking a piece out of hyper's body wakes the connection, which is the very task that took it. Passed on, each chunk of a
//! slow stream would cost a second poll of the whole request that finds nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Nobody is polling the connection: wake-ups go to the task.
const AT_REST: u8 = 0;
/// The task is polling it.
const DRIVEN: u8 = 1;
/// As before, and somebody has asked for another poll meanwhile.
const DRIVEN_AND_WOKEN: u8 = 2;

/// A poll that was asked to be repeated is, so many times before the task gets its turn again: a connection that never
/// rests, or a spent budget of tokio's, must not hold the thread.
const REPEATS_MAX: u8 = 1;

pub(super) struct Relay {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(DRIVEN, DRIVEN_AND_WOKEN, AcqRel, Acquire) == Err(AT_REST) {
            self.task.wake();
        }
    }
}

impl Relay {
    pub(super) fn new() -> Self {
        let shared = Arc::new(Shared { state: AtomicU8::new(AT_REST), task: AtomicWaker::new() });
        Relay { waker: Waker::from(Arc::clone(&shared)), shared }
    }

    /// Polls by `poll`, which gets the context to hand to the connection, on behalf of the task of `cx`.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.shared.task.register(cx.waker());
        let inner = &mut Context::from_waker(&self.waker);
        for _ in 0..=REPEATS_MAX {
            self.shared.state.store(DRIVEN, Release);
            let outcome = poll(inner);
            let woken = self.shared.state.swap(AT_REST, AcqRel) == DRIVEN_AND_WOKEN;
            // Whoever got something will ask again before it waits, so a wake-up meanwhile is not lost with it.
            if outcome.is_ready() || !woken {
                return outcome;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Forgets what was asked so far: for wake-ups that the poll to come answers anyway.
    pub(super) fn forget(&self) {
        self.shared.state.store(DRIVEN, Release);
    }

    /// Wakes nobody until the next poll.
    pub(super) fn detach(&self) {
        drop(self.shared.task.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    /// Polls once with `poll`; the outcome, how often `poll` ran, and how often the task was woken.
    fn polled(relay: &Relay, mut poll: impl FnMut(&Waker) -> Poll<()>) -> (Poll<()>, usize, usize) {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut runs = 0;
        let outcome = relay.poll(&mut Context::from_waker(&waker), |inner| {
            runs += 1;
            poll(inner.waker())
        });
        (outcome, runs, count.0.load(SeqCst))
    }

    #[test]
    fn wake_ups() {
        let relay = Relay::new();
        assert_eq!(polled(&relay, |_| Poll::Pending), (Poll::Pending, 1, 0));
        assert_eq!(polled(&relay, |_| Poll::Ready(())), (Poll::Ready(()), 1, 0));
        // The task's own doing, with something to show for it.
        let own = |inner: &Waker| {
            inner.wake_by_ref();
            Poll::Ready(())
        };
        assert_eq!(polled(&relay, own), (Poll::Ready(()), 1, 0));
        // Woken once while polled: polled again at once.
        let mut first = true;
        let once = |inner: &Waker| {
            if std::mem::take(&mut first) {
                inner.wake_by_ref();
            }
            Poll::Pending
        };
        assert_eq!(polled(&relay, once), (Poll::Pending, 2, 0));
        // Woken for ever: the task's turn ends, and comes again.
        let restless = |inner: &Waker| {
            inner.wake_by_ref();
            Poll::Pending
        };
        assert_eq!(polled(&relay, restless), (Poll::Pending, 2, 1));
        // Forgotten because the rest of the poll answers it.
        let forgetful = |inner: &Waker| {
            inner.wake_by_ref();
            relay.forget();
            Poll::Pending
        };
        assert_eq!(polled(&relay, forgetful), (Poll::Pending, 1, 0));
    }

    #[test]
    fn wake_ups_at_rest_reach_the_last_task() {
        let relay = Relay::new();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut inner = None;
        let pending: Poll<()> = relay.poll(&mut Context::from_waker(&waker), |cx| {
            inner = Some(cx.waker().clone());
            Poll::Pending
        });
        assert!(pending.is_pending());
        let inner = inner.unwrap();
        inner.wake_by_ref();
        assert_eq!(count.0.load(SeqCst), 1);

        let pending: Poll<()> = relay.poll(&mut Context::from_waker(&waker), |_| Poll::Pending);
        assert!(pending.is_pending());
        relay.detach();
        inner.wake();
        assert_eq!(count.0.load(SeqCst), 1, "a detached relay wakes nobody");
    }
}
