//! A redis-server of a test's own, on a Unix socket in a temporary folder: no port, no data of others.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where to find it, if not in `PATH`.
const VARIABLE: &str = "NOVAI_REDIS_SERVER";
const INSTALLED: &str = "redis-server";
/// A loaded machine takes its time; a broken one never gets there.
const START_MAX: Duration = Duration::from_secs(20);

pub struct Server {
    program: String,
    process: Option<Child>,
    folder: TempDir,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Forgets everything when it ends.
    Forgetful,
    /// Finds everything again that it ever answered: it is written before the answer goes out, and nobody cuts the power.
    Durable,
    /// A cluster's nodes talk over TCP, even if there is only one.
    Node { port: u16 },
    /// Over TLS, with `certificate.pem` and `key.pem` of its folder.
    Tls { port: u16 },
}

impl Server {
    /// `None`, and a line that says so, where there is no redis-server. Named by the variable, it has to be there.
    pub fn start() -> Option<Server> {
        Self::of(Kind::Forgetful)
    }

    /// Whatever it has answered is there after a restart.
    pub fn start_durable() -> Option<Server> {
        Self::of(Kind::Durable)
    }

    /// A cluster of one node that has every slot: it refuses scripts whose keys are of several slots.
    pub fn start_cluster() -> Option<Server> {
        let server = Self::start_node()?;
        server.take_slots(0..=16383);
        server.is_in_order();
        Some(server)
    }

    /// A node without slots and without others.
    pub fn start_node() -> Option<Server> {
        Self::of(Kind::Node { port: free_port() })
    }

    /// `make` puts the certificate and its key into the folder. `None`, and a line that says so, where no redis-server was built
    /// with TLS.
    pub fn start_tls(make: impl FnOnce(&Path)) -> Option<Server> {
        let program = program()?;
        let Some(program) = [program, INSTALLED.to_owned()].into_iter().find(|program| speaks_tls(program))
        else {
            println!(
                "skipped: this redis-server was built without TLS; install another, or name it in {VARIABLE}"
            );
            return None;
        };
        Some(Self::with(program, Kind::Tls { port: free_port() }, make))
    }

    fn of(kind: Kind) -> Option<Server> {
        Some(Self::with(program()?, kind, |_| {}))
    }

    fn with(program: String, kind: Kind, make: impl FnOnce(&Path)) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make(folder.path());
        let mut server = Server { program, process: None, folder, kind };
        server.run();
        server
    }

    /// With a command that Redis 6 knows: it has no ADDSLOTSRANGE.
    pub fn take_slots(&self, slots: RangeInclusive<u16>) {
        let slots: Vec<String> = slots.map(|slot| slot.to_string()).collect();
        let mut words = vec!["CLUSTER", "ADDSLOTS"];
        words.extend(slots.iter().map(String::as_str));
        self.command(&words);
    }

    /// Waits until it says that its cluster is whole.
    pub fn is_in_order(&self) {
        let started_at = Instant::now();
        loop {
            let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut self.connect()).unwrap();
            if info.contains("cluster_state:ok") {
                return;
            }
            assert!(started_at.elapsed() < START_MAX, "the cluster does not come up: {info}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As an operator types it.
    pub fn command(&self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        command
            .arg(&words[1..])
            .exec(&mut self.connect())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }

    pub fn port(&self) -> u16 {
        match self.kind {
            Kind::Node { port } | Kind::Tls { port } => port,
            Kind::Forgetful | Kind::Durable => panic!("it listens on its socket only"),
        }
    }

    /// Ends at once. What it knew is lost, unless it is durable.
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
        self.run();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
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

    fn run(&mut self) {
        let mut command = Command::new(&self.program);
        let (port, append_only) = match self.kind {
            Kind::Forgetful => (0, "no"),
            Kind::Durable => (0, "yes"),
            Kind::Node { port } => {
                command.args(["--cluster-enabled", "yes", "--bind", "127.0.0.1"]);
                (port, "no")
            }
            Kind::Tls { port } => {
                command.args(["--bind", "127.0.0.1", "--tls-port", &port.to_string()]);
                command.arg("--tls-cert-file").arg(self.folder.path().join("certificate.pem"));
                command.arg("--tls-key-file").arg(self.folder.path().join("key.pem"));
                // It wants authorities even if it asks nobody for a certificate.
                command.arg("--tls-ca-cert-file").arg(self.folder.path().join("certificate.pem"));
                command.args(["--tls-auth-clients", "no"]);
                (0, "no")
            }
        };
        let process = command
            .args(["--port", &port.to_string()])
            .args(["--save", "", "--appendonly", append_only, "--appendfsync", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program));
        self.process = Some(process);
        let client = redis::Client::open(self.url()).unwrap();
        let started_at = Instant::now();
        // One that reads its data back answers, but not this.
        let is_up = || redis::cmd("PING").exec(&mut client.get_connection()?);
        while is_up().is_err() {
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
    let found = Command::new(INSTALLED).arg("--version").stdout(Stdio::null()).status();
    if found.is_err() {
        println!("skipped: there is no redis-server; install it, or name it in {VARIABLE}");
        return None;
    }
    Some(INSTALLED.to_owned())
}

/// It says which of its settings is the first that it does not know, and ends.
fn speaks_tls(program: &str) -> bool {
    let tried = Command::new(program).args(["--tls-port", "0", "--no-such-setting", "x"]).output();
    tried.is_ok_and(|said| String::from_utf8_lossy(&said.stderr).contains("no-such-setting"))
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
