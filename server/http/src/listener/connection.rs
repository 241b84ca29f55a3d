//! One connection, from accept to close, in one task.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, BusyBody};
use super::guarded::{Guarded, Socket, SocketDeadlines};
use super::large::{self, Elsewhere};
use super::linger::Leftover;
use super::protocol::{self, Builders, Version};
use super::{Handler, Limits, Phase, Refuse, Shutdown};

type Slot = Arc<OwnedSemaphorePermit>;

pub(super) struct Shared<H> {
    pub protocol: Builders,
    pub tls: Option<TlsAcceptor>,
    pub limits: Limits,
    pub handler: Arc<H>,
    pub shutdown: Shutdown,
    /// Where large requests run.
    pub accepting: Handle,
}

/// `slot` is given back when everything about the connection is over, what runs elsewhere for it included: who waits for all slots
/// knows that every request has been logged and paid for.
pub(super) async fn run<H: Handler>(
    shared: Arc<Shared<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
) {
    let slot = Arc::new(slot);
    tokio::select! {
        () = begin(&shared, socket, peer, &slot) => {}
        // The hand-shake and the first byte are not worth waiting for; `talk` ends by itself.
        () = shared.shutdown.reached(Phase::Closed) => {}
    }
    drop(slot);
}

async fn begin<H: Handler>(shared: &Arc<Shared<H>>, socket: TcpStream, peer: SocketAddr, slot: &Slot) {
    match &shared.tls {
        None => {
            let version = protocol::of_plain(&socket);
            if let Some(version) = in_time(shared, shared.limits.header_timeout, version).await {
                talk(shared, socket, version, peer, slot).await;
            }
        }
        // Boxed: TLS state is large, and plain connections share this future.
        Some(acceptor) => Box::pin(begin_tls(shared, acceptor, socket, peer, slot)).await,
    }
}

async fn begin_tls<H: Handler>(
    shared: &Arc<Shared<H>>,
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
    slot: &Slot,
) {
    let handshake = acceptor.accept(socket);
    if let Some(stream) = in_time(shared, shared.limits.handshake_timeout, handshake).await {
        let version = protocol::of_tls(&stream);
        talk(shared, stream, version, peer, slot).await;
    }
}

/// What a connection does before it can have a request: not for longer than `timeout`, and not at all once we shut down.
async fn in_time<H, T>(
    shared: &Shared<H>,
    timeout: std::time::Duration,
    beginning: impl Future<Output = std::io::Result<T>>,
) -> Option<T> {
    tokio::select! {
        begun = tokio::time::timeout(timeout, beginning) => match begun {
            Ok(Ok(begun)) => Some(begun),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a connection failed before its first request");
                None
            }
            Err(_) => {
                tracing::debug!("a connection took too long before its first request");
                None
            }
        },
        () = shared.shutdown.reached(Phase::Draining) => None,
    }
}

async fn talk<H: Handler, S: Socket>(
    shared: &Arc<Shared<H>>,
    socket: S,
    version: Version,
    peer: SocketAddr,
    slot: &Slot,
) {
    let activity = Arc::new(Activity::default());
    let leftover = Leftover::default();
    let deadlines = SocketDeadlines {
        header: shared.limits.header_timeout,
        keep_alive: shared.limits.keep_alive_timeout,
        write: shared.limits.write_timeout,
    };
    let handler = Arc::clone(&shared.handler);
    let (accepting, slot) = (shared.accepting.clone(), Arc::clone(slot));
    let refuse = Arc::clone(&handler) as Arc<dyn Refuse>;
    let guarded = Guarded::new(socket, version, refuse, Arc::clone(&activity), leftover.clone(), deadlines);
    let io = TokioIo::new(guarded);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let busy = activity.begin();
        let is_large = large::is_large(request.body());
        let answer = Arc::clone(&handler).handle(request, peer);
        // Boxed: hyper keeps room for this future as long as the connection lives, and a stream needs it only until its
        // head is out.
        let answer: BoxFuture<'static, _> = match is_large {
            false => Box::pin(answer),
            true => Box::pin(Elsewhere::start(&accepting, Arc::clone(&slot), answer)),
        };
        async move { Ok::<_, Infallible>(answer.await.map(|body| BusyBody::new(body, busy))) }
    });
    match version {
        Version::Http1 => {
            serve(shared, Box::pin(shared.protocol.http1.serve_connection(io, service))).await;
        }
        Version::Http2 => {
            serve(shared, Box::pin(shared.protocol.http2.serve_connection(io, service))).await;
        }
    }
    leftover.linger().await;
}

/// Drives a connection to its end, which it is asked for when we shut down.
///
/// It comes in a box: an async function keeps its argument and what it moved it to, and this one is large.
async fn serve<H, C: GracefulConnection<Error = hyper::Error>>(
    shared: &Shared<H>,
    mut connection: Pin<Box<C>>,
) {
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = shared.shutdown.reached(Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use dropshot::Body;
    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;

    use super::*;

    struct Nothing;

    impl Refuse for Nothing {
        fn refuse(&self, _: crate::listener::Refusal) -> Vec<u8> {
            Vec::new()
        }
    }

    impl Handler for Nothing {
        type Body = Body;

        async fn handle(self: Arc<Self>, _: http::Request<Incoming>, _: SocketAddr) -> http::Response<Body> {
            http::Response::new(Body::empty())
        }
    }

    /// Thousands of idle streams are thousands of these.
    #[tokio::test]
    async fn a_connections_task_is_small() {
        let limits = Limits::default();
        let shared = Arc::new(Shared {
            protocol: Builders::new(&limits),
            tls: None,
            limits,
            handler: Arc::new(Nothing),
            shutdown: Shutdown::default(),
            accepting: Handle::current(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let peer = socket.peer_addr().unwrap();
        let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let bytes = std::mem::size_of_val(&run(shared, socket, peer, slot));
        assert!(bytes <= 2048, "{bytes} bytes");
    }
}
