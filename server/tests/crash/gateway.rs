//! The binary on one data directory, again and again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub const KEY: &str = "crash-tests-own-key-0123456789";

pub struct Gateway {
    process: Child,
    pub address: SocketAddr,
}

impl Gateway {
    pub fn start(dir: &Path, upstream: SocketAddr) -> Self {
        let mut process = spawn(dir, upstream);
        let mut banner = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while !banner.contains("API key") {
            banner += &lines.next().expect("a banner").unwrap();
            banner.push('\n');
        }
        let address = banner.split("http://").nth(1).unwrap().split("/v1").next().unwrap().parse().unwrap();
        Gateway { process, address }
    }

    pub fn spawn_and_kill(dir: &Path, upstream: SocketAddr, after: Duration) {
        let mut process = spawn(dir, upstream);
        std::thread::sleep(after);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// As the kernel does when memory is short.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// As a service manager does.
    pub fn stop(mut self) {
        // The banner comes before the handlers of signals; an answer comes after them.
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        socket.read_to_end(&mut Vec::new()).unwrap();
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

fn spawn(dir: &Path, upstream: SocketAddr) -> Child {
    let config = format!(
        "[[providers]]\nname = \"up\"\nbase_url = \"http://{upstream}/v1\"\n\
         [[models]]\nid = \"m\"\nprovider = \"up\"\nprice = {{ input = \"1.00\", output = \"2.00\" }}\n\
         [log]\nlevel = \"warn\"\naccess = false\n"
    );
    std::fs::write(dir.join("novai.toml"), config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_novai"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--config", "novai.toml"])
        .env_clear()
        .env("NOVAI_BOOTSTRAP_KEY", KEY)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
