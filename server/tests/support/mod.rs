//! The binary, started on a free port.

#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Novai {
    pub process: Child,
    pub address: String,
    pub banner: String,
}

pub fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_novai"));
    command.env_clear().current_dir(data_dir).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts on a free port and reads the banner, whose last line is about keys.
pub fn start(data_dir: &Path, environment: &[(&str, &str)]) -> Novai {
    start_with(data_dir, &[], environment)
}

pub fn start_with(data_dir: &Path, more: &[&str], environment: &[(&str, &str)]) -> Novai {
    let arguments = [&["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"], more].concat();
    let mut process = command(data_dir, &arguments).envs(environment.iter().copied()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.as_mut().unwrap()).lines();
    let mut banner = String::new();
    while !banner.contains("API key") {
        banner += &lines.next().expect("a banner").unwrap();
        banner.push('\n');
    }
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
    pub fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(self.process.wait().unwrap().success(), "{log}");
        log
    }
}

impl Drop for Novai {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
