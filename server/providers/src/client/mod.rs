//! The one HTTP client that all adaptors share: HTTP/1.1, one connection per running call, idle ones pooled.
//!
//! Start at [`Client::send`]. What makes it different from a general client: the connection is polled from the task that
//! reads the answer, never from a task of its own. A chunk costs no task switch, backpressure needs no channel, and
//! dropping a [`Body`] closes the connection, which is how an upstream learns that the caller has left.
//!
//! **Invariant:** nothing here is ever spawned, and nothing here knows what the bytes mean.
//!
//! **Invariant:** where it connects is decided by configuration alone. No redirects, no proxies, no environment.
//!
//! Not here: HTTP/2 (one connection would have to serve many tasks, which is what this design avoids) and retries of
//! anything but a pooled connection that turned out to be dead.

mod body;
mod connect;
mod connection;
mod failure;
mod io;
mod origin;
mod pool;
mod relay;
mod timer;
mod tls;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::Full;
use novai_core::Deadlines;
use novai_core::error::Deadline;

pub use body::Body;
pub use connect::Connect;
pub use failure::Failure;
pub use io::{BoxIo, Io};
pub use origin::{Origin, OriginError};
pub use pool::PoolConfig;
pub use tls::{TlsError, client_config};

use connection::Connection;
use pool::Pool;
use timer::Timer;

/// One request, kept in a form that can be sent a second time.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub method: Method,
    /// Path and query only; the host is the client's.
    pub path: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Outgoing {
    fn to_http(&self) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Incoming {
    pub status: http::StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

pub struct Client {
    connector: Arc<dyn Connect>,
    pool: Arc<Pool>,
    deadlines: Deadlines,
}

impl Client {
    pub fn new(connector: Arc<dyn Connect>, pool: PoolConfig, deadlines: Deadlines) -> Self {
        Client { connector, pool: Arc::new(Pool::new(pool)), deadlines }
    }

    /// TCP to `origin`, with TLS if it says so.
    pub fn to(
        origin: &Origin,
        tls: Option<Arc<rustls::ClientConfig>>,
        pool: PoolConfig,
        deadlines: Deadlines,
    ) -> Result<Self, TlsError> {
        let tls = match (origin.is_tls(), tls) {
            (false, _) => None,
            (true, Some(config)) => Some(config),
            (true, None) => Some(client_config(None)?),
        };
        Ok(Client::new(Arc::new(connect::Tcp::new(origin, tls)?), pool, deadlines))
    }

    /// Sends `outgoing` and waits for the answer's head.
    pub async fn send(&self, outgoing: &Outgoing) -> Result<Incoming, Failure> {
        let mut timer = Timer::new(self.deadlines);
        if let Some(mut connection) = self.pool.check_out() {
            match connection.exchange(outgoing.to_http(), &mut timer).await {
                Ok(head) => return Ok(self.incoming(head, connection, timer)),
                // The upstream closed the idle connection just as we chose it. Nothing was answered, so it cannot have
                // been processed and answered: send once more, on a connection of our own making.
                Err(Failure::Broken(_)) if !connection.has_answered() => {}
                Err(failure) => return Err(failure),
            }
        }
        timer.enter(Deadline::Connect);
        let io = timer.guard(self.connector.connect()).await?.map_err(Failure::Connect)?;
        let mut connection = Connection::open(io).await?;
        let head = connection.exchange(outgoing.to_http(), &mut timer).await?;
        Ok(self.incoming(head, connection, timer))
    }

    fn incoming(&self, head: connection::Head, connection: Connection, mut timer: Timer) -> Incoming {
        timer.enter(Deadline::Idle);
        let (parts, incoming) = head.into_parts();
        let body = Body::new(incoming, connection, Arc::clone(&self.pool), timer);
        Incoming { status: parts.status, headers: parts.headers, body }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
