//! The gateway as it is deployed: keys checked, limits counted, every request logged and in the books.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::roles::script::Script;

pub const API_KEY: &str = "sk-novai-bench-0123456789abcdef0123456789abcdef0123";

/// Reached only if the gateway hangs at start.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub struct Gateway {
    child: Child,
    pub address: String,
}

impl Gateway {
    pub fn start(binary: &Path, scratch: &Path, upstream: &str, scripts: &[Script]) -> Result<Self> {
        let text = configuration("openai", upstream, scripts, true, Targets::One);
        Self::start_in(&scratch.join("gateway"), binary, &text, None)
    }

    /// One without limits, budgets and ledger.
    pub fn start_bare(binary: &Path, scratch: &Path, upstream: &str, scripts: &[Script]) -> Result<Self> {
        let text = configuration("openai", upstream, scripts, false, Targets::One);
        Self::start_in(&scratch.join("gateway-bare"), binary, &text, None)
    }

    /// One whose provider is of `kind`, in a folder of its own.
    pub fn start_of(
        kind: &str,
        targets: Targets,
        binary: &Path,
        folder: &Path,
        upstream: &str,
        scripts: &[Script],
    ) -> Result<Self> {
        Self::start_in(folder, binary, &configuration(kind, upstream, scripts, true, targets), None)
    }

    /// One that asks `worker` instead of the upstream.
    pub fn start_before(worker: &Worker, binary: &Path, scratch: &Path, scripts: &[Script]) -> Result<Self> {
        let text = configuration("openai", "worker.invalid", scripts, true, Targets::One);
        Self::start_in(&scratch.join("gateway-before-worker"), binary, &text, Some(&worker.url))
    }

    fn start_in(folder: &Path, binary: &Path, text: &str, worker: Option<&str>) -> Result<Self> {
        // What an earlier run left behind would be another run's keys.
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
        let config = folder.join("novai.toml");
        fs::write(&config, text)?;
        // A file, as in production under a supervisor; also where the address is announced.
        let log = folder.join("log.jsonl");
        let log_file = fs::File::create(&log)?;
        let child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(folder.join("data"))
            .env("NOVAI_BOOTSTRAP_KEY", API_KEY)
            .env_remove("OPENAI_API_KEY")
            .envs(worker.map(|url| ("NOVAI_INFERENCE_URL", url)))
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut gateway = Self { child, address: String::new() };
        gateway.address = wait_for_address(&mut gateway.child, &log)?;
        Ok(gateway)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A worker that calls the upstream for a gateway.
pub struct Worker {
    child: Child,
    url: String,
}

impl Worker {
    pub fn start(binary: &Path, scratch: &Path, upstream: &str) -> Result<Self> {
        let folder = scratch.join("worker");
        fs::create_dir_all(&folder)?;
        let config = folder.join("novai.toml");
        fs::write(&config, configuration("openai", upstream, &[], true, Targets::One))?;
        let log = folder.join("log.jsonl");
        let log_file = fs::File::create(&log)?;
        let child = Command::new(binary)
            .args(["worker", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut worker = Self { child, url: String::new() };
        worker.url = format!("http://{}", wait_for_address(&mut worker.child, &log)?);
        Ok(worker)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for_address(child: &mut Child, log: &Path) -> Result<String> {
    let started = Instant::now();
    while started.elapsed() < START_TIMEOUT {
        let text = fs::read_to_string(log)?;
        if let Some(address) = text.lines().find_map(announced) {
            return Ok(address);
        }
        if let Some(status) = child.try_wait()? {
            bail!("the program ended with {status}:\n{text}");
        }
        thread::sleep(POLL_INTERVAL);
    }
    bail!("no address was announced in {}", log.display())
}

/// Everything that costs something is on, and nothing of it is ever reached: limits, budgets, and prices for the ledger.
const LIMITS_AND_BUDGETS: &str = "[limits.global]
rpm = 1000000000
tpm = 1000000000000

[limits.key]
rpm = 1000000000
tpm = 1000000000000
concurrent = 1000000

[budgets]
usd_per_day = \"1000000\"
key_usd_per_day = \"1000000\"

";

/// Who serves a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Targets {
    One,
    /// Two, of which the first does not have it.
    FirstFails,
}

fn configuration(
    kind: &str,
    upstream: &str,
    scripts: &[Script],
    has_ledger: bool,
    targets: Targets,
) -> String {
    // Room for every idle stream that the machine's file limit allows.
    let mut text = "[server]\nconnections_max = 100000\n\n".to_owned();
    text.push_str(if has_ledger { LIMITS_AND_BUDGETS } else { "[ledger]\nenabled = false\n\n" });
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "[[providers]]\nname = \"bench\"\nkind = \"{kind}\"\nbase_url = \"http://{upstream}/v1\""
    );
    for script in scripts {
        let served = match targets {
            Targets::One => format!("provider = \"bench\"\nupstream_id = \"{script}\""),
            Targets::FirstFails => format!(
                "targets = [{{ provider = \"bench\", upstream_id = \"absent\" }}, {{ provider = \"bench\", upstream_id = \"{script}\" }}]"
            ),
        };
        let _ = write!(
            text,
            "\n[[models]]\nid = \"{script}\"\n{served}\nprice = {{ input = \"0.15\", output = \"0.60\" }}\n"
        );
    }
    text
}

/// The address in a line that says where it listens, plain or JSON.
fn announced(line: &str) -> Option<String> {
    let (_, after) = line.to_lowercase().contains("listen").then(|| line.split_once("127.0.0.1:"))??;
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty() && port != "0").then(|| format!("127.0.0.1:{port}"))
}
