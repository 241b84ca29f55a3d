//! HTTP/1.1 and HTTP/2 settings, in one place.

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;

use super::Limits;

pub(super) type Builder = auto::Builder<TokioExecutor>;

/// A dead HTTP/2 peer is noticed within `H2_PING_INTERVAL + H2_PING_TIMEOUT`.
const H2_PING_INTERVAL: Duration = Duration::from_secs(30);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Unsent bytes per HTTP/2 stream. hyper's 400 KB would let one slow reader of 128 streams hold 50 MB.
const H2_SEND_BUFFER_BYTES: usize = 64 * 1024;
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

pub(super) fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new(TokioExecutor::new());
    // No header time-out of hyper's: `guarded` keeps the deadlines. The header *count* stays at hyper's 100, which it
    // parses without allocating; more is a 431.
    builder
        .http1()
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes_max)
        .keep_alive(true)
        // A client that shuts its sending side has left: its upstream request is cancelled.
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams_max)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        .max_send_buf_size(H2_SEND_BUFFER_BYTES)
        .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(H2_PING_INTERVAL)
        .keep_alive_timeout(H2_PING_TIMEOUT);
    builder
}
