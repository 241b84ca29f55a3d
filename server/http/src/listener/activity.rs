//! Which requests a connection has open: what the socket's deadlines depend on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};

use super::stalled;

/// Shared by a connection's socket and its requests. Everything runs in one task or hands over through hyper, so
/// relaxed atomics are enough.
#[derive(Debug, Default)]
pub(super) struct Activity {
    open_requests: AtomicU32,
}

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.open_requests.fetch_add(1, Relaxed);
        Busy(Arc::clone(self))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open_requests.load(Relaxed) == 0
    }
}

/// One open request, from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open_requests.fetch_sub(1, Relaxed);
    }
}

/// An answer that counts as activity until it has been sent or dropped.
#[derive(Debug)]
pub(super) struct BusyBody<B> {
    inner: B,
    _busy: Busy,
}

impl<B> BusyBody<B> {
    pub(super) fn new(inner: B, busy: Busy) -> Self {
        BusyBody { inner, _busy: busy }
    }
}

impl<B: Body + Unpin> Body for BusyBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        stalled::note(&frame);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
