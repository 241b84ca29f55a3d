//! The binary, started on a free port.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod http;
pub mod process;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use process::Process;

pub struct Novai {
    pub process: Process,
    pub address: String,
    pub banner: String,
}

pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    process::novai(data_dir, arguments)
}

/// Starts on a free port and reads the banner, whose last line is about keys.
pub fn start(data_dir: &Path, environment: &[(&str, &str)]) -> Novai {
    start_with(data_dir, &[], environment)
}

pub fn start_with(data_dir: &Path, more: &[&str], environment: &[(&str, &str)]) -> Novai {
    let arguments = [&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"], more].concat();
    let mut process = Process::start(command(data_dir, &arguments).envs(environment.iter().copied()));
    let banner = process.prints("API key");
    let address = banner.split("http://").nth(1).unwrap().split("/v1").next().unwrap().to_owned();
    Novai { process, address, banner }
}

impl Novai {
    pub fn get(&self, path: &str, key: &str) -> String {
        self.send("GET", path, &[&format!("Authorization: Bearer {key}")], "")
    }

    pub fn send(&self, method: &str, path: &str, headers: &[&str], body: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            request += &format!("{header}\r\n");
        }
        write!(socket, "{request}\r\n{body}").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Stops it as a service manager does, and gives its log.
    pub fn stop(self) -> String {
        self.process.stop()
    }
}
