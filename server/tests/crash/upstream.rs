//! An upstream that counts what it is asked and how far it got. The body's `seed` says how long the answer is.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::http::{Asked, answer, serve};

/// What it would put on its bill.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    pub prompt: u64,
    /// Of the whole answer, or of the events that went out.
    pub completion: u64,
}

pub struct Upstream {
    pub address: SocketAddr,
    counted: Arc<Mutex<HashMap<String, Counted>>>,
}

impl Upstream {
    pub fn start() -> Self {
        let counted: Arc<Mutex<HashMap<String, Counted>>> = Arc::default();
        let shared = Arc::clone(&counted);
        let address = serve(move |asked, socket| bill(asked, socket, &shared));
        Upstream { address, counted }
    }

    pub fn counted(&self) -> HashMap<String, Counted> {
        self.counted.lock().unwrap().clone()
    }
}

fn bill(asked: &Asked, socket: &TcpStream, counted: &Mutex<HashMap<String, Counted>>) -> std::io::Result<()> {
    let id = asked.header("x-request-id").or_else(|| asked.header("x-client-request-id")).unwrap();
    let body = asked.json();
    let tokens = body["seed"].as_u64().unwrap();
    let prompt = 5 + tokens % 7;
    counted.lock().unwrap().insert(id.to_owned(), Counted { prompt, completion: 0 });
    let count = |completion| counted.lock().unwrap().get_mut(id).unwrap().completion = completion;
    if body["stream"] == true {
        return stream(socket, prompt, tokens, count);
    }
    count(tokens);
    whole(socket, prompt, tokens)
}

fn usage(prompt: u64, completion: u64) -> String {
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{}}}"#,
        prompt + completion
    )
}

fn whole(mut socket: &TcpStream, prompt: u64, tokens: u64) -> std::io::Result<()> {
    let body = format!(
        r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"finish_reason":"stop","message":{{"role":"assistant","content":"x"}}}}],"usage":{}}}"#,
        usage(prompt, tokens)
    );
    socket.write_all(answer("application/json", &body).as_bytes())
}

fn stream(mut socket: &TcpStream, prompt: u64, tokens: u64, count: impl Fn(u64)) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes())?;
    let mut send = |data: &str| {
        let event = format!("data: {data}\n\n");
        socket.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
    };
    const CHUNK: &str = r#""id":"c","object":"chat.completion.chunk","created":1,"model":"m""#;
    for token in 1..=tokens {
        // Before it goes out: what is on the wire is on the bill.
        count(token);
        send(&format!(
            r#"{{{CHUNK},"choices":[{{"index":0,"delta":{{"content":"x"}},"finish_reason":null}}]}}"#
        ))?;
        std::thread::sleep(Duration::from_micros(300));
    }
    send(&format!(r#"{{{CHUNK},"choices":[],"usage":{}}}"#, usage(prompt, tokens)))?;
    send("[DONE]")?;
    socket.write_all(b"0\r\n\r\n")
}
