//! One connection, from accept to close, in one task.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, BusyBody};
use super::at_once::AtOnce;
use super::guarded::{Guarded, Socket, SocketDeadlines};
use super::linger::Leftover;
use super::protocol::{self, Builders, Version};
use super::{Handler, Limits, Phase, Refuse, Shutdown};

pub(super) struct Shared<H> {
    pub protocol: Builders,
    pub tls: Option<TlsAcceptor>,
    pub limits: Limits,
    pub handler: Arc<H>,
    pub shutdown: Shutdown,
}

/// `slot` is given back when everything about the connection is over.
pub(super) async fn run<H: Handler>(
    shared: Arc<Shared<H>>,
    socket: TcpStream,
    peer: SocketAddr,
    slot: OwnedSemaphorePermit,
) {
    tokio::select! {
        () = begin(&shared, socket, peer) => {}
        // The hand-shake and the first byte are not worth waiting for; `talk` ends by itself.
        () = shared.shutdown.reached(Phase::Closed) => {}
    }
    drop(slot);
}

async fn begin<H: Handler>(shared: &Arc<Shared<H>>, socket: TcpStream, peer: SocketAddr) {
    match &shared.tls {
        None => {
            let version = protocol::of_plain(&socket);
            if let Some(version) = in_time(shared, shared.limits.header_timeout, version).await {
                talk(shared, socket, version, peer).await;
            }
        }
        // Boxed: TLS state is large, and plain connections share this future.
        Some(acceptor) => Box::pin(begin_tls(shared, acceptor, socket, peer)).await,
    }
}

async fn begin_tls<H: Handler>(
    shared: &Arc<Shared<H>>,
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
) {
    let handshake = acceptor.accept(socket);
    if let Some(stream) = in_time(shared, shared.limits.handshake_timeout, handshake).await {
        let version = protocol::of_tls(&stream);
        talk(shared, stream, version, peer).await;
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

async fn talk<H: Handler, S: Socket>(shared: &Arc<Shared<H>>, socket: S, version: Version, peer: SocketAddr) {
    let activity = Arc::new(Activity::default());
    let leftover = Leftover::default();
    let deadlines = SocketDeadlines {
        header: shared.limits.header_timeout,
        keep_alive: shared.limits.keep_alive_timeout,
        write: shared.limits.write_timeout,
    };
    let handler = Arc::clone(&shared.handler);
    let refuse = Arc::clone(&handler) as Arc<dyn Refuse>;
    let guarded = Guarded::new(socket, version, refuse, Arc::clone(&activity), leftover.clone(), deadlines);
    let io = TokioIo::new(guarded);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let busy = activity.begin();
        // Boxed: hyper keeps room for this future as long as the connection lives, and a stream needs it only until its
        // head is out.
        let answer = Box::pin(Arc::clone(&handler).handle(request, peer));
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
    let at_once = AtOnce::default();
    let ended = tokio::select! {
        biased;
        ended = at_once.drive(connection.as_mut()) => ended,
        () = shared.shutdown.reached(Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            at_once.drive(connection.as_mut()).await
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
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let peer = socket.peer_addr().unwrap();
        let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let bytes = std::mem::size_of_val(&run(shared, socket, peer, slot));
        assert!(bytes <= 2048, "{bytes} bytes");
    }
}
