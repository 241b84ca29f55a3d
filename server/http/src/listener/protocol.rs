//! HTTP/1.1 and HTTP/2: which one a connection speaks, and the settings of both.
//!
//! hyper-util's automatic choice is not used: it reads the first 24 bytes apart, after which hyper's read buffer grows to
//! twice its size for as long as the connection lives.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Limits;
use super::stalled::StreamExecutor;

/// A dead HTTP/2 peer is noticed within `H2_PING_INTERVAL + H2_PING_TIMEOUT`.
const H2_PING_INTERVAL: Duration = Duration::from_secs(30);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Unsent bytes per HTTP/2 stream. hyper's 400 KB would let one slow reader of 128 streams hold 50 MB.
const H2_SEND_BUFFER_BYTES: usize = 64 * 1024;
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// How every HTTP/2 connection begins (RFC 9113 §3.4), as far as no HTTP/1 request does.
const H2_BEGINNING: &[u8] = b"PRI ";
/// Between two looks at a client that sends its first four bytes one by one. No real client does.
const LOOK_AGAIN_INTERVAL: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

pub(super) struct Builders {
    pub http1: http1::Builder,
    pub http2: http2::Builder<StreamExecutor>,
}

impl Builders {
    pub(super) fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        // No header time-out of hyper's: `guarded` keeps the deadlines. The header *count* stays at hyper's 100, which it
        // parses without allocating; more is a 431.
        http1
            .header_read_timeout(None)
            .max_buf_size(limits.header_bytes_max)
            .keep_alive(true)
            // A client that shuts its sending side has left: its upstream request is cancelled.
            .half_close(false);
        let mut http2 = http2::Builder::new(StreamExecutor { stall_timeout: limits.write_timeout });
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.h2_streams_max)
            .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
            .max_send_buf_size(H2_SEND_BUFFER_BYTES)
            .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
            .keep_alive_interval(H2_PING_INTERVAL)
            .keep_alive_timeout(H2_PING_TIMEOUT);
        Builders { http1, http2 }
    }
}

/// Looks at a plain connection's first bytes without taking them.
pub(super) async fn of_plain(socket: &TcpStream) -> std::io::Result<Version> {
    let mut first = [0; H2_BEGINNING.len()];
    loop {
        let seen = socket.peek(&mut first).await?;
        if seen == H2_BEGINNING.len() && first == H2_BEGINNING {
            return Ok(Version::Http2);
        }
        if seen == 0 || first[..seen] != H2_BEGINNING[..seen] {
            return Ok(Version::Http1);
        }
        tokio::time::sleep(LOOK_AGAIN_INTERVAL).await;
    }
}

/// What ALPN agreed on; a client that did not ask speaks HTTP/1.
pub(super) fn of_tls(stream: &TlsStream<TcpStream>) -> Version {
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Version::Http2,
        _ => Version::Http1,
    }
}
