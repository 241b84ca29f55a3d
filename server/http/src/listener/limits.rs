//! The numbers that bound a connection.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections. The next one waits in the kernel's backlog until one ends.
    pub connections_max: u32,
    /// TLS hand-shake, from accept to finished.
    pub handshake_timeout: Duration,
    /// From accept, or from the first byte of a later request, to the end of the request head.
    pub header_timeout: Duration,
    /// Silence between two requests on one connection.
    pub keep_alive_timeout: Duration,
    /// How long a client may take no byte of an answer that waits for it.
    pub write_timeout: Duration,
    /// Bytes of a request head; more is a 431.
    pub header_bytes_max: usize,
    /// Concurrent requests on one HTTP/2 connection.
    pub h2_streams_max: u32,
    /// How long open requests and streams may take to end after a shutdown began.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 10_000,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            // Longer than the 60 s that most load balancers keep idle connections, so that they close first and
            // never send a request into a connection that we are closing.
            keep_alive_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(60),
            header_bytes_max: 64 * 1024,
            h2_streams_max: 128,
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}
