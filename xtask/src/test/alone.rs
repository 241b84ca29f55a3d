//! An SDK builds from its folder alone: a copy of the folder, far from the workspace, compiles with every target.

use std::{env, fs};

use anyhow::{Context, Result};

use super::Outcome;
use crate::{process, repo::Repo};

const FOLDER: &str = "sdk-rust";

pub fn sdk_rust(repo: &Repo) -> Result<Outcome> {
    // Outside the repository, where cargo finds no workspace above it.
    let copy = env::temp_dir().join(format!("novai-sdk-alone-{}", std::process::id()));
    let result = build(repo, &copy);
    fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    result.map(|files| Outcome::Passed(format!("{files} files copied and compiled")))
}

fn build(repo: &Repo, copy: &std::path::Path) -> Result<usize> {
    let files = repo.files(FOLDER)?;
    for file in &files {
        let to = copy.join(file.trim_start_matches(FOLDER).trim_start_matches('/'));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(repo.path(file), &to).with_context(|| format!("cannot copy {file}"))?;
    }
    // The versions that the workspace was tested with, and that are already downloaded.
    fs::copy(repo.path("Cargo.lock"), copy.join("Cargo.lock"))?;
    let mut check = process::cargo(repo);
    check.args(["check", "--all-targets"]).current_dir(copy);
    // Kept between runs: only the SDK itself is compiled again.
    check.env("CARGO_TARGET_DIR", repo.scratch("sdk-rust-alone")?);
    process::run(&mut check)?;
    Ok(files.len())
}
