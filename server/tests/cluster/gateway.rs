//! Gateways and workers of the built binary, with the configuration of docker-compose.yml.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::process::{Process, novai};

pub const OPERATOR_KEY: &str = "operators-own-key-0123456789";
pub const METRICS_TOKEN: &str = "only-for-metrics-0123456789";

pub struct Gateway {
    pub process: Process,
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
}

impl Gateway {
    pub fn start(dir: &Path, config: &str, environment: BTreeMap<String, String>) -> Self {
        let arguments = ["serve", "--config", "novai.toml", "--listen", "127.0.0.1:0", "--data-dir", "data"];
        let mut process = start(dir, config, environment, &arguments);
        let banner = process.prints("API key");
        let addresses: Vec<SocketAddr> = banner
            .lines()
            .filter_map(|line| line.split("http://").nth(1)?.split_once("/v1"))
            .filter(|(_, rest)| rest.is_empty())
            .map(|(address, _)| address.parse().unwrap())
            .collect();
        let [address, admin_address] = addresses[..] else { panic!("which addresses? {banner}") };
        Gateway { process, address, admin_address }
    }

    /// As a container's health check asks; true if the gateway is well.
    pub fn is_healthy(&self, more: &[&str]) -> bool {
        let listen = self.address.to_string();
        succeeds(&[&["health", "--listen", &listen], more].concat())
    }
}

pub struct Worker {
    pub process: Process,
    pub address: SocketAddr,
}

impl Worker {
    pub fn start(dir: &Path, config: &str, environment: BTreeMap<String, String>, port: u16) -> Self {
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["worker", "--config", "novai.toml", "--listen", &listen];
        let mut process = start(dir, config, environment, &arguments);
        let banner = process.prints("http://");
        let address = banner.trim().rsplit("http://").next().unwrap().parse().unwrap();
        Worker { process, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn is_healthy(&self) -> bool {
        succeeds(&["health", "--worker", &self.url()])
    }
}

fn start(dir: &Path, config: &str, environment: BTreeMap<String, String>, arguments: &[&str]) -> Process {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("novai.toml"), config).unwrap();
    Process::start(novai(dir, arguments).envs(environment))
}

fn succeeds(arguments: &[&str]) -> bool {
    novai(".", arguments).output().unwrap().status.success()
}
