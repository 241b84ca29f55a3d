//! Listens to a stream as it passes, and keeps it if it comes to a good end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use dropshot::Body;
use http::Response;
use http::header::HeaderMap;
use http_body::{Body as _, Frame};

use super::{ANSWER_BYTES_MAX, BYTES_MAX, Slot};

/// How a stream ends that succeeded.
const DONE: &[u8] = b"data: [DONE]\n\n";

impl Slot {
    pub(crate) fn record(self, response: Response<Body>) -> Response<Body> {
        let (parts, inner) = response.into_parts();
        let headers = parts.headers.clone();
        let recording_bytes = Arc::clone(&self.replays.recording_bytes);
        let recorder =
            Recorder { inner, kept: BytesMut::new(), slot: Some((self, headers)), recording_bytes };
        Response::from_parts(parts, Body::wrap(recorder))
    }
}

struct Recorder {
    inner: Body,
    kept: BytesMut,
    /// `None` once it is kept, or too long to be.
    slot: Option<(Slot, HeaderMap)>,
    recording_bytes: Arc<AtomicUsize>,
}

impl Recorder {
    fn take(&mut self, data: &Bytes) {
        if self.slot.is_none() {
            return;
        }
        let of_all = self.recording_bytes.load(Relaxed) + data.len();
        if self.kept.len() + data.len() > ANSWER_BYTES_MAX || of_all > BYTES_MAX {
            self.slot = None;
            self.forget();
            return;
        }
        self.recording_bytes.fetch_add(data.len(), Relaxed);
        self.kept.extend_from_slice(data);
        if self.inner.is_end_stream()
            && self.kept.ends_with(DONE)
            && let Some((slot, headers)) = self.slot.take()
        {
            slot.keep(headers, self.forget());
        }
    }

    fn forget(&mut self) -> Bytes {
        let kept = std::mem::take(&mut self.kept);
        self.recording_bytes.fetch_sub(kept.len(), Relaxed);
        kept.freeze()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.forget();
    }
}

impl http_body::Body for Recorder {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let polled = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &polled
            && let Some(data) = frame.data_ref()
        {
            this.take(data);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
