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
mod buffer;
mod connect;
mod connection;
mod failure;
mod framing;
mod head;
mod headers;
mod io;
mod origin;
mod pool;
mod request;
mod timer;
mod tls;

use std::sync::Arc;

use novai_core::Deadlines;
use novai_core::error::Deadline;

pub use body::Body;
pub use connect::Connect;
pub use failure::Failure;
pub use headers::Headers;
pub use io::{BoxIo, Io};
pub use origin::{Origin, OriginError};
pub use pool::PoolConfig;
pub use request::{Method, Outgoing, RequestHead};
pub use tls::{TlsError, client_config};

use connection::Connection;
use head::Head;
use pool::Pool;
use timer::Timer;

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Incoming {
    pub status: http::StatusCode,
    pub headers: Headers,
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
    pub async fn send(&self, outgoing: &Outgoing<'_>) -> Result<Incoming, Failure> {
        let mut timer = Timer::new(self.deadlines, outgoing.deadline);
        if let Some(mut connection) = self.pool.check_out() {
            match connection.exchange(outgoing, &mut timer).await {
                Ok(head) => return Ok(self.incoming(head, connection, timer)),
                // The upstream closed the idle connection just as we chose it. Nothing was answered, so it cannot have
                // been processed and answered: send once more, on a connection of our own making.
                Err(Failure::Broken(_)) if !connection.has_answered() => {}
                Err(failure) => return Err(failure),
            }
        }
        timer.enter(Deadline::Connect);
        let io = timer.guard(self.connector.connect()).await?.map_err(Failure::Connect)?;
        let mut connection = Connection::new(io);
        let head = connection.exchange(outgoing, &mut timer).await?;
        Ok(self.incoming(head, connection, timer))
    }

    fn incoming(&self, head: Head, connection: Connection, mut timer: Timer) -> Incoming {
        timer.enter(Deadline::Idle);
        let body = Body::new(connection, Arc::clone(&self.pool), timer);
        Incoming { status: head.status, headers: head.headers, body }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
