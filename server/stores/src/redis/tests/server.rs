//! A redis-server of a test's own, on a Unix socket in a temporary folder: no port, no data of others.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where to find it, if not in `PATH`.
const VARIABLE: &str = "NOVAI_REDIS_SERVER";
/// A loaded machine takes its time; a broken one never gets there.
const START_MAX: Duration = Duration::from_secs(20);

pub struct Server {
    process: Option<Child>,
    folder: TempDir,
    /// A cluster's nodes talk over TCP, even if there is only one.
    cluster_port: Option<u16>,
}

impl Server {
    /// `None`, and a line that says so, where there is no redis-server. Named by the variable, it has to be there.
    pub fn start() -> Option<Server> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Server { process: None, folder, cluster_port: None };
        server.run(&program);
        Some(server)
    }

    /// A cluster of one node that has every slot: it refuses scripts whose keys are of several slots.
    pub fn start_cluster() -> Option<Server> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Server { process: None, folder, cluster_port: Some(free_port()) };
        server.run(&program);
        let mut connection = server.connect();
        let mut add = redis::cmd("CLUSTER");
        add.arg("ADDSLOTS")
            .arg((0..16_384).collect::<Vec<u16>>())
            .exec(&mut connection)
            .expect("take all slots");
        let started_at = Instant::now();
        loop {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut connection).unwrap();
            if info.contains("cluster_state:ok") {
                return Some(server);
            }
            assert!(started_at.elapsed() < START_MAX, "the cluster does not come up: {info}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends at once, and forgets everything.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("kill redis-server");
            process.wait().expect("wait for redis-server");
        }
    }

    /// Answers nothing until [`Server::resume`], and forgets nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    pub fn restart(&mut self) {
        self.kill();
        let program = program().expect("it was there before");
        self.run(&program);
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// For the tests' own look at the data.
    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().expect("connect to redis-server")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    fn run(&mut self, program: &str) {
        let mut command = Command::new(program);
        if self.cluster_port.is_some() {
            command.args(["--cluster-enabled", "yes", "--bind", "127.0.0.1"]);
        }
        let process = command
            .args(["--port", &self.cluster_port.unwrap_or(0).to_string()])
            .args(["--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        self.process = Some(process);
        let client = redis::Client::open(self.url()).unwrap();
        let started_at = Instant::now();
        while client.get_connection().is_err() {
            assert!(started_at.elapsed() < START_MAX, "redis-server does not answer on {}", self.url());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program() -> Option<String> {
    if let Ok(named) = std::env::var(VARIABLE) {
        return Some(named);
    }
    let found = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if found.is_err() {
        println!("skipped: there is no redis-server; install it, or name it in {VARIABLE}");
        return None;
    }
    Some("redis-server".to_owned())
}

/// Free a moment ago; the bus takes the one 10,000 above it.
fn free_port() -> u16 {
    loop {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("its address").port();
        if port < 55_000 {
            return port;
        }
    }
}
