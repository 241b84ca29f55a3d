//! From a configured host to an open connection.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::io::BoxIo;
use super::origin::Origin;
use super::tls::TlsError;

/// Opens connections to one upstream. The caller holds the deadline.
pub trait Connect: Send + Sync + 'static {
    fn connect(&self) -> BoxFuture<'_, Result<BoxIo>>;
}

/// Head start of each address over the next (RFC 8305 recommends 250 ms): one that swallows packets must not use up the
/// whole deadline.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// More addresses than this are not tried.
const ADDRESSES_MAX: usize = 8;

pub(super) struct Tcp {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Tcp {
    pub(super) fn new(
        origin: &Origin,
        tls: Option<Arc<rustls::ClientConfig>>,
    ) -> std::result::Result<Self, TlsError> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let name = ServerName::try_from(origin.host().to_owned())
                    .map_err(|_| TlsError::HostName(origin.host().to_owned()))?;
                Some((TlsConnector::from(config), name))
            }
        };
        Ok(Tcp { host: origin.host().to_owned(), port: origin.port(), tls })
    }
}

impl Connect for Tcp {
    fn connect(&self) -> BoxFuture<'_, Result<BoxIo>> {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
            let tcp = race(addresses.take(ADDRESSES_MAX)).await?;
            tcp.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Box::new(tcp) as BoxIo),
                Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), tcp).await?) as BoxIo),
            }
        })
    }
}

/// The first address that answers; the error of the last one that failed. The next address starts when one fails or
/// when its head start is over, whichever comes first.
async fn race(mut addresses: impl Iterator<Item = SocketAddr>) -> Result<TcpStream> {
    let mut attempts = FuturesUnordered::new();
    let mut last = Error::new(ErrorKind::NotFound, "the host has no address");
    loop {
        let next = addresses.next();
        let more = next.is_some();
        attempts.extend(next.map(TcpStream::connect));
        let outcome =
            if more { timeout(NEXT_ADDRESS_AFTER, attempts.next()).await } else { Ok(attempts.next().await) };
        match outcome {
            Err(_head_start_over) => {}
            Ok(Some(Ok(stream))) => return Ok(stream),
            Ok(Some(Err(error))) => last = error,
            Ok(None) => return Err(last),
        }
    }
}
