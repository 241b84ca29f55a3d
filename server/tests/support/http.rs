//! What the binary talks to: HTTP over a plain socket, a thread for each connection, until the process ends.
//!
//! It reads what the gateway's client writes, a request with its length, and no other HTTP.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

pub struct Asked {
    /// Request line and headers, as they came.
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// `answer` writes what comes back; where it cannot, the connection ends.
pub fn serve(
    answer: impl Fn(&Asked, &TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                socket.set_nodelay(true).unwrap();
                let mut reader = BufReader::new(&socket);
                while let Some(asked) = read(&mut reader) {
                    if answer(&asked, &socket).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A whole answer: 200, and how long it is.
pub fn answer(content_type: &str, body: &str) -> String {
    let bytes = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {bytes}\r\n\r\n{body}")
}

/// `None` at the connection's end.
fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut asked = Asked { head, body: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
