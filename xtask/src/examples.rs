//! Runs every example of the Rust SDK against a gateway with its simulator: what the README shows must work.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    process,
    repo::Repo,
    server::{API_KEY, Server},
};

const EXAMPLES: &str = "sdk-rust/examples";

/// Returns how many examples ran.
pub fn run(repo: &Repo) -> Result<usize> {
    process::run(process::cargo(repo).args(["build", "-q", "-p", "novai-server"]))?;
    process::run(process::cargo(repo).args(["build", "-q", "-p", "novai", "--examples"]))?;
    let data_dir = repo.scratch("examples")?;
    let server = Server::start(&repo.binary("debug", "novai"), &data_dir)?;
    let names = names(repo)?;
    for name in &names {
        println!("example {name}");
        let mut example = process::program(repo, repo.binary("debug/examples", name));
        example.env("NOVAI_BASE_URL", &server.base_url).env("NOVAI_API_KEY", API_KEY);
        example.env("NOVAI_MODEL", "novai-sim");
        process::run(&mut example).with_context(|| format!("{EXAMPLES}/{name}.rs"))?;
    }
    Ok(names.len())
}

fn names(repo: &Repo) -> Result<Vec<String>> {
    let files = repo.files(EXAMPLES)?;
    let stems = files.iter().filter_map(|file| Path::new(file).file_stem());
    Ok(stems.map(|stem| stem.to_string_lossy().into_owned()).collect())
}
