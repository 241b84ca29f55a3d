//! Our own listener: accepts, encrypts, bounds and ends connections. What a request means is [`Handler`]'s business.
//!
//! Start at [`serve`]. dropshot's listener is not used: it has no connection cap, no time-out for idle connections or
//! stalled readers, and logs every request.
//!
//! What bounds a connection:
//! * at most [`Limits::connections_max`] at once; the next one waits in the kernel's backlog, unaccepted;
//! * TLS hand-shake, request head, idle keep-alive and stalled write each have a deadline ([`guarded`]);
//! * header count and bytes (431), HTTP/2 streams and header lists ([`protocol`]);
//! * a head that never becomes a request is answered all the same ([`refusal`]);
//! * an HTTP/2 stream whose window stays shut is reset ([`stalled`]).
//!
//! The request *body* is bounded by whoever reads it.

mod activity;
mod connection;
mod cores;
mod guarded;
mod large;
mod limits;
mod linger;
mod protocol;
mod refusal;
mod shutdown;
mod stalled;
mod timer;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

pub use cores::Cores;
pub use limits::Limits;
pub use refusal::{Refusal, Refuse};
pub use shutdown::{Phase, Shutdown};
pub(crate) use timer::LazyTimer;
pub use tls::{TlsError, TlsFiles};

/// Answers requests. One value serves every connection.
pub trait Handler: Refuse {
    type Body: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send + 'static;
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Accepts until `shutdown` drains, then waits for the open connections: until they end, or `shutdown_timeout` passes.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    cores: Arc<Cores>,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    handler: Arc<H>,
    shutdown: Shutdown,
) {
    let slots = Arc::new(Semaphore::new(limits.connections_max as usize));
    let shared = Arc::new(connection::Shared {
        protocol: protocol::Builders::new(&limits),
        tls,
        limits,
        handler,
        shutdown: shutdown.clone(),
        accepting: Handle::current(),
    });

    loop {
        let next = tokio::select! {
            next = accept(&listener, &slots) => next,
            () = shutdown.reached(Phase::Draining) => break,
        };
        let Some((socket, peer, slot)) = next else { break };
        let shared = Arc::clone(&shared);
        cores.spawn(socket, move |socket| connection::run(shared, socket, peer, slot));
    }
    drop(listener);

    // Every connection holds a slot until its very end, so all slots back means nobody is left.
    let all_ended = slots.acquire_many(shared.limits.connections_max);
    if tokio::time::timeout(shared.limits.shutdown_timeout, all_ended).await.is_err() {
        let left = shared.limits.connections_max as usize - slots.available_permits();
        tracing::warn!(connections = left, "the shutdown deadline passed: closing what is still open");
    }
    shutdown.advance(Phase::Closed);
}

/// Waits for a free slot first: beyond the cap, nothing is accepted and the kernel's backlog holds the callers.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    if slots.available_permits() == 0 {
        tracing::warn!("every connection slot is taken: new connections wait");
    }
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                // Events are small and must leave at once; Nagle would hold them for the client's ACK.
                let _ = socket.set_nodelay(true);
                return Some((socket, peer, slot));
            }
            Err(error) => match error.kind() {
                // The caller gave up while queueing.
                std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset => {}
                _ => {
                    // Most likely out of file descriptors: retrying at once would only burn CPU until one is free.
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}
