//! One HTTP/1.1 connection, and a judgement of what came back: a benchmark of wrong answers measures nothing.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::script::{Script, TERMINAL};

/// Every server in the run gets the same headers, the key too; the floor and the upstream ignore it.
#[derive(clap::Args, Clone)]
pub struct Target {
    #[arg(long)]
    pub address: String,
    #[arg(long)]
    pub key: String,
    #[arg(long)]
    pub script: Script,
}

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(address: &str) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; what went wrong shows in the request that it broke.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { sender })
    }

    pub async fn send(&mut self, target: &Target, body: Bytes) -> Result<Response<Incoming>> {
        let response = self.ask(&target.address, &target.key, body).await?;
        ensure!(response.status() == StatusCode::OK, "{} answered {}", target.address, response.status());
        Ok(response)
    }

    /// Whatever the answer.
    pub async fn ask(&mut self, address: &str, key: &str, body: Bytes) -> Result<Response<Incoming>> {
        let request = Request::post("/v1/chat/completions")
            .header("host", address)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {key}"))
            .body(Full::new(body))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// An answer that was whole.
pub struct Answer {
    /// 0 for JSON.
    pub events: usize,
    /// When its first bytes were there.
    pub began_at: Option<Instant>,
}

/// Reads to the end, or fails where the answer is not whole.
pub async fn read_whole(response: Response<Incoming>, script: Script) -> Result<Answer> {
    let mut body = response.into_body();
    let (mut bytes, mut breaks, mut tail) = (0, 0, Tail::default());
    let mut began_at = None;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            began_at.get_or_insert_with(Instant::now);
            bytes += data.len();
            breaks += tail.push(&data);
        }
    }
    match script {
        Script::Json { characters } => ensure!(bytes > characters, "a short answer of {bytes} bytes"),
        Script::Stream { chunks, .. } => {
            // The terminal is an event, too.
            ensure!(breaks == chunks + 1, "{breaks} events instead of {}", chunks + 1);
            ensure!(tail.is_terminal(), "the stream has no terminal");
        }
        Script::Idle => {}
    }
    Ok(Answer { events: breaks.saturating_sub(1), began_at })
}

/// Counts blank lines across frames and remembers the end.
#[derive(Default)]
pub struct Tail {
    last: Vec<u8>,
    ended_line: bool,
}

impl Tail {
    pub fn push(&mut self, data: &[u8]) -> usize {
        let mut breaks = 0;
        for byte in data {
            let is_end = *byte == b'\n';
            breaks += usize::from(is_end && self.ended_line);
            self.ended_line = is_end;
        }
        let kept = data.len().min(TERMINAL.len());
        self.last.extend_from_slice(&data[data.len() - kept..]);
        let surplus = self.last.len().saturating_sub(TERMINAL.len());
        self.last.drain(..surplus);
        breaks
    }

    pub fn is_terminal(&self) -> bool {
        self.last == TERMINAL.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_events_at_every_split() {
        let bytes = b"data: a\n\ndata: b\n\ndata: [DONE]\n\n";
        for split in 0..=bytes.len() {
            let mut tail = Tail::default();
            let breaks = tail.push(&bytes[..split]) + tail.push(&bytes[split..]);
            assert_eq!((breaks, tail.is_terminal()), (3, true), "split at {split}");
        }
    }
}
