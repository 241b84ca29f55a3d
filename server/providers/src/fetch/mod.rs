//! Fetches pictures that callers name by URL, for vendors that take nothing but their bytes. Off unless configured.
//!
//! A URL is a caller's input, and with it a caller says where the gateway connects: the one place where that is so. Start at
//! [`Fetcher::fetch`]; [`target`] has what a URL may be, [`address`] what an address may be.
//!
//! **Invariant:** a connection goes to an address that was checked, and never to a name: what a name resolves to a second time
//! is never asked. Each redirect is a new URL, with every check again.
//!
//! **Invariant:** nothing that a refusal says tells what is in the gateway's own network.

mod address;
mod target;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderValue};
use novai_core::Deadlines;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{
    BoxIo, Client, Connect, Failure, Incoming, Method, Outgoing, PoolConfig, RequestHead, TlsError,
    client_config,
};
use crate::headers;
use target::Target;

/// Picture hosts redirect once or twice.
const REDIRECTS_MAX: usize = 3;

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Plain `http:` too, which anybody on the way can read and change.
    pub allows_http: bool,
    /// Of all pictures of one request together.
    pub bytes_max: usize,
    /// Of one picture: name look-up, redirects and all.
    pub timeout: Duration,
}

impl Default for Settings {
    /// 10 MiB: Gemini takes requests of 20 MB, and base64 adds a third.
    fn default() -> Self {
        Settings { allows_http: false, bytes_max: 10 << 20, timeout: Duration::from_secs(10) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// `image/png`
    pub media_type: String,
    pub bytes: Bytes,
}

/// Why there is no picture, in words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("it is no URL that the gateway fetches: {0}")]
    Url(&'static str),
    /// Also where the name does not resolve: callers are not to learn the names of the gateway's own network.
    #[error("its host has no public address")]
    NotPublic,
    #[error("its server could not be asked")]
    Unreachable,
    #[error("its server took too long")]
    TooSlow,
    #[error("its server answered HTTP {0}")]
    Status(u16),
    #[error("it redirects too often")]
    TooManyRedirects,
    #[error("it is no picture: its content type is not image/*")]
    NotPicture,
    #[error("it is larger than the {0} bytes that are left for this request's pictures")]
    TooLarge(usize),
}

/// What the fetcher needs of the network; tests have their own.
pub(crate) trait Network: Send + Sync + 'static {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<BoxIo>>;
}

struct System;

impl Network for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<BoxIo>> {
        Box::pin(async move { Ok(Box::new(TcpStream::connect(address).await?) as BoxIo) })
    }
}

pub(crate) struct Fetcher {
    settings: Settings,
    tls: Arc<rustls::ClientConfig>,
    network: Arc<dyn Network>,
}

enum Answer {
    Picture(Picture),
    Elsewhere(Target),
}

impl Fetcher {
    pub(crate) fn new(settings: Settings) -> Result<Self, TlsError> {
        Ok(Fetcher { settings, tls: client_config(None)?, network: Arc::new(System) })
    }

    /// How much all pictures of one request may have together.
    pub(crate) fn bytes_max(&self) -> usize {
        self.settings.bytes_max
    }

    /// At most `bytes_max` bytes.
    pub(crate) async fn fetch(&self, url: &str, bytes_max: usize) -> Result<Picture, FetchError> {
        let fetching = self.follow(url, bytes_max);
        tokio::time::timeout(self.settings.timeout, fetching).await.unwrap_or(Err(FetchError::TooSlow))
    }

    async fn follow(&self, url: &str, bytes_max: usize) -> Result<Picture, FetchError> {
        let mut target = Target::parse(url, self.settings.allows_http)?;
        for _ in 0..=REDIRECTS_MAX {
            match self.ask(&target, bytes_max).await? {
                Answer::Picture(picture) => return Ok(picture),
                Answer::Elsewhere(next) => target = next,
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn ask(&self, target: &Target, bytes_max: usize) -> Result<Answer, FetchError> {
        let address = self.checked_address(target).await?;
        let tls = match target.origin.is_tls() {
            false => None,
            true => {
                let name = ServerName::try_from(target.origin.host().to_owned());
                let name = name.map_err(|_| FetchError::Url("its host cannot be named in a certificate"))?;
                Some((TlsConnector::from(Arc::clone(&self.tls)), name))
            }
        };
        let connect = Arc::new(Checked { network: Arc::clone(&self.network), address, tls });
        let client =
            Client::new(connect, PoolConfig { idle_max: 0, ..PoolConfig::default() }, self.deadlines());
        let mut fields = headers::common(&target.origin).map_err(|_| FetchError::Url("its host is none"))?;
        fields.insert(header::ACCEPT, HeaderValue::from_static("image/*"));
        let head = RequestHead::new(Method::Get, &target.path, &fields);
        let outgoing = Outgoing { head: &head, headers: &[], body: Bytes::new(), deadline: None };
        let Incoming { status, headers, body } = client.send(&outgoing).await.map_err(failed)?;
        if status.is_redirection() {
            let location = headers.get("location").ok_or(FetchError::Status(status.as_u16()))?;
            return target.redirected(location, self.settings.allows_http).map(Answer::Elsewhere);
        }
        if status != http::StatusCode::OK {
            return Err(FetchError::Status(status.as_u16()));
        }
        let media_type = headers::media_type(&headers).map(str::to_ascii_lowercase);
        let media_type = media_type.filter(|media| is_picture(media)).ok_or(FetchError::NotPicture)?;
        let bytes = body.read_whole(bytes_max).await.map_err(failed)?;
        Ok(Answer::Picture(Picture { media_type, bytes }))
    }

    /// One address of the host. One that is not public spoils all: a name that has both kinds is up to something.
    async fn checked_address(&self, target: &Target) -> Result<SocketAddr, FetchError> {
        let resolved = self.network.resolve(target.origin.host(), target.origin.port()).await;
        let addresses = resolved.map_err(|_| FetchError::NotPublic)?;
        let first = addresses.first().copied().ok_or(FetchError::NotPublic)?;
        let are_public = addresses.iter().all(|address| address::is_public(address.ip()));
        if are_public { Ok(first) } else { Err(FetchError::NotPublic) }
    }

    fn deadlines(&self) -> Deadlines {
        let each = self.settings.timeout;
        Deadlines { connect: each, first_byte: each, idle: each, total: each }
    }
}

fn is_picture(media_type: &str) -> bool {
    let name = media_type.strip_prefix("image/").unwrap_or_default();
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_of_name)
}

fn failed(failure: Failure) -> FetchError {
    match failure {
        Failure::TooLarge { bytes_max } => FetchError::TooLarge(bytes_max),
        Failure::Timeout { .. } => FetchError::TooSlow,
        Failure::Connect(_) | Failure::Broken(_) | Failure::NotHttp(_) => FetchError::Unreachable,
    }
}

/// Connects to the address that was checked.
struct Checked {
    network: Arc<dyn Network>,
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connect for Checked {
    fn connect(&self) -> BoxFuture<'_, io::Result<BoxIo>> {
        Box::pin(async move {
            let io = self.network.connect(self.address).await?;
            match &self.tls {
                None => Ok(io),
                Some((connector, name)) => Ok(Box::new(connector.connect(name.clone(), io).await?) as BoxIo),
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
