//! Gateways and workers of the built binary, with the configuration of docker-compose.yml.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

pub const OPERATOR_KEY: &str = "operators-own-key-0123456789";
pub const METRICS_TOKEN: &str = "only-for-metrics-0123456789";

pub struct Gateway {
    process: Child,
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
}

impl Gateway {
    pub fn start(dir: &Path, config: &str, environment: BTreeMap<String, String>) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("novai.toml"), config).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_novai"))
            .args(["serve", "--config", "novai.toml", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .env_clear()
            .envs(environment)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut addresses = Vec::new();
        loop {
            let Some(Ok(line)) = lines.next() else {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                panic!("the gateway did not start: {log}");
            };
            if line.contains("API key") {
                break;
            }
            if let Some((address, "")) = line.split("http://").nth(1).and_then(|rest| rest.split_once("/v1"))
            {
                addresses.push(address.parse().unwrap());
            }
        }
        let [address, admin_address] = addresses[..] else { panic!("which addresses? {addresses:?}") };
        Gateway { process, address, admin_address }
    }

    /// As a container's health check asks; true if the gateway is well.
    pub fn is_healthy(&self, more: &[&str]) -> bool {
        let listen = self.address.to_string();
        let mut health = Command::new(env!("CARGO_BIN_EXE_novai"));
        health.args(["health", "--listen", &listen]).args(more).env_clear().stderr(Stdio::null());
        health.status().unwrap().success()
    }

    /// As the kernel does when memory is short.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// As a service manager does. True if it ended as it should.
    pub fn stop(mut self) -> bool {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.process.wait().unwrap().success()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub struct Worker {
    process: Child,
    /// Open as long as it lives: it may have more to say.
    _stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

impl Worker {
    pub fn start(dir: &Path, config: &str, environment: BTreeMap<String, String>, port: u16) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join("novai.toml"), config).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_novai"))
            .args(["worker", "--config", "novai.toml", "--listen", &format!("127.0.0.1:{port}")])
            .env_clear()
            .envs(environment)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut banner = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut banner).unwrap();
        let Some(address) = banner.trim().split("http://").nth(1) else {
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            panic!("the worker did not start: {banner}{log}");
        };
        Worker { process, _stdout: stdout, address: address.parse().unwrap() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn is_healthy(&self) -> bool {
        let mut health = Command::new(env!("CARGO_BIN_EXE_novai"));
        health.args(["health", "--worker", &self.url()]).env_clear().stderr(Stdio::null());
        health.status().unwrap().success()
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
