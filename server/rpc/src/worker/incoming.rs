//! Connections: bounded in number, encrypted where configured, handed to the gRPC server one by one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::Limits;

/// Hand-shakes that are done and not taken over yet. The server takes them at once.
const WAITING_MAX: usize = 16;

/// Accepts for as long as the stream is kept.
pub(super) fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, mut taken) = mpsc::channel(WAITING_MAX);
    let slots = Arc::new(Semaphore::new(limits.connections_max));
    let handshake_timeout = limits.handshake_timeout;
    tokio::spawn(async move {
        let gone = ready.clone();
        tokio::select! {
            () = run(listener, slots, tls, handshake_timeout, ready) => {}
            () = gone.closed() => {}
        }
    });
    futures_util::stream::poll_fn(move |cx| taken.poll_recv(cx))
}

async fn run(
    listener: TcpListener,
    slots: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
    handshake_timeout: Duration,
    ready: Sender<io::Result<Connection>>,
) {
    loop {
        // Beyond the cap, nothing is accepted and the kernel's backlog holds the callers.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
                {
                    // Most likely out of file descriptors: retrying at once would only burn CPU until one is free.
                    tracing::error!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                continue;
            }
        };
        // Events are small and must leave at once.
        let _ = socket.set_nodelay(true);
        let Some(tls) = tls.clone() else {
            if ready.send(Ok(Connection { io: Io::Plain(socket), _slot: slot })).await.is_err() {
                return;
            }
            continue;
        };
        let ready = ready.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(handshake_timeout, tls.accept(socket)).await {
                Ok(Ok(socket)) => {
                    let _ = ready.send(Ok(Connection { io: Io::Tls(Box::new(socket)), _slot: slot })).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "a TLS hand-shake failed"),
                Err(_) => tracing::debug!("a TLS hand-shake took too long"),
            }
        });
    }
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) struct Connection {
    io: Io,
    _slot: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_read(cx, buf),
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(cx),
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(cx, slices),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
}
