//! Starts the gateway's binary as an operator would, and stops it again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::config::{UPSTREAM_KEY, UPSTREAM_KEY_VARIABLE};

/// The key that the gateway is told to accept.
pub const API_KEY: &str = "sk-novai-conformance-0123456789abcdef0123456789abcdef";

/// Long enough for a debug build on a busy machine; reached only if the gateway hangs at start.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// Lines of the gateway's log that a failure report may quote.
const LOG_LINES_MAX: usize = 40;

pub struct Gateway {
    pub address: SocketAddr,
    log: Log,
    _child: Child,
    directory: tempfile::TempDir,
}

type Log = Arc<Mutex<VecDeque<String>>>;

impl Gateway {
    pub async fn start(binary: &Path, config: &str) -> Result<Gateway> {
        Self::start_at(binary, config, None).await
    }

    /// With a clock that stands at so many microseconds since 1970, until [`Gateway::set_clock`].
    pub async fn start_at(binary: &Path, config: &str, clock_us: Option<u64>) -> Result<Gateway> {
        let directory = tempfile::tempdir()?;
        let config_file = directory.path().join("novai.toml");
        std::fs::write(&config_file, config)?;
        let mut command = Command::new(binary);
        if let Some(us) = clock_us {
            set_clock(directory.path(), us)?;
            command.arg("serve").arg("--clock-file").arg(directory.path().join(CLOCK));
        } else {
            command.arg("serve");
        }
        let mut child = command
            .arg("--config")
            .arg(&config_file)
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .args(["--listen", "127.0.0.1:0"])
            .env("NOVAI_BOOTSTRAP_KEY", API_KEY)
            .env(UPSTREAM_KEY_VARIABLE, UPSTREAM_KEY)
            // What the developer's shell holds must not change what is tested.
            .env_remove("OPENAI_API_KEY")
            .env_remove("NOVAI_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;

        let log = Log::default();
        let (addresses, mut address) = mpsc::channel(1);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(follow(stdout, log.clone(), addresses.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(follow(stderr, log.clone(), addresses));
        }
        match tokio::time::timeout(START_PATIENCE, address.recv()).await {
            Ok(Some(address)) => Ok(Gateway { address, log, _child: child, directory }),
            Ok(None) => bail!("the gateway ended at start:\n{}", tail(&log)),
            Err(_) => bail!("the gateway printed no address within {START_PATIENCE:?}:\n{}", tail(&log)),
        }
    }

    /// Only for a gateway that was started with a clock.
    pub fn set_clock(&self, us: u64) -> Result<()> {
        set_clock(self.directory.path(), us)
    }

    /// The last lines that the gateway wrote.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

const CLOCK: &str = "clock";

/// By renaming, so that nobody reads half a number.
fn set_clock(directory: &Path, us: u64) -> Result<()> {
    let next = directory.join("next-clock");
    std::fs::write(&next, us.to_string())?;
    std::fs::rename(next, directory.join(CLOCK)).context("cannot set the clock")
}

fn tail(log: &Log) -> String {
    let lines = log.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().map(|line| format!("  | {line}\n")).collect()
}

/// Keeps the last lines, and sends the first address that a line announces.
async fn follow(output: impl AsyncRead + Unpin, log: Log, addresses: mpsc::Sender<SocketAddr>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = announced_address(&line) {
            let _ = addresses.try_send(address);
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_back(line);
        if log.len() > LOG_LINES_MAX {
            log.pop_front();
        }
    }
}

/// `listens on http://127.0.0.1:4711` in any dress: plain text or a JSON log line.
fn announced_address(line: &str) -> Option<SocketAddr> {
    if !line.to_lowercase().contains("listen") {
        return None;
    }
    line.match_indices("127.0.0.1:").find_map(|(at, _)| {
        let rest = &line[at..];
        let end = rest
            .char_indices()
            .skip("127.0.0.1:".len())
            .find(|(_, character)| !character.is_ascii_digit())
            .map_or(rest.len(), |(index, _)| index);
        rest[..end].parse::<SocketAddr>().ok().filter(|address| address.port() != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_in_text_and_json() {
        for line in [
            "novai 0.1.0 listens on http://127.0.0.1:4711/v1",
            r#"{"message":"listening","addr":"127.0.0.1:4711"}"#,
        ] {
            assert_eq!(announced_address(line).map(|address| address.port()), Some(4711), "{line}");
        }
        assert_eq!(announced_address("upstream 127.0.0.1:4711"), None);
        assert_eq!(announced_address("listening on 127.0.0.1:0"), None);
    }
}
