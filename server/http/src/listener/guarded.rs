//! A socket with deadlines: for the request head, for an idle connection, and for a client that does not read.
//!
//! Deadlines are kept here, not in hyper: hyper's header time-out covers no connection that has not said which HTTP it
//! speaks, cannot tell an idle connection from a slow head, and costs one timer per request. Here one timer per
//! connection moves only when it fires.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::linger::Leftover;
use super::timer::LazyTimer;

/// What lies under a connection: a TCP stream, possibly below TLS.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn into_tcp(self) -> TcpStream;
}

impl Socket for TcpStream {
    fn into_tcp(self) -> TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn into_tcp(self) -> TcpStream {
        self.into_inner().0
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SocketDeadlines {
    pub header: Duration,
    pub keep_alive: Duration,
    pub write: Duration,
}

/// What the reading side waits for.
#[derive(Debug, Clone, Copy)]
enum Waiting {
    /// The rest of a request head, until then.
    Head(Instant),
    /// Another request, until then.
    Request(Instant),
    /// A request is open: its body and its answer have their own deadlines.
    Nothing,
}

pub(super) struct Guarded<S: Socket> {
    /// `None` only in `drop`.
    socket: Option<S>,
    activity: Arc<Activity>,
    leftover: Leftover,
    deadlines: SocketDeadlines,
    waiting: Waiting,
    read_timer: LazyTimer,
    write_deadline: Option<Instant>,
    write_timer: LazyTimer,
    /// The client closed, or a deadline passed: nobody is left to linger for.
    is_dead: bool,
}

impl<S: Socket> Guarded<S> {
    pub(super) fn new(
        socket: S,
        activity: Arc<Activity>,
        leftover: Leftover,
        deadlines: SocketDeadlines,
    ) -> Self {
        Guarded {
            socket: Some(socket),
            activity,
            leftover,
            deadlines,
            waiting: Waiting::Head(Instant::now() + deadlines.header),
            read_timer: LazyTimer::default(),
            write_deadline: None,
            write_timer: LazyTimer::default(),
            is_dead: false,
        }
    }

    fn note_read(&mut self, bytes: usize) {
        if bytes == 0 {
            self.is_dead = true;
        } else if self.activity.is_idle() {
            // HTTP/2 talks between requests too (pings, settings): only silence counts there.
            if !self.activity.is_h2() && !matches!(self.waiting, Waiting::Head(_)) {
                self.waiting = Waiting::Head(Instant::now() + self.deadlines.header);
            }
        } else {
            self.waiting = Waiting::Nothing;
        }
    }

    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.activity.is_idle() {
            self.waiting = Waiting::Nothing;
            return Poll::Pending;
        }
        let deadline = match self.waiting {
            Waiting::Head(deadline) | Waiting::Request(deadline) => deadline,
            Waiting::Nothing => {
                let deadline = Instant::now() + self.deadlines.keep_alive;
                self.waiting = Waiting::Request(deadline);
                deadline
            }
        };
        self.read_timer.poll_past(cx, deadline).map(|()| {
            self.is_dead = true;
            io::Error::new(io::ErrorKind::TimedOut, "the client sent no complete request in time")
        })
    }

    /// Passes `written` on; while it is pending, the clock runs.
    fn check_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_deadline = None;
            return written;
        }
        let deadline = *self.write_deadline.get_or_insert_with(|| Instant::now() + self.deadlines.write);
        self.write_timer.poll_past(cx, deadline).map(|()| {
            self.is_dead = true;
            Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer"))
        })
    }

    fn socket(&mut self) -> io::Result<Pin<&mut S>> {
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<S: Socket> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let filled_before = buf.filled().len();
        match this.socket()?.poll_read(cx, buf) {
            Poll::Pending => this.poll_read_deadline(cx).map(Err),
            Poll::Ready(Ok(())) => {
                this.note_read(buf.filled().len() - filled_before);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                this.is_dead = true;
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<S: Socket> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = this.socket()?.poll_write(cx, buf);
        this.check_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = this.socket()?.poll_write_vectored(cx, bufs);
        this.check_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let flushed = this.socket()?.poll_flush(cx);
        // The end of an answer makes the connection idle, and hyper does not read again by itself: without this, nothing
        // would start the clock.
        if flushed.is_ready() && matches!(this.waiting, Waiting::Nothing) && this.activity.is_idle() {
            let _ = this.poll_read_deadline(cx);
        }
        this.check_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let shut = this.socket()?.poll_shutdown(cx);
        this.check_write(cx, shut)
    }
}

impl<S: Socket> Drop for Guarded<S> {
    fn drop(&mut self) {
        if let (false, Some(socket)) = (self.is_dead, self.socket.take()) {
            self.leftover.keep(socket.into_tcp());
        }
    }
}
