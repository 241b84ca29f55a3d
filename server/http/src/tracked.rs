//! An answer's body that tells the access log how far it came.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use dropshot::Body;
use http_body::{Body as _, Frame, SizeHint};

use crate::access_log::Trail;

pub struct TrackedBody {
    inner: Body,
    trail: Arc<Trail>,
    bytes_sent: u64,
    is_sent: bool,
}

impl TrackedBody {
    pub(crate) fn new(inner: Body, trail: Arc<Trail>) -> Self {
        let is_sent = inner.is_end_stream();
        TrackedBody { inner, trail, bytes_sent: 0, is_sent }
    }
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.bytes_sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                // hyper does not ask again after a frame that ends the body.
                this.is_sent = this.inner.is_end_stream();
            }
            Poll::Ready(None) => this.is_sent = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        let mut facts = self.trail.facts();
        facts.bytes_sent = self.bytes_sent;
        facts.is_sent = self.is_sent;
    }
}
