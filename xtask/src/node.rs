//! Packages for Node: what a folder's lock file names, installed beside it when that file has changed.

use std::{env, fs};

use anyhow::{Context, Result, ensure};

use crate::{process, repo::Repo};

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
pub const ADAPTERS: &str = "conformance/adapters/typescript";
const SDK: &str = "sdk-typescript";

/// Installs exactly what `package-lock.json` says, without running any package's scripts.
pub fn install(repo: &Repo, folder: &str) -> Result<()> {
    ensure!(
        process::version(NPM, &["--version"]).is_some(),
        "npm is not installed; it comes with Node 20 or later"
    );
    let lock = repo.read(format!("{folder}/package-lock.json"))?;
    let stamp = repo.path(folder).join("node_modules/.installed-package-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut install = npm(repo, folder);
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    process::run(&mut install)?;
    fs::write(&stamp, lock).with_context(|| stamp.display().to_string())
}

/// Compiles the SDK for TypeScript to what is published.
pub fn build_sdk(repo: &Repo) -> Result<()> {
    install(repo, SDK)?;
    process::run(npm(repo, SDK).args(["run", "--silent", "build"]))
}

fn npm(repo: &Repo, folder: &str) -> std::process::Command {
    let mut command = process::program(repo, NPM.into());
    command.current_dir(repo.path(folder));
    // Settings of the one npm that may have started us are warned about by this one.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("npm_config_")) {
        command.env_remove(name);
    }
    command
}
