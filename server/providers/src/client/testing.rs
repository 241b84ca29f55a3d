//! A scripted upstream over in-process pipes: no ports, and time can stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::{BoxIo, Connect};

/// Hands the far end of every new connection to [`Upstream::accept`].
pub(crate) struct Pipes {
    far_ends: mpsc::UnboundedSender<DuplexStream>,
    opened: Arc<AtomicUsize>,
}

pub(crate) struct Upstream {
    far_ends: mpsc::UnboundedReceiver<DuplexStream>,
    opened: Arc<AtomicUsize>,
}

pub(crate) fn pipes() -> (Arc<Pipes>, Upstream) {
    let (sender, far_ends) = mpsc::unbounded_channel();
    let opened = Arc::new(AtomicUsize::new(0));
    let pipes = Pipes { far_ends: sender, opened: Arc::clone(&opened) };
    (Arc::new(pipes), Upstream { far_ends, opened })
}

impl Connect for Pipes {
    fn connect(&self) -> BoxFuture<'_, std::io::Result<BoxIo>> {
        Box::pin(async {
            let (near, far) = duplex(256 * 1024);
            self.opened.fetch_add(1, SeqCst);
            self.far_ends.send(far).map_err(|_| std::io::ErrorKind::ConnectionRefused)?;
            Ok(Box::new(near) as BoxIo)
        })
    }
}

impl Upstream {
    pub(crate) async fn accept(&mut self) -> Peer {
        Peer { io: self.far_ends.recv().await.expect("a connection"), read: Vec::new() }
    }

    pub(crate) fn connections_opened(&self) -> usize {
        self.opened.load(SeqCst)
    }
}

/// The upstream's end of one connection.
pub(crate) struct Peer {
    io: DuplexStream,
    read: Vec<u8>,
}

impl Peer {
    /// One whole request, head and body, as text.
    pub(crate) async fn request(&mut self) -> String {
        loop {
            if let Some(length) = request_length(&self.read) {
                let request = self.read.drain(..length).collect();
                return String::from_utf8(request).expect("a request in UTF-8");
            }
            let read = self.io.read_buf(&mut self.read).await.expect("readable");
            assert!(read > 0, "closed in the middle of a request: {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.io.write_all(bytes.as_ref()).await.expect("writable");
    }

    /// As [`Peer::send`]; true if the client has gone.
    pub(crate) async fn send_or_closed(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.io.write_all(bytes.as_ref()).await.is_err()
    }

    /// Resolves when the client has closed the connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A pipe whose other end is gone may also answer with an error.
        let _ = self.io.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }
}

fn request_length(read: &[u8]) -> Option<usize> {
    let head_end = memchr::memmem::find(read, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&read[..head_end]).expect("a head in UTF-8").to_ascii_lowercase();
    let body = head.split("content-length: ").nth(1).map_or(0, |rest| {
        rest.split("\r\n").next().and_then(|number| number.parse().ok()).expect("a content length")
    });
    (read.len() >= head_end + body).then_some(head_end + body)
}

/// `200 OK` with a chunked body still to come.
pub(crate) fn chunked_head(content_type: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n")
}

pub(crate) fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

pub(crate) const LAST_CHUNK: &str = "0\r\n\r\n";

/// A whole answer with a length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}
