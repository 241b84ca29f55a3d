//! How a connection to a worker is made, and what keeps it going: one task, which also asks now and then whether the far end
//! still lives.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::socket::{Socket, Written};
use crate::{CONNECTION_WINDOW_BYTES, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, STREAM_WINDOW_BYTES};

/// A status with every detail that `errors` writes fits.
const HEADER_BYTES_MAX: u32 = 128 * 1024;
/// Until the worker says how many calls it takes at a time.
const CALLS_AT_FIRST: usize = 100;
/// Streams that are remembered for 30 s after they were cancelled. Some hundred bytes each.
const RESET_STREAMS_MAX: usize = 10_000;

pub(super) struct Dial {
    pub host: String,
    pub port: u16,
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Name look-up, TCP, TLS and HTTP/2 together.
    pub timeout: Duration,
}

/// An open connection; closed with its last clone.
#[derive(Clone)]
pub(super) struct Open {
    pub sender: SendRequest<Bytes>,
    pub written: Written,
    _task: Arc<Task>,
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Everybody who waited is told.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum DialError {
    #[error("no connection within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("cannot connect: {0}")]
    Io(Arc<io::Error>),
    #[error("it speaks TLS, but not HTTP/2")]
    NotHttp2,
    #[error("it does not speak HTTP/2: {0}")]
    Handshake(Arc<h2::Error>),
    #[error("the attempt to connect was broken off")]
    BrokenOff,
}

impl Dial {
    /// In a task of its own: whoever waits may leave, and the others still get their connection.
    pub(super) fn open(dial: &Arc<Self>) -> impl Future<Output = Result<Open, DialError>> + use<> {
        let dial = Arc::clone(dial);
        let attempt = tokio::spawn(async move {
            let timeout = dial.timeout;
            let opened = tokio::time::timeout(timeout, dial.connect()).await;
            opened.unwrap_or(Err(DialError::Timeout(timeout)))
        });
        async { attempt.await.unwrap_or(Err(DialError::BrokenOff)) }
    }

    async fn connect(&self) -> Result<Open, DialError> {
        let failed = |error| DialError::Io(Arc::new(error));
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(failed)?;
        // Requests are small and must leave at once.
        socket.set_nodelay(true).map_err(failed)?;
        let socket = Socket::new(socket);
        let written = socket.written();
        let Some((config, name)) = &self.tls else { return talk(socket, written).await };
        let connector = TlsConnector::from(Arc::clone(config));
        let socket = connector.connect(name.clone(), socket).await.map_err(failed)?;
        if socket.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(DialError::NotHttp2);
        }
        talk(socket, written).await
    }
}

async fn talk<S>(socket: S, written: Written) -> Result<Open, DialError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_max_send_streams(CALLS_AT_FIRST)
        .max_header_list_size(HEADER_BYTES_MAX)
        // What a worker has sent before it learns that a caller has left arrives for a stream that is no more. h2 remembers
        // 10 such streams, counts what comes for others as the peer's fault, and ends the connection, and every
        // stream on it, at the 1024th. Callers leave all the time, and it is our own worker.
        .max_concurrent_reset_streams(RESET_STREAMS_MAX)
        .max_local_error_reset_streams(None)
        .handshake(socket)
        .await
        .map_err(|error| DialError::Handshake(Arc::new(error)))?;
    Ok(Open { sender, written, _task: Arc::new(Task(tokio::spawn(drive(connection)))) })
}

/// Until it breaks, or its far end is gone. Calls that run learn of it by the connection's end.
async fn drive<S: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<S, Bytes>) {
    let pings = connection.ping_pong();
    tokio::select! {
        biased;
        ended = connection => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a worker's connection broke");
            }
        }
        () = silence(pings) => tracing::debug!("a worker's connection does not answer"),
    }
}

/// Resolves when nobody answers.
async fn silence(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        tokio::time::sleep(KEEPALIVE_INTERVAL).await;
        let asked = pings.ping(Ping::opaque());
        if !matches!(tokio::time::timeout(KEEPALIVE_TIMEOUT, asked).await, Ok(Ok(_))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::time::Instant;

    use super::*;

    /// What becomes of a call that is never answered, within ten minutes, and when.
    async fn end_of_a_call(far_end_lives: bool) -> Option<(bool, Duration)> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let far = tokio::spawn(h2::server::handshake(far));
        let open = talk(near, Written::default()).await.unwrap();
        let mut far = far.await.unwrap().unwrap();
        let silent = std::future::pending::<()>();
        let living = async {
            let mut calls = Vec::new();
            while let Some(call) = far.accept().await {
                calls.push(call);
            }
        };
        let request = Request::get("http://worker/").body(()).unwrap();
        let (answer, _) = open.sender.clone().ready().await.unwrap().send_request(request, true).unwrap();
        let started_at = Instant::now();
        tokio::select! {
            answer = answer => Some((answer.is_ok(), started_at.elapsed())),
            () = living, if far_end_lives => None,
            () = silent => None,
            () = tokio::time::sleep(Duration::from_secs(600)) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_far_end_that_does_not_say_that_it_lives_is_given_up() {
        assert_eq!(end_of_a_call(true).await, None, "a worker may think for as long as it likes");
        let (is_answered, after) = end_of_a_call(false).await.unwrap();
        assert!(!is_answered);
        let latest = KEEPALIVE_INTERVAL + KEEPALIVE_TIMEOUT;
        assert!(
            (KEEPALIVE_TIMEOUT..=latest).contains(&after.saturating_sub(Duration::from_millis(10))),
            "{after:?}"
        );
    }
}
