//! `cargo xtask conformance`: builds the gateway, the runner and the adapters, then lets the runner judge.

use std::path::PathBuf;

use anyhow::Result;

use crate::{process, repo::Repo};

/// Adapters by the name of their column; each is a package with a binary of the same name.
const ADAPTERS: [(&str, &str); 1] = [("rust", "conformance-adapter-rust")];
const RUNNER: &str = "novai-conformance";

#[derive(clap::Args, Default)]
pub struct Options {
    /// Only cases whose name starts with this; `*` stands for any run of characters.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Writes the matrix to this folder, as Markdown and HTML.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Stores the wire output as the new snapshots.
    #[arg(long)]
    update_snapshots: bool,
    /// Asks a real upstream a fixed list of questions and writes its answers down as scenarios.
    #[arg(long)]
    record: bool,
    /// With --record: the OpenAI-compatible server to ask.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9200/v1")]
    upstream: String,
    /// With --record: the model to ask.
    #[arg(long, value_name = "ID", default_value = "gemma-3-270m")]
    model: String,
}

pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let mut build = process::cargo(repo);
    build.args(["build", "-q", "-p", RUNNER]);
    if !options.record {
        build.args(["-p", "novai-server"]);
        ADAPTERS.iter().for_each(|(_, package)| {
            build.args(["-p", package]);
        });
    }
    process::run(&mut build)?;

    let mut runner = process::program(repo, repo.binary("debug", RUNNER));
    if options.record {
        runner.args(["record", "--upstream", &options.upstream, "--model", &options.model]);
        return process::run(&mut runner);
    }
    runner.arg("run").arg("--server-bin").arg(repo.binary("debug", "novai"));
    for (column, package) in ADAPTERS {
        runner.arg("--client").arg(format!("{column}={}", repo.binary("debug", package).display()));
    }
    if let Some(only) = &options.only {
        runner.args(["--only", only]);
    }
    if let Some(report) = &options.report {
        runner.arg("--report").arg(report);
    }
    if options.update_snapshots {
        runner.arg("--update-snapshots");
    }
    process::run(&mut runner)
}
