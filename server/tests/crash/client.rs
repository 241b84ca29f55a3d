//! A caller who reads an answer, or a part of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::gateway::KEY;
use crate::random::Random;

#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub tokens: u64,
    pub is_stream: bool,
    /// Leaves when it has read so many bytes.
    pub leaves_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The answer with its end.
    Whole {
        completion: u64,
    },
    Less,
}

impl Call {
    pub fn any(random: &mut Random) -> Self {
        let is_stream = random.below(4) > 0;
        let tokens_max = if random.below(4) == 0 { 200 } else { 20 };
        let tokens = 1 + random.below(tokens_max);
        let leaves_after = (random.below(6) == 0).then(|| 200 + random.below(4000));
        Call { tokens, is_stream, leaves_after }
    }
}

/// `None` if nobody listens any more.
pub fn ask(address: SocketAddr, id: &str, call: Call) -> Option<Seen> {
    let socket = TcpStream::connect(address).ok()?;
    Some(read(socket, id, call).unwrap_or(Seen::Less))
}

fn read(mut socket: TcpStream, id: &str, call: Call) -> std::io::Result<Seen> {
    // Reached only if the gateway hangs.
    socket.set_read_timeout(Some(Duration::from_secs(30)))?;
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"seed":{},"stream":{},"max_tokens":1000}}"#,
        call.tokens, call.is_stream
    );
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         X-Request-Id: {id}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes())?;
    let mut answer = Vec::new();
    match call.leaves_after {
        Some(bytes) => _ = (&mut socket).take(bytes).read_to_end(&mut answer)?,
        None => _ = socket.read_to_end(&mut answer)?,
    }
    let text = String::from_utf8_lossy(&answer);
    let is_whole = match call.is_stream {
        true => text.contains("data: [DONE]"),
        false => text.contains(r#""usage":{"#) && text.contains("\"total_tokens\""),
    };
    if !text.is_empty() && !text.starts_with("HTTP/1.1 200") {
        panic!("{id}: {text}");
    }
    Ok(if is_whole { Seen::Whole { completion: call.tokens } } else { Seen::Less })
}
