//! A connection's socket that looks whether the far end has gone before it writes, and knows how much was written: whether a call
//! that failed can have reached anybody.
//!
//! The runtime learns that a far end has closed when it next asks the kernel about all sockets. A call that is put before that would
//! be written, in vain, and nobody could say that it was in vain.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a socket has taken so far, seen from outside its connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Written(Arc<AtomicU64>);

impl Written {
    pub fn bytes(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

pub(super) struct Socket {
    tcp: TcpStream,
    written: Written,
}

impl Socket {
    pub fn new(tcp: TcpStream) -> Self {
        Socket { tcp, written: Written::default() }
    }

    pub fn written(&self) -> Written {
        self.written.clone()
    }

    fn check_far_end(&self) -> io::Result<()> {
        match SockRef::from(&self.tcp).peek(&mut [MaybeUninit::uninit()]) {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn count(&self, taken: io::Result<usize>) -> io::Result<usize> {
        if let Ok(bytes) = taken {
            self.written.0.fetch_add(bytes as u64, Relaxed);
        }
        taken
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_far_end()?;
        let taken = ready!(Pin::new(&mut self.tcp).poll_write(cx, bytes));
        Poll::Ready(self.count(taken))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_far_end()?;
        let taken = ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, pieces));
        Poll::Ready(self.count(taken))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
