//! The gateway as a child process without an upstream, so that it answers with its simulator.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

pub const API_KEY: &str = "sk-novai-xtask-0123456789abcdef0123456789abcdef01";

/// Long enough for a debug build on a busy machine; reached only if the gateway hangs at start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Server {
    child: Child,
    pub base_url: String,
}

impl Server {
    pub fn start(binary: &Path, data_dir: &Path) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("NOVAI_BOOTSTRAP_KEY", API_KEY)
            // What the developer's shell holds must not change what is tested.
            .env_remove("OPENAI_API_KEY")
            .env_remove("NOVAI_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let (addresses, announced) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, addresses.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, addresses);
        }
        // From here on, dropping it stops the child.
        let mut server = Self { child, base_url: String::new() };
        match announced.recv_timeout(START_TIMEOUT) {
            Ok(address) => server.base_url = format!("http://{address}/v1"),
            Err(_) => bail!("the gateway announced no address; run `{} serve` to see why", binary.display()),
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads to the end, so that the child never blocks on a full pipe.
fn follow(output: impl Read + Send + 'static, addresses: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = announced(&line) {
                // Nobody listens once the first address has come.
                let _ = addresses.send(address);
            }
        }
    });
}

/// The address in a line that says where it listens, plain or JSON.
fn announced(line: &str) -> Option<String> {
    let (_, after) = line.to_lowercase().contains("listen").then(|| line.split_once("127.0.0.1:"))??;
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty() && port != "0").then(|| format!("127.0.0.1:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_announced_address() {
        for (line, expected) in [
            ("novai 0.1.0 listens on http://127.0.0.1:4711/v1", Some("127.0.0.1:4711")),
            (r#"{"message":"listening","address":"127.0.0.1:4711"}"#, Some("127.0.0.1:4711")),
            ("asked to use 127.0.0.1:4711", None),
            ("listening on 127.0.0.1:0", None),
        ] {
            assert_eq!(announced(line).as_deref(), expected, "{line}");
        }
    }
}
