//! A raw HTTP/1.1 caller: sends bytes as they are, keeps the answer as it came.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{chunked, sse};

/// An answer larger than this is a bug of the gateway, not a scenario.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone)]
pub struct Answer {
    /// 0 if the caller left before the head.
    pub status: u16,
    /// In the order and spelling of the wire.
    pub headers: Vec<(String, String)>,
    /// Transfer coding removed.
    pub body: Vec<u8>,
    /// False if the connection closed, or the caller left, before the body's end.
    pub complete: bool,
    /// When the caller left on purpose.
    pub abandoned_at: Option<Instant>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(existing, _)| existing.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn is_event_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("text/event-stream"))
    }
}

/// When the caller closes the connection without waiting for the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Leave {
    pub after_events: Option<usize>,
    pub after: Option<Duration>,
}

/// One request on a connection of its own. `patience` is a safety net for a server that never answers, not an expectation.
pub async fn exchange(
    address: SocketAddr,
    request: &[u8],
    leave: Leave,
    patience: Duration,
) -> Result<Answer> {
    let mut socket = TcpStream::connect(address).await.context("connect")?;
    exchange_on(&mut socket, request, leave, patience).await
}

/// The same on a connection that stays open where the caller wants to stay.
pub async fn exchange_on(
    socket: &mut TcpStream,
    request: &[u8],
    leave: Leave,
    patience: Duration,
) -> Result<Answer> {
    tokio::time::timeout(patience, exchange_unbounded(socket, request, leave))
        .await
        .with_context(|| format!("no complete answer within {} s", patience.as_secs()))?
}

async fn exchange_unbounded(socket: &mut TcpStream, request: &[u8], leave: Leave) -> Result<Answer> {
    socket.set_nodelay(true)?;
    let (mut reader, mut writer) = socket.split();
    // Reading while writing: a server that refuses a body early answers before it has read all of it.
    let write = async {
        let _ = writer.write_all(request).await;
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut received = Vec::new();
        let mut block = vec![0; 64 << 10];
        loop {
            let (read, closed) = match reader.read(&mut block).await {
                Ok(0) => (0, true),
                Ok(read) => (read, false),
                // A reset after the answer is still an answer.
                Err(_) => (0, true),
            };
            received.extend_from_slice(&block[..read]);
            ensure!(received.len() <= ANSWER_BYTES_MAX, "the answer is larger than {ANSWER_BYTES_MAX} bytes");
            let Some(mut answer) = parse(&received, closed) else {
                ensure!(!closed, "connection closed before a response head: {:?}", preview(&received));
                continue;
            };
            if answer.complete || closed {
                return Ok(answer);
            }
            let enough =
                leave.after_events.is_some_and(|events| sse::decode(&answer.body).events.len() >= events);
            if enough {
                answer.abandoned_at = Some(Instant::now());
                return Ok(answer);
            }
        }
    };
    let left = async {
        match leave.after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        answer = read => answer,
        () = write => unreachable!("the writing side never resolves"),
        () = left => Ok(Answer {
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
            complete: false,
            abandoned_at: Some(Instant::now()),
        }),
    }
}

fn preview(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

/// The answer as far as it has arrived; `None` until its head is complete.
fn parse(received: &[u8], closed: bool) -> Option<Answer> {
    let head_end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&received[..head_end]);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(&received[head_end..], closed);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new(), complete: false, abandoned_at: None };
    let rest = &received[head_end..];
    if answer.header("transfer-encoding").is_some() {
        let decoded = chunked::decode(rest);
        answer.complete = decoded.complete.is_some();
        answer.body = decoded.body;
    } else {
        let length = answer.header("content-length").and_then(|text| text.parse::<usize>().ok());
        let bodyless = status == 204 || status == 304;
        answer.complete = match length {
            Some(length) => rest.len() >= length,
            None => bodyless || closed,
        };
        answer.body = rest[..length.unwrap_or(rest.len()).min(rest.len())].to_vec();
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_with_a_length_is_complete_when_it_is_there() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert!(!parse(&bytes[..bytes.len() - 1], false).unwrap().complete);
        let answer = parse(bytes, false).unwrap();
        assert!(answer.complete);
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"hi".as_slice()));
    }

    #[test]
    fn a_chunked_body_cut_off_is_incomplete_even_when_closed() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
        let answer = parse(bytes, true).unwrap();
        assert!(!answer.complete);
        assert_eq!(answer.body, b"hi");
    }
}
