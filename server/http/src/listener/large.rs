//! Requests that may compute for long, away from their connection's thread: a body of 17 MB in 300,000 messages takes 0.4 s to read
//! and check, and a thread's other connections would wait as long.
//!
//! They run in the runtime that accepts connections. Its threads share their tasks, so whatever waits behind a long one is taken
//! over by another.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Body;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Below this, the worst request (many tiny messages) keeps its thread for 1.5 ms.
const LARGE_BYTES: u64 = 64 * 1024;

/// A body that does not say how large it is may become large.
pub(super) fn is_large(body: &impl Body) -> bool {
    body.size_hint().upper().is_none_or(|bytes| bytes > LARGE_BYTES)
}

/// A future that runs in another runtime, and ends soon after this is dropped.
pub(super) struct Elsewhere<T>(JoinHandle<T>);

impl<T: Send + 'static> Elsewhere<T> {
    /// `held` is dropped when `future` is, or when it is ready.
    pub(super) fn start(
        runtime: &Handle,
        held: impl Send + 'static,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Elsewhere(runtime.spawn(async move {
            let _held = held;
            future.await
        }))
    }
}

impl<T> Future for Elsewhere<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // That runtime ends, and so does the gateway.
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T> Drop for Elsewhere<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use bytes::Bytes;
    use http_body_util::{BodyExt, Full, StreamBody};
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn what_is_large() {
        for (bytes, expected) in [(0, false), (64 * 1024, false), (64 * 1024 + 1, true)] {
            assert_eq!(is_large(&Full::new(Bytes::from(vec![0; bytes]))), expected, "{bytes}");
        }
        let unknown = StreamBody::new(futures_util::stream::empty::<Result<http_body::Frame<Bytes>, ()>>());
        assert!(is_large(&unknown.boxed_unsync()));
    }

    #[test]
    fn it_runs_there_and_ends_here() {
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (there, here) = (runtime(), runtime());
        let run = |future| here.block_on(Elsewhere::start(there.handle(), (), future));
        assert_ne!(run(async { thread::current().id() }), thread::current().id());

        let (started, is_started) = oneshot::channel();
        let (held, ended) = oneshot::channel::<()>();
        let waiting = Elsewhere::start(there.handle(), held, async {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        here.block_on(is_started).unwrap();
        drop(waiting);
        assert!(here.block_on(ended).is_err(), "who leaves ends what he asked for");
    }

    #[test]
    #[should_panic(expected = "as here")]
    fn a_panic_is_one_here() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let there = runtime.handle().clone();
        runtime.block_on(Elsewhere::start(&there, (), async { panic!("as here") }))
    }
}
