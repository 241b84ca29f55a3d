//! The binary on one data directory, again and again.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::process::{Process, novai};

pub const KEY: &str = "crash-tests-own-key-0123456789";

pub struct Gateway {
    pub process: Process,
    pub address: SocketAddr,
}

impl Gateway {
    pub fn start(dir: &Path, upstream: SocketAddr) -> Self {
        let mut process = spawn(dir, upstream);
        let banner = process.prints("API key");
        let address = banner.split("http://").nth(1).unwrap().split("/v1").next().unwrap().parse().unwrap();
        Gateway { process, address }
    }

    pub fn spawn_and_kill(dir: &Path, upstream: SocketAddr, after: Duration) {
        let mut process = spawn(dir, upstream);
        std::thread::sleep(after);
        process.kill();
    }
}

fn spawn(dir: &Path, upstream: SocketAddr) -> Process {
    let config = format!(
        "[[providers]]\nname = \"up\"\nbase_url = \"http://{upstream}/v1\"\n\
         [[models]]\nid = \"m\"\nprovider = \"up\"\nprice = {{ input = \"1.00\", output = \"2.00\" }}\n\
         [log]\nlevel = \"warn\"\naccess = false\n"
    );
    std::fs::write(dir.join("novai.toml"), config).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--config", "novai.toml"];
    Process::start(novai(dir, &arguments).env("NOVAI_BOOTSTRAP_KEY", KEY))
}
