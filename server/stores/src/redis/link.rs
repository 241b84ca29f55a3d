//! The connection to the Redis that has the limits. In a cluster that may be another node than the configured one: a node
//! without the slot names the one that has it (`MOVED`), and from then on that one is asked, with the same user and the
//! same TLS.
//!
//! Not here: a cluster client. All keys of a fleet are in one slot, so there is one node to know.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use super::scripts::Call;

pub struct Link {
    client: Client,
    /// Where the operator said.
    configured: ConnectionManager,
    /// Where that node has sent us.
    followed: Mutex<Option<ConnectionManager>>,
}

impl Link {
    /// Connects when it is first used.
    pub fn new(client: Client) -> RedisResult<Self> {
        let configured = connect(client.clone())?;
        Ok(Link { client, configured, followed: Mutex::default() })
    }

    /// Once more where the keys are, if they are not where it asked.
    pub async fn run(&self, call: Call<'_>) -> RedisResult<Value> {
        let mut connection = self.followed().clone().unwrap_or_else(|| self.configured.clone());
        match call.run(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Moved) => {
                let mut moved = self.follow(&error)?;
                call.run(&mut moved).await.inspect_err(|_| self.forget())
            }
            result => result.inspect_err(|_| self.forget()),
        }
    }

    /// Back to the configured node: after a failure, whose node may be gone.
    pub fn forget(&self) {
        self.followed().take();
    }

    fn follow(&self, moved: &RedisError) -> RedisResult<ConnectionManager> {
        let malformed = || RedisError::from((ErrorKind::UnexpectedReturnType, "MOVED names no node"));
        let (node, _slot) = moved.redirect_node().ok_or_else(malformed)?;
        let (host, port) = node.rsplit_once(':').ok_or_else(malformed)?;
        let port = port.parse().map_err(|_| malformed())?;
        let info = self.client.get_connection_info();
        let address = at(info.addr(), host, port);
        let connection = connect(Client::open(info.clone().set_addr(address))?)?;
        tracing::info!(node, "the limits are on another node of the Redis cluster: it is asked from now on");
        *self.followed() = Some(connection.clone());
        Ok(connection)
    }

    fn followed(&self) -> MutexGuard<'_, Option<ConnectionManager>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(client: Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        // The next call tries again; calls have their own deadline and breaker.
        .set_number_of_retries(0)
        .set_connection_timeout(Some(Duration::from_secs(1)))
        .set_response_timeout(Some(Duration::from_secs(1)));
    ConnectionManager::new_lazy_with_config(client, config)
}

/// The other node, reached as the configured one is. A node that does not know its own name means its own host.
fn at(configured: &ConnectionAddr, host: &str, port: u16) -> ConnectionAddr {
    let host = |own: &str| match host {
        "" | "?" => own.to_owned(),
        named => named.to_owned(),
    };
    match configured {
        ConnectionAddr::TcpTls { host: own, insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host: host(own),
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        ConnectionAddr::Tcp(own, _) => ConnectionAddr::Tcp(host(own), port),
        _ => ConnectionAddr::Tcp(host("localhost"), port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_node_is_reached_as_the_configured_one_is() {
        let tcp = |host: &str, port| ConnectionAddr::Tcp(host.to_owned(), port);
        let tls = |host: &str, port| ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: false,
            tls_params: None,
        };
        let cases = [
            (tcp("a", 1), "10.0.0.2", tcp("10.0.0.2", 7)),
            (tcp("a", 1), "", tcp("a", 7)),
            (tls("a", 1), "b", tls("b", 7)),
            (tls("a", 1), "?", tls("a", 7)),
            (ConnectionAddr::Unix("/s".into()), "10.0.0.2", tcp("10.0.0.2", 7)),
        ];
        for (configured, host, expected) in cases {
            assert_eq!(at(&configured, host, 7), expected, "{host} from {configured:?}");
        }
    }
}
