//! A program under measurement or helping with it: started, spoken to by lines, and gone when dropped.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Reached only if a program hangs: the longest round takes a few seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

pub struct Role {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    name: String,
}

impl Role {
    /// This program again, in another role.
    pub fn own(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(arguments))
    }

    pub fn start(command: &mut Command) -> Result<Self> {
        let words = std::iter::once(command.get_program()).chain(command.get_args().take(1));
        let name = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, lines, name })
    }

    /// A server role says `listening ADDRESS` first.
    pub fn address(&self) -> Result<String> {
        let line = self.line()?;
        let address = line.strip_prefix("listening ").map(str::to_owned);
        address.with_context(|| format!("`{}` said {line:?} instead of its address", self.name))
    }

    pub fn line(&self) -> Result<String> {
        match self.lines.recv_timeout(ANSWER_TIMEOUT) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("`{}` said nothing for {} s", self.name, ANSWER_TIMEOUT.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("`{}` ended early; its errors are above", self.name)
            }
        }
    }

    /// Any line lets a waiting role go on.
    pub fn go_on(&mut self) -> Result<()> {
        let stdin = self.stdin.as_mut().with_context(|| format!("`{}` does not listen", self.name))?;
        writeln!(stdin, "go on").with_context(|| format!("`{}` is gone", self.name))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
