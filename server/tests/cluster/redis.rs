//! A redis-server as docker-compose.yml runs it: with a password, over TCP.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::Process;

pub const PASSWORD: &str = "redispassword0123456789";
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Redis {
    pub port: u16,
    program: PathBuf,
    process: Process,
    dir: tempfile::TempDir,
}

impl Redis {
    pub fn start() -> Option<Self> {
        let named = std::env::var_os("NOVAI_REDIS_SERVER").map(PathBuf::from);
        let program = named.unwrap_or_else(|| "redis-server".into());
        if Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("skipped: redis-server is absent; `cargo xtask cluster` fetches one");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let process = run(&program, port, &dir);
        Some(Redis { port, program, process, dir })
    }

    /// Ends at once, and forgets everything.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn start_again(&mut self) {
        self.process = run(&self.program, self.port, &self.dir);
    }
}

fn run(program: &PathBuf, port: u16, dir: &tempfile::TempDir) -> Process {
    let mut redis = Command::new(program);
    redis.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--requirepass", PASSWORD]);
    redis.args(["--maxmemory-policy", "noeviction", "--save", ""]).current_dir(dir.path());
    let process = Process::start(&mut redis);
    let started_at = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started_at.elapsed() < PATIENCE, "redis-server does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    process
}
