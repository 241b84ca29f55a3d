//! A PostgreSQL of the tests' own: one process for all tests of a program, a database for each that asks.
//!
//! It ends with the program that started it, however that ends: a shell between them waits for a pipe to close.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use novai_stores::database::PostgresUrl;

/// `None` without PostgreSQL on this machine; said once.
#[allow(dead_code, reason = "some only have one of their own")]
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let binaries = binaries();
            if binaries.is_none() {
                println!("skipped: PostgreSQL is absent; `cargo xtask test` fetches one");
            }
            binaries.map(Server::start)
        })
        .as_ref()
}

pub struct Server {
    port: u16,
    databases: AtomicU64,
    binaries: PathBuf,
    dir: PathBuf,
    shell: Child,
}

/// Where `initdb` and `postgres` are.
fn binaries() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("NOVAI_POSTGRES_BIN") {
        return Some(folder.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// PostgreSQL refuses to run as root: then as `nobody`.
const START: &str = r#"
set -e
as=""
if [ "$(id -u)" = 0 ]; then chown 65534:65534 "$DIR"; as="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
cd "$DIR"
if [ ! -e "$DIR/data" ]; then
    $as "$BIN/initdb" -D "$DIR/data" -U novai --auth=trust --no-sync -E UTF8 >"$DIR.log" 2>&1
fi
$as "$BIN/postgres" -D "$DIR/data" -p "$PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c max_connections=200 >>"$DIR.log" 2>&1 &
server=$!
cat >/dev/null || true
kill -QUIT $server || true
wait $server || true
if [ -z "$KEEP" ]; then rm -rf "$DIR" "$DIR.log"; fi
"#;

impl Drop for Server {
    /// Of one that a test owns; the shared one ends with its program.
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.dir);
        let _ = std::fs::remove_file(self.dir.with_extension("log"));
    }
}

fn shell(binaries: &Path, dir: &Path, port: u16, keep: bool) -> Child {
    Command::new("sh")
        .args(["-c", START])
        .env("BIN", binaries)
        .env("DIR", dir)
        .env("PORT", port.to_string())
        .env("KEEP", if keep { "1" } else { "" })
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Server {
    #[allow(dead_code, reason = "some only have one of their own")]
    fn start(binaries: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap().keep();
        let shell = shell(&binaries, &dir, port, false);
        Server { port, databases: AtomicU64::new(0), binaries, dir, shell }
    }

    /// One of a test's own, which can be stopped in the middle.
    #[allow(dead_code, reason = "not every test stops its server")]
    pub fn own() -> Option<Self> {
        binaries().map(|binaries| {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let dir = tempfile::tempdir().unwrap().keep();
            let shell = shell(&binaries, &dir, port, true);
            Server { port, databases: AtomicU64::new(0), binaries, dir, shell }
        })
    }

    /// As an immediate shutdown, which is what a crash is to clients.
    pub fn stop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }

    #[allow(dead_code, reason = "not every test stops its server")]
    pub fn start_again(&mut self) {
        self.shell = shell(&self.binaries, &self.dir, self.port, true);
    }

    /// A new, empty database.
    #[allow(dead_code, reason = "not every test opens it itself")]
    pub async fn database(&self) -> PostgresUrl {
        PostgresUrl::parse(&self.new_url().await, None).unwrap()
    }

    /// The same, for a process of its own.
    pub async fn new_url(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Relaxed));
        let client = self.client("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        self.url(&name)
    }

    #[allow(dead_code, reason = "not every test stops its server")]
    pub async fn is_up(&self) {
        self.client("postgres").await;
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://novai@127.0.0.1:{}/{database}", self.port)
    }

    async fn client(&self, database: &str) -> tokio_postgres::Client {
        let url = self.url(database);
        // Seconds, while it makes its files; a minute if the machine is busy.
        for _ in 0..600 {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("PostgreSQL did not start");
    }
}
