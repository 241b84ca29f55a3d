//! A socket with deadlines: for the request head, for an idle connection, and for a client that does not read.
//!
//! Deadlines are kept here, not in hyper: hyper's header time-out covers no connection that has not said which HTTP it
//! speaks, cannot tell an idle connection from a slow head, and costs one timer per request. Here one timer per
//! connection moves only when it fires.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::linger::Leftover;
use super::protocol::Version;
use super::refusal::{Answer, Refusal, Refuse};
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
    /// A request head, or the rest of it, until then.
    Head { until: Instant, is_begun: bool },
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
    version: Version,
    refuse: Arc<dyn Refuse>,
    /// Goes out in place of hyper's own.
    refusal: Option<Answer>,
}

impl<S: Socket> Guarded<S> {
    pub(super) fn new(
        socket: S,
        version: Version,
        refuse: Arc<dyn Refuse>,
        activity: Arc<Activity>,
        leftover: Leftover,
        deadlines: SocketDeadlines,
    ) -> Self {
        Guarded {
            socket: Some(socket),
            activity,
            leftover,
            deadlines,
            waiting: Waiting::Head { until: Instant::now() + deadlines.header, is_begun: false },
            read_timer: LazyTimer::default(),
            write_deadline: None,
            write_timer: LazyTimer::default(),
            is_dead: false,
            version,
            refuse,
            refusal: None,
        }
    }

    fn note_read(&mut self, bytes: usize) {
        if bytes == 0 {
            self.is_dead = true;
        } else if self.activity.is_idle() {
            // HTTP/2 talks between requests too (pings, settings): only silence counts there.
            if self.version == Version::Http1 {
                let until = match self.waiting {
                    Waiting::Head { until, .. } => until,
                    Waiting::Request(_) | Waiting::Nothing => Instant::now() + self.deadlines.header,
                };
                self.waiting = Waiting::Head { until, is_begun: true };
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
            Waiting::Head { until, .. } | Waiting::Request(until) => until,
            Waiting::Nothing => {
                let deadline = Instant::now() + self.deadlines.keep_alive;
                self.waiting = Waiting::Request(deadline);
                deadline
            }
        };
        self.read_timer.poll_past(cx, deadline).map(|()| {
            self.is_dead = !self.say_too_slow(cx);
            io::Error::new(io::ErrorKind::TimedOut, "the client sent no complete request in time")
        })
    }

    /// A 408 for a head that was begun. Tried once: who is too slow to send a head is not waited for again.
    fn say_too_slow(&mut self, cx: &mut Context<'_>) -> bool {
        let (Waiting::Head { is_begun: true, .. }, Version::Http1) = (self.waiting, self.version) else {
            return false;
        };
        let Some(socket) = self.socket.as_mut() else { return false };
        let mut answer = Answer::new(self.refuse.refuse(Refusal::TooSlow));
        let is_written = matches!(answer.poll_write(cx, Pin::new(&mut *socket)), Poll::Ready(Ok(())));
        is_written && Pin::new(socket).poll_flush(cx).is_ready()
    }

    /// True where our answer has gone out in place of hyper's, which begins with `bytes`.
    fn poll_refusal(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<bool>> {
        if self.refusal.is_none()
            && matches!(self.waiting, Waiting::Head { .. })
            && self.activity.is_idle()
            && let Some(refusal) = Refusal::of_hyper(bytes)
        {
            self.refusal = Some(Answer::new(self.refuse.refuse(refusal)));
        }
        let (Some(answer), Some(socket)) = (&mut self.refusal, &mut self.socket) else {
            return Poll::Ready(Ok(false));
        };
        answer.poll_write(cx, Pin::new(socket)).map_ok(|()| true)
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
        let written = match ready!(this.poll_refusal(cx, buf))? {
            true => Poll::Ready(Ok(buf.len())),
            false => this.socket()?.poll_write(cx, buf),
        };
        this.check_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let first = bufs.first().map_or(&[][..], |buf| buf);
        let written = match ready!(this.poll_refusal(cx, first))? {
            true => Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum())),
            false => this.socket()?.poll_write_vectored(cx, bufs),
        };
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
