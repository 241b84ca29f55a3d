//! Reads one HTTP/1.1 request: what the gateway or an SDK sends, bounded, with the bytes kept as they came.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::wire::chunked;

/// No scenario sends more through an upstream; a runaway peer must not fill the runner's memory.
const REQUEST_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone)]
pub struct SeenRequest {
    pub connection: u64,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl SeenRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(existing, _)| existing.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// As an expectation sees it.
    pub fn to_json(&self) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
        let body = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()));
        json!({ "method": self.method, "path": self.path, "headers": headers, "body": body })
    }
}

/// The next request on a connection; `None` when the peer closed it in between. `buffer` keeps what was read ahead.
pub async fn read(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    connection: u64,
) -> Result<Option<SeenRequest>> {
    let head_length = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        ensure!(buffer.len() <= REQUEST_BYTES_MAX, "request head without an end");
        // A peer that speaks TLS to a plain port waits for an answer, and would wait for ever.
        ensure!(buffer.first().is_none_or(u8::is_ascii_alphabetic), "not HTTP");
        if fill(socket, buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_length]).into_owned();
    let mut request = parse_head(&head, connection)?;
    buffer.drain(..head_length);

    let chunked_body =
        request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    if chunked_body {
        loop {
            let decoded = chunked::decode(buffer);
            if let Some(used) = decoded.complete {
                request.body = decoded.body;
                buffer.drain(..used);
                break;
            }
            ensure!(buffer.len() <= REQUEST_BYTES_MAX, "request body without an end");
            ensure!(fill(socket, buffer).await? > 0, "request body cut off");
        }
    } else {
        let length: usize = match request.header("content-length") {
            Some(text) => text.trim().parse().context("content-length")?,
            None => 0,
        };
        ensure!(length <= REQUEST_BYTES_MAX, "request body of {length} bytes");
        while buffer.len() < length {
            ensure!(fill(socket, buffer).await? > 0, "request body cut off");
        }
        request.body = buffer.drain(..length).collect();
    }
    Ok(Some(request))
}

async fn fill(socket: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Result<usize> {
    let mut block = [0; 16 << 10];
    let read = socket.read(&mut block).await?;
    buffer.extend_from_slice(&block[..read]);
    Ok(read)
}

fn parse_head(head: &str, connection: u64) -> Result<SeenRequest> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1")) = (first.next(), first.next(), first.next()) else {
        bail!("not a request line: {head:?}");
    };
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    Ok(SeenRequest {
        connection,
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body: Vec::new(),
        at: Instant::now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(mut bytes: &[u8]) -> Vec<(String, String)> {
        let mut buffer = Vec::new();
        let mut all = Vec::new();
        while let Some(request) = read(&mut bytes, &mut buffer, 0).await.unwrap() {
            all.push((request.path, String::from_utf8(request.body).unwrap()));
        }
        all
    }

    #[tokio::test]
    async fn reads_bodies_with_length_and_chunked_in_a_row() {
        let bytes = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi\
            POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
        let expected = [("/a", "hi"), ("/b", "ho"), ("/c", "")];
        let actual = read_all(bytes).await;
        let actual: Vec<(&str, &str)> = actual.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(actual, expected);
    }
}
