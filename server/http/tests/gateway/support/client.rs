//! A client that sends exactly the bytes it is given.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::gateway::GOOD_KEY;
use super::within;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Chunks joined.
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// `error.code`.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A request with a good key that asks for the connection to be closed.
pub fn request(method: &str, path: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("authorization")) {
        text += &format!("Authorization: Bearer {GOOD_KEY}\r\n");
    }
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("transfer-encoding")) {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    for header in headers {
        text += &format!("{header}\r\n");
    }
    text += "\r\n";
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// One chat request with this JSON.
pub fn chat(body: &str) -> Vec<u8> {
    request("POST", "/v1/chat/completions", &["Content-Type: application/json"], body)
}

/// One valid chat request to this model.
pub fn chat_to(model: &str, stream: bool) -> Vec<u8> {
    chat(&format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"stream":{stream}}}"#))
}

/// Sends `bytes` over a connection of their own and reads the answer to the connection's end.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut socket = TcpStream::connect(address).await.unwrap();
    within("an answer", async {
        // The gateway may answer, and close, before it has read everything.
        let _ = socket.write_all(bytes).await;
        parse(&read_rest(&mut socket).await)
    })
    .await
}

/// To the end, or to the reset that a peer sends when it closes early.
pub async fn read_rest(socket: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Not in the future: tests make many of those, and hold them on their stack.
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = socket.read(&mut buffer).await {
        bytes.extend_from_slice(&buffer[..count]);
    }
    bytes
}

/// Until `marker` has arrived.
pub async fn read_until(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), marker: &str) -> String {
    within(marker, async {
        let mut bytes = Vec::new();
        let mut byte = [0; 1];
        while !bytes.ends_with(marker.as_bytes()) {
            assert_eq!(socket.read(&mut byte).await.unwrap(), 1, "{}", String::from_utf8_lossy(&bytes));
            bytes.push(byte[0]);
        }
        String::from_utf8(bytes).unwrap()
    })
    .await
}

pub fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer, but {text:?}"));
    let mut lines = head.lines();
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        })
        .collect();
    let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if is_chunked { join_chunks(body) } else { body.to_owned() };
    Answer { status: status.unwrap_or_else(|| panic!("{status_line}")), headers, body }
}

fn join_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body += &after[..size];
        rest = &after[size + 2..];
    }
    body
}
