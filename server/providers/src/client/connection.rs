//! One HTTP/1.1 connection, polled by whoever uses it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use novai_core::error::Deadline;

use super::failure::Failure;
use super::io::{BoxIo, Listened};
use super::relay::Relay;
use super::timer::Timer;

pub(super) type Head = http::Response<Incoming>;

/// Largest head we accept, and the most hyper reads ahead of us. hyper starts with 8 KiB and grows only while full reads
/// come in, so an idle or trickling stream stays at 8 KiB.
const READ_BUFFER_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Boxed by us: moving half a kilobyte between pool and body costs more than the allocation, once per connection.
    driver: Pin<Box<http1::Connection<TokioIo<Listened>, Full<Bytes>>>>,
    heard: Arc<AtomicBool>,
    relay: Relay,
}

impl Connection {
    pub(super) async fn open(io: BoxIo) -> Result<Self, Failure> {
        let (io, heard) = Listened::new(io);
        let (sender, driver) =
            http1::Builder::new().max_buf_size(READ_BUFFER_BYTES_MAX).handshake(TokioIo::new(io)).await?;
        Ok(Connection { sender, driver: Box::pin(driver), heard, relay: Relay::new() })
    }

    /// Whether the upstream has said anything since the last request went out.
    pub(super) fn has_answered(&self) -> bool {
        self.heard.load(Relaxed)
    }

    /// Sends one request and waits for the head of its answer.
    pub(super) async fn exchange(
        &mut self,
        request: http::Request<Full<Bytes>>,
        timer: &mut Timer,
    ) -> Result<Head, Failure> {
        self.heard.store(false, Relaxed);
        timer.enter(Deadline::FirstByte);
        let Connection { sender, driver, relay, .. } = self;
        let mut answer = pin!(sender.send_request(request));
        poll_fn(|cx| {
            let outcome = relay.poll(cx, |driven| {
                // Only the driver can resolve the answer, and it is polled right here: the answer needs no waker.
                let quiet = &mut Context::from_waker(Waker::noop());
                if let Poll::Ready(head) = answer.as_mut().poll(quiet) {
                    return Poll::Ready(head.map_err(Failure::from));
                }
                let ended = driver.as_mut().poll(driven);
                match (answer.as_mut().poll(quiet), ended) {
                    (Poll::Ready(head), _) => Poll::Ready(head.map_err(Failure::from)),
                    (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error.into())),
                    (Poll::Pending, Poll::Ready(Ok(()))) => Poll::Ready(Err(closed())),
                    (Poll::Pending, Poll::Pending) => Poll::Pending,
                }
            });
            match outcome {
                Poll::Ready(head) => Poll::Ready(head),
                Poll::Pending => timer.poll_expired(cx).map(Err),
            }
        })
        .await
    }

    /// The next piece of `body`, which must be this connection's.
    pub(super) fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Failure>>> {
        let Connection { driver, relay, .. } = self;
        relay.poll(cx, |driven| {
            if let Poll::Ready(piece) = poll_data(body) {
                return Poll::Ready(piece);
            }
            relay.forget();
            let ended = driver.as_mut().poll(driven);
            match (poll_data(body), ended) {
                (Poll::Ready(piece), _) => Poll::Ready(piece),
                (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error.into()))),
                (Poll::Pending, Poll::Ready(Ok(()))) => Poll::Ready(Some(Err(closed()))),
                (Poll::Pending, Poll::Pending) => Poll::Pending,
            }
        })
    }

    /// Whether another request can be sent now. Also notices that the upstream has closed meanwhile. The task that used
    /// the connection last is no longer woken by it.
    pub(super) fn is_reusable(&mut self) -> bool {
        let quiet = &mut Context::from_waker(Waker::noop());
        let Connection { sender, driver, relay, .. } = self;
        let open = relay.poll(quiet, |driven| driver.as_mut().poll(driven)).is_pending();
        relay.detach();
        open && sender.is_ready()
    }
}

/// As in [`Connection::exchange`], the body's pieces come from the driver alone and need no waker.
fn poll_data(body: &mut Incoming) -> Poll<Option<Result<Bytes, Failure>>> {
    let quiet = &mut Context::from_waker(Waker::noop());
    loop {
        return match Pin::new(&mut *body).poll_frame(quiet) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Poll::Ready(Some(Ok(data))),
                // Trailers: nothing we ask for comes there.
                Err(_trailers) => continue,
            },
        };
    }
}

fn closed() -> Failure {
    Failure::Broken("closed by the upstream".into())
}
