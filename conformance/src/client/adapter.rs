//! An adapter process: one line of JSON in, one line of JSON out. `PROTOCOL.md` is the contract.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::scenario::model::CaseBody;

/// Safety net for an SDK that hangs; scenarios themselves take at most a few seconds.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// For one that is known to fail, and may be known to hang. Waiting longer could only find that it is slow as well.
pub const PATIENCE_IF_LISTED: Duration = Duration::from_secs(2);

/// The only certificate authority that adapters know. Scenarios speak plain HTTP, and every run has a client of its own: reading
/// a machine's hundred and more authorities each time took two thirds of all the time.
const AUTHORITY: &[u8] = include_bytes!("authority.pem");

/// What a developer's shell may hold and what must not change what is tested.
const FOREIGN_VARIABLES: [&str; 12] = [
    "NOVAI_API_KEY",
    "NOVAI_BASE_URL",
    "NOVAI_LOG",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Program and arguments.
#[derive(Debug, Clone)]
pub struct AdapterCommand(Vec<String>);

impl AdapterCommand {
    /// Words as a shell would split them: an adapter may need an interpreter, whose path may hold a space.
    pub fn parse(text: &str) -> Result<AdapterCommand> {
        let words = shlex::split(text).filter(|words| !words.is_empty());
        Ok(AdapterCommand(words.with_context(|| format!("not a command: {text:?}"))?))
    }
}

impl fmt::Display for AdapterCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// A few processes of one adapter. Each answers one line at a time, which keeps adapters trivial to write.
pub struct AdapterPool {
    command: AdapterCommand,
    authority: tempfile::NamedTempFile,
    /// What this adapter cannot do, in the protocol's words.
    cannot: Vec<String>,
    idle: Mutex<Vec<Adapter>>,
}

struct Adapter {
    hello: Value,
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl AdapterPool {
    pub async fn start(command: &AdapterCommand) -> Result<AdapterPool> {
        let authority = tempfile::NamedTempFile::new()?;
        std::fs::write(authority.path(), AUTHORITY)?;
        let first = Adapter::start(command, authority.path()).await?;
        let cannot = first.hello.get("cannot").and_then(Value::as_array).into_iter().flatten();
        let cannot = cannot.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(AdapterPool { command: command.clone(), authority, cannot, idle: Mutex::new(vec![first]) })
    }

    /// Whether the adapter can do what `case` demands of it.
    pub fn can(&self, case: &CaseBody) -> bool {
        !case.demands().iter().any(|demand| self.cannot.iter().any(|cannot| cannot == demand))
    }

    /// Sends one request. A process that fails to answer is killed; the next request gets a fresh one.
    pub async fn call(&self, request: &Value, patience: Duration) -> Result<Value> {
        let idle = self.idle.lock().await.pop();
        let mut adapter = match idle {
            Some(adapter) => adapter,
            None => Adapter::start(&self.command, self.authority.path()).await?,
        };
        let answer = tokio::time::timeout(patience, adapter.call(request))
            .await
            .with_context(|| format!("the adapter did not answer within {} s", patience.as_secs()))??;
        self.idle.lock().await.push(adapter);
        Ok(answer)
    }
}

impl Adapter {
    async fn start(command: &AdapterCommand, authority: &Path) -> Result<Adapter> {
        let (program, arguments) = command.0.split_first().context("no command")?;
        let mut process = Command::new(program);
        process.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in FOREIGN_VARIABLES {
            process.env_remove(name);
        }
        let mut child = process
            .env("SSL_CERT_FILE", authority)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the adapter {command}"))?;
        let input = child.stdin.take().context("the adapter has no stdin")?;
        let output = child.stdout.take().context("the adapter has no stdout")?;
        let output = BufReader::new(output).lines();
        let mut adapter = Adapter { hello: Value::Null, _child: child, input, output };
        let hello = tokio::time::timeout(PATIENCE, adapter.read()).await;
        let hello = hello.context("the adapter is silent")?.context("the adapter said no hello")?;
        if hello.get("protocol").and_then(Value::as_u64) != Some(1) {
            bail!("the adapter {command} speaks another protocol: {hello}");
        }
        adapter.hello = hello;
        Ok(adapter)
    }

    async fn call(&mut self, request: &Value) -> Result<Value> {
        let line = format!("{request}\n");
        self.input.write_all(line.as_bytes()).await.context("the adapter went away")?;
        self.input.flush().await?;
        let answer = self.read().await?;
        if answer.get("id") != request.get("id") {
            bail!("the adapter answered another request: {answer}");
        }
        Ok(answer)
    }

    async fn read(&mut self) -> Result<Value> {
        let line = self.output.next_line().await?.context("the adapter ended")?;
        serde_json::from_str(&line)
            .with_context(|| format!("the adapter wrote something else than JSON: {line:?}"))
    }
}
