//! A caller, over sockets of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::gateway::OPERATOR_KEY;

/// Reached only if a gateway hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The answer with its end.
    Whole {
        completion: u64,
    },
    Less,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// `None` if nobody listens, or the answer broke off before its head was whole.
pub fn send(address: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Option<Answer> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n",
        body.len()
    );
    for header in headers {
        request += &format!("{header}\r\n");
    }
    socket.write_all(format!("{request}\r\n{body}").as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A killed gateway resets the connection; what came before counts.
    let _ = socket.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub fn as_operator(address: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
    let authorization = format!("Authorization: Bearer {OPERATOR_KEY}");
    send(address, method, path, &[&authorization], body).expect("an answer")
}

/// `seed` tells the upstream how long its answer is.
pub fn chat(address: SocketAddr, key: &str, id: &str, tokens: u64, is_stream: bool) -> Option<Answer> {
    chat_with(address, key, id, tokens, is_stream, &[])
}

pub fn chat_with(
    address: SocketAddr,
    key: &str,
    id: &str,
    tokens: u64,
    is_stream: bool,
    more: &[&str],
) -> Option<Answer> {
    let headers = [format!("Authorization: Bearer {key}"), format!("X-Request-Id: {id}")];
    let body = format!(
        r#"{{"model":"fast","messages":[{{"role":"user","content":"hi"}}],"seed":{tokens},"stream":{is_stream},"max_tokens":1000}}"#
    );
    let headers = [&[&*headers[0], &*headers[1]], more].concat();
    send(address, "POST", "/v1/chat/completions", &headers, &body)
}

/// A stream's text to its end; `began` is called when its first event is there.
pub fn stream(address: SocketAddr, key: &str, id: &str, tokens: u64, began: impl FnOnce()) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let body = format!(
        r#"{{"model":"fast","messages":[{{"role":"user","content":"hi"}}],"seed":{tokens},"stream":true,"max_tokens":4000}}"#
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {key}\r\nX-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes()).unwrap();
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    let mut began = Some(began);
    while let Ok(count @ 1..) = socket.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        if answer.windows(6).any(|window| window == b"data: ")
            && let Some(began) = began.take()
        {
            began();
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// What a caller got of an answer of so many tokens.
pub fn seen(answer: Option<&Answer>, tokens: u64, is_stream: bool) -> Seen {
    let end = if is_stream { "data: [DONE]" } else { "\"total_tokens\"" };
    match answer {
        Some(answer) if answer.status == 200 && answer.body.contains(end) => {
            Seen::Whole { completion: tokens }
        }
        _ => Seen::Less,
    }
}
