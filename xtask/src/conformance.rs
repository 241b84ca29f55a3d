//! `cargo xtask conformance`: builds the gateway, the runner and the adapters, then lets the runner judge.

mod clients;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use clients::{CLIENTS, Client};

use crate::{process, repo::Repo};

const SERVER: &str = "server";
/// Below the report: a line for each case that was not as expected. Empty where all were.
const UNEXPECTED: &str = "unexpected.txt";
const RUNNER: &str = "novai-conformance";

#[derive(clap::Args, Default)]
pub struct Options {
    /// Only cases whose name starts with this; `*` stands for any run of characters.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Only this column of the matrix, `server` or a client's; may be given several times.
    #[arg(long, value_name = "NAME")]
    column: Vec<String>,
    /// Writes the matrix to this folder, as Markdown and HTML, instead of `target/conformance`.
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

impl Options {
    fn wants(&self, column: &str) -> bool {
        self.column.is_empty() || self.column.iter().any(|wanted| wanted == column)
    }

    fn check(&self) -> Result<()> {
        let columns: Vec<&str> =
            [SERVER].into_iter().chain(CLIENTS.iter().map(|client| client.column)).collect();
        match self.column.iter().find(|wanted| !columns.contains(&wanted.as_str())) {
            Some(unknown) => bail!("there is no column `{unknown}`; choose from: {}", columns.join(", ")),
            None => Ok(()),
        }
    }
}

/// Returns the columns that were left out because their language is not installed, or their packages cannot be.
pub fn run(repo: &Repo, options: &Options) -> Result<Vec<&'static str>> {
    options.check()?;
    let clients: Vec<&Client> = CLIENTS.iter().filter(|client| options.wants(client.column)).collect();
    let mut build = process::cargo(repo);
    build.args(["build", "-q", "-p", RUNNER]);
    if !options.record {
        if options.wants(SERVER) {
            build.args(["-p", "novai-server"]);
        }
        for package in clients.iter().filter_map(|client| client.package()) {
            build.args(["-p", package]);
        }
    }
    process::run(&mut build)?;

    let mut runner = process::program(repo, repo.binary("debug", RUNNER));
    if options.record {
        runner.args(["record", "--upstream", &options.upstream, "--model", &options.model]);
        process::run(&mut runner)?;
        return Ok(Vec::new());
    }
    runner.arg("run");
    if options.wants(SERVER) {
        runner.arg("--server-bin").arg(repo.binary("debug", "novai"));
    }
    let mut left_out = Vec::new();
    for client in clients {
        match client.prepare(repo) {
            Ok(command) => {
                runner.arg(if client.compared { "--compare" } else { "--client" }).arg(command);
            }
            // What was asked for by name must not be missing.
            Err(error) if options.column.is_empty() => {
                eprintln!("{}: left out: {error:#}", client.column);
                left_out.push(client.column);
            }
            Err(error) => return Err(error.context(client.column)),
        }
    }
    if let Some(only) = &options.only {
        runner.args(["--only", only]);
    }
    let report = options.report.clone().unwrap_or_else(|| repo.target().join("conformance"));
    runner.arg("--report").arg(&report);
    // Else a run that ends before it judges would be explained by the one before it.
    let _ = std::fs::remove_file(report.join(UNEXPECTED));
    if options.update_snapshots {
        runner.arg("--update-snapshots");
    }
    process::run(&mut runner).map_err(|error| match unexpected(&report) {
        Some(cases) => anyhow::anyhow!("{cases}"),
        None => error,
    })?;
    Ok(left_out)
}

/// What the runner says was not as expected, on one line: the end of a log may be all that is kept of it.
fn unexpected(report: &Path) -> Option<String> {
    const SHOWN_MAX: usize = 8;
    let text = std::fs::read_to_string(report.join(UNEXPECTED)).ok().filter(|text| !text.is_empty())?;
    let cases: Vec<&str> = text.lines().take(SHOWN_MAX).collect();
    let more = text.lines().count() - cases.len();
    Some(format!(
        "{}{}",
        cases.join("; "),
        if more > 0 { format!("; and {more} more") } else { String::new() }
    ))
}
