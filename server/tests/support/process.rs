//! A program that a test has started: read, killed, stopped and cleaned up in one way.
//!
//! What it logs (its stderr) goes to a file: a pipe that nobody reads would stop it when it is full.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

pub struct Process {
    child: Child,
    /// Open as long as it runs: it may have more to say.
    stdout: BufReader<ChildStdout>,
    log: tempfile::NamedTempFile,
}

/// The binary under test, with no environment.
pub fn novai(dir: impl Into<PathBuf>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_novai"));
    command.env_clear().current_dir(dir.into()).args(arguments).stdin(Stdio::null());
    command
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log.reopen().unwrap());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Process { child, stdout, log }
    }

    /// What it prints, up to and with the first line that holds `last`.
    pub fn prints(&mut self, last: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(last) {
            if self.stdout.read_line(&mut printed).unwrap() == 0 {
                panic!("it ended without saying {last:?}: {printed}{}", self.log());
            }
        }
        printed
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// As the kernel does when memory is short.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a service manager does; gives its log.
    pub fn stop(mut self) -> String {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
        self.log()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
