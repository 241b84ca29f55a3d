//! One connection, from accept to close, in one task.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, BusyBody};
use super::guarded::{Guarded, Socket, SocketDeadlines};
use super::linger::Leftover;
use super::protocol::Builder;
use super::{Handler, Limits, Phase, Shutdown};

pub(super) struct Shared<H> {
    pub protocol: Builder,
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
    match shared.tls.clone() {
        None => talk(shared, socket, peer).await,
        Some(acceptor) => {
            let timeout = shared.limits.handshake_timeout;
            let handshake = tokio::time::timeout(timeout, acceptor.accept(socket));
            let done = tokio::select! {
                done = handshake => done,
                () = shared.shutdown.reached(Phase::Draining) => return,
            };
            match done {
                // Boxed: the TLS state is large, and plain connections share this future.
                Ok(Ok(stream)) => Box::pin(talk(shared, stream, peer)).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS hand-shake failed"),
                Err(_) => tracing::debug!(%peer, "TLS hand-shake took too long"),
            }
        }
    }
    drop(slot);
}

async fn talk<H: Handler, S: Socket>(shared: Arc<Shared<H>>, socket: S, peer: SocketAddr) {
    let activity = Arc::new(Activity::default());
    let leftover = Leftover::default();
    let deadlines = SocketDeadlines {
        header: shared.limits.header_timeout,
        keep_alive: shared.limits.keep_alive_timeout,
        write: shared.limits.write_timeout,
    };
    let io = TokioIo::new(Guarded::new(socket, Arc::clone(&activity), leftover.clone(), deadlines));
    let service = service_fn(|request: http::Request<Incoming>| {
        let busy = activity.begin(request.version());
        let answer = Arc::clone(&shared.handler).handle(request, peer);
        async move { Ok::<_, Infallible>(answer.await.map(|body| BusyBody::new(body, busy))) }
    });

    let closed = {
        let mut connection = std::pin::pin!(shared.protocol.serve_connection(io, service));
        let mut draining = std::pin::pin!(shared.shutdown.reached(Phase::Draining));
        let mut is_draining = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "connection ended early");
                    }
                    break false;
                }
                () = draining.as_mut(), if !is_draining => {
                    is_draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = shared.shutdown.reached(Phase::Closed), if is_draining => break true,
            }
        }
    };
    if !closed {
        leftover.linger().await;
    }
}
