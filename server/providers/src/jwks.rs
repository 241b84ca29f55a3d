//! The keys that tokens are signed with, where somebody else publishes them: behind a URL, or in a file.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, HOST, HeaderMap, HeaderValue};
use http::{StatusCode, Uri};
use novai_core::error::BoxError;
use novai_core::{Deadlines, KeySetSource};

use crate::client::{Client, Method, Origin, OriginError, Outgoing, PoolConfig, RequestHead, client_config};

/// A hundred keys with their certificates.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(10),
};

#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    #[error(transparent)]
    Url(#[from] OriginError),
    /// Whoever can change the document on its way can sign tokens.
    #[error("must start with https://, unless it is this machine's own address")]
    NotEncrypted,
    #[error(transparent)]
    Tls(#[from] crate::client::TlsError),
}

/// What a configuration can be told before anything is connected to.
pub fn check(url: &str) -> Result<(), JwksError> {
    let origin = Origin::parse(url)?;
    let is_local = ["localhost", "127.0.0.1", "::1"].contains(&origin.host());
    if origin.is_tls() || is_local { Ok(()) } else { Err(JwksError::NotEncrypted) }
}

/// Asks a URL that the configuration names. No redirects: where it connects is decided by nobody else.
pub struct JwksUrl {
    client: Client,
    head: RequestHead,
}

impl JwksUrl {
    /// `ca_file`: certificate authorities beside the public ones.
    pub fn new(url: &str, ca_file: Option<&Path>) -> Result<Self, JwksError> {
        check(url)?;
        let origin = Origin::parse(url)?;
        let tls = if origin.is_tls() { Some(client_config(ca_file)?) } else { None };
        let client = Client::to(&origin, tls, PoolConfig::default(), DEADLINES)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(host) = HeaderValue::from_str(origin.authority()) {
            headers.insert(HOST, host);
        }
        // `Origin` has read it before.
        let target: Uri = url.trim().parse().map_err(|_| OriginError::NotUrl)?;
        Ok(JwksUrl { client, head: RequestHead::new(Method::Get, &target, &headers) })
    }

    async fn document(&self) -> Result<Bytes, BoxError> {
        let outgoing = Outgoing { head: &self.head, headers: &[], body: Bytes::new(), deadline: None };
        let answer = self.client.send(&outgoing).await?;
        if answer.status != StatusCode::OK {
            return Err(format!("the answer is {}", answer.status).into());
        }
        Ok(answer.body.read_whole(DOCUMENT_BYTES_MAX).await?)
    }
}

impl KeySetSource for JwksUrl {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        self.document().boxed()
    }
}

/// Reads a file that somebody else keeps up to date.
pub struct JwksFile {
    path: PathBuf,
}

impl JwksFile {
    pub fn new(path: PathBuf) -> Self {
        JwksFile { path }
    }
}

impl KeySetSource for JwksFile {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        let path = self.path.clone();
        async move { tokio::task::spawn_blocking(move || read(&path)).await? }.boxed()
    }
}

fn read(path: &Path) -> Result<Bytes, BoxError> {
    let failed = |error| format!("{}: {error}", path.display());
    let mut document = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut document).map_err(failed)?;
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(format!("{} has more than {DOCUMENT_BYTES_MAX} bytes", path.display()).into());
    }
    Ok(document.into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_encrypted_urls_are_asked() {
        for (url, is_taken) in [
            ("https://login.example/keys", true),
            ("http://127.0.0.1:8000/keys", true),
            ("http://localhost/keys", true),
            ("http://login.example/keys", false),
            ("http://127.0.0.1.evil.example/keys", false),
            ("ftp://login.example/keys", false),
            ("https://user:password@login.example/keys", false),
            ("keys.json", false),
        ] {
            assert_eq!(check(url).is_ok(), is_taken, "{url}");
        }
    }

    /// Answers one request with `answer`.
    async fn asked(answer: String) -> (Result<Bytes, BoxError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a/keys", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let length = socket.read(&mut request).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let document = JwksUrl::new(&url, None).unwrap().fetch().await;
        (document, serving.await.unwrap())
    }

    #[tokio::test]
    async fn documents_come_whole_or_not_at_all() {
        let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let (document, request) = asked(ok(r#"{"keys":[]}"#)).await;
        assert_eq!(document.unwrap(), r#"{"keys":[]}"#);
        assert!(request.starts_with("GET /a/keys HTTP/1.1\r\n"), "{request}");
        for answer in [
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_owned(),
            ok(&"x".repeat(DOCUMENT_BYTES_MAX + 1)),
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned(),
        ] {
            assert!(asked(answer.clone()).await.0.is_err(), "{answer:.60}");
        }
    }

    #[tokio::test]
    async fn files_are_read_up_to_a_size() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwks.json");
        let file = JwksFile::new(path.clone());
        assert!(file.fetch().await.unwrap_err().to_string().contains("jwks.json"));
        std::fs::write(&path, "{}").unwrap();
        assert_eq!(file.fetch().await.unwrap(), "{}");
        std::fs::write(&path, "x".repeat(DOCUMENT_BYTES_MAX + 1)).unwrap();
        assert!(file.fetch().await.is_err());
    }
}
