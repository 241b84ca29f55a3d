//! An upstream that counts what it is asked and how far it got. The body's `seed` says how long the answer is.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counted: Arc<Mutex<HashMap<String, Counted>>> = Arc::default();
        let shared = Arc::clone(&counted);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, counted) = (socket.unwrap(), Arc::clone(&shared));
                std::thread::spawn(move || serve(socket, &counted));
            }
        });
        Upstream { address, counted }
    }

    pub fn counted(&self) -> HashMap<String, Counted> {
        self.counted.lock().unwrap().clone()
    }
}

/// Requests on one connection, until it breaks.
fn serve(socket: TcpStream, counted: &Mutex<HashMap<String, Counted>>) {
    socket.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    while let Some((id, body)) = request(&mut reader) {
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let tokens = body["seed"].as_u64().unwrap();
        let prompt = 5 + tokens % 7;
        counted.lock().unwrap().insert(id.clone(), Counted { prompt, completion: 0 });
        let count = |completion| counted.lock().unwrap().get_mut(&id).unwrap().completion = completion;
        let answered = match body["stream"] == true {
            true => stream(&socket, prompt, tokens, count),
            false => {
                count(tokens);
                whole(&socket, prompt, tokens)
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "x-request-id" | "x-client-request-id" => id = value.to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((id, body))
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
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes())
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
