//! A server that plays scripts: raw bytes over TCP on a free port, one script per request.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[derive(Clone)]
pub enum Act {
    Send(Vec<u8>),
    /// Waits until the test lets it go on.
    Gate(Arc<Notify>),
    /// Sends the bytes again and again, until the client is gone.
    Flood(Vec<u8>),
    /// Does nothing until the client is gone.
    Hold,
    Close,
    Reset,
}

pub type Script = Vec<Act>;

pub fn send(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(bytes.as_ref().to_vec())
}

/// A whole reply with a length, after which the connection stays open.
pub fn reply(status: &str, headers: &str, body: &str) -> Script {
    vec![send(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))]
}

pub fn json(body: &str) -> Script {
    reply("200 OK", "content-type: application/json\r\nx-request-id: req-1\r\n", body)
}

/// The head of a chunked event stream.
/// Events, the terminal one, and the end of a chunked body.
pub const A: &str = r#"{"text":"a"}"#;
pub const B: &str = r#"{"text":"b"}"#;
pub const DONE: &str = "[DONE]";
pub const END: &str = "0\r\n\r\n";

pub const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n";

pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// Head and each event in a chunk of its own; no end.
pub fn open_stream(events: &[&str]) -> String {
    let mut text = STREAM_HEAD.to_owned();
    for event in events {
        text += &chunk(&format!("data: {event}\n\n"));
    }
    text
}

/// A stream's whole reply, after which the connection stays open.
pub fn complete(events: &[&str]) -> Script {
    vec![send(open_stream(events) + END)]
}

#[derive(Debug, Clone)]
pub struct Seen {
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    scripts: Arc<Mutex<Vec<Script>>>,
    requests: Arc<Mutex<Vec<Seen>>>,
    gone: Arc<Notify>,
}

impl Server {
    /// The nth request is answered by the nth script, those after the last by the last.
    pub async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            scripts: Arc::new(Mutex::new(scripts)),
            requests: Arc::default(),
            gone: Arc::default(),
        };
        let (connections, scripts) = (Arc::clone(&server.connections), Arc::clone(&server.scripts));
        let (requests, gone) = (Arc::clone(&server.requests), Arc::clone(&server.gone));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, Arc::clone(&scripts), Arc::clone(&requests), Arc::clone(&gone)));
            }
        });
        server
    }

    /// Starts over with other scripts; connections stay and stay counted.
    pub fn play(&self, scripts: Vec<Script>) {
        *self.scripts.lock().unwrap() = scripts;
        self.requests.lock().unwrap().clear();
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.requests.lock().unwrap().clone()
    }

    /// Until a client has closed its connection while its script held or flooded.
    pub async fn client_gone(&self) {
        self.gone.notified().await;
    }
}

async fn serve(
    mut socket: TcpStream,
    scripts: Arc<Mutex<Vec<Script>>>,
    requests: Arc<Mutex<Vec<Seen>>>,
    gone: Arc<Notify>,
) {
    while let Some(seen) = read_request(&mut socket).await {
        let script = {
            let scripts = scripts.lock().unwrap();
            let mut requests = requests.lock().unwrap();
            requests.push(seen);
            scripts[(requests.len() - 1).min(scripts.len() - 1)].clone()
        };
        for act in script {
            match act {
                Act::Send(bytes) => {
                    if socket.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Act::Gate(gate) => gate.notified().await,
                Act::Flood(bytes) => {
                    while socket.write_all(&bytes).await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                    gone.notify_one();
                    return;
                }
                Act::Hold => {
                    let mut rest = [0; 64];
                    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
                    gone.notify_one();
                    return;
                }
                Act::Close => return,
                Act::Reset => {
                    socket.set_zero_linger().unwrap();
                    return;
                }
            }
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut seen = Seen { head, body: String::new() };
    let length: usize = seen.header("content-length").map_or(0, |value| value.parse().unwrap());
    while bytes.len() < head_end + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    seen.body = String::from_utf8_lossy(&bytes[head_end..]).into_owned();
    Some(seen)
}
