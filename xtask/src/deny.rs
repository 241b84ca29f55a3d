//! `cargo xtask deny`: licences, bans and sources of every dependency, by cargo-deny and deny.toml.
//!
//! Advisories are left out: their database lies on a host that is no package registry, and a check that passes only with
//! the network up would fail for reasons that no commit can mend. Run `cargo deny check advisories` where it is reachable.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{process, repo::Repo};

/// Raised by hand, so that a new release of the tool never fails an old commit.
const VERSION: &str = "0.20.2";
const CHECKS: [&str; 3] = ["licenses", "bans", "sources"];

#[derive(clap::Args)]
pub struct Options {}

pub fn run(repo: &Repo, _: &Options) -> Result<()> {
    match installed(repo) {
        Some(path) => check(repo, path),
        None => bail!("cargo-deny is not installed and could not be: is the package registry reachable?"),
    }
}

pub fn check(repo: &Repo, path: PathBuf) -> Result<()> {
    // Not `--offline`: crates for other platforms are in the lock file too, and no build here has downloaded them.
    process::run(process::program(repo, path).args(["--locked", "check"]).args(CHECKS))
}

/// cargo-deny, installed below target/ if need be (minutes, once); `None` where it cannot be had.
pub fn installed(repo: &Repo) -> Option<PathBuf> {
    let root = repo.scratch("tools").ok()?;
    let path = root.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if process::version(&path, &["--version"]).is_some_and(|version| version.contains(VERSION)) {
        return Some(path);
    }
    println!("installing cargo-deny {VERSION} below {}", root.display());
    let mut install = process::cargo(repo);
    // A debug build: it runs for a second, and takes a third of the time to build.
    install.args(["install", "cargo-deny", "--locked", "--quiet", "--debug", "--version", VERSION, "--root"]);
    let done: Result<_, _> = Command::status(install.arg(&root).stdin(Stdio::null()));
    done.is_ok_and(|status| status.success()).then_some(path)
}
