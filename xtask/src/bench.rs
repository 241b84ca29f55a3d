//! `cargo xtask bench`: builds release binaries and hands over to novai-bench, which measures processes.

use std::path::PathBuf;

use anyhow::Result;

use crate::{generate::SPEC, node, postgres, process, python, redis, repo::Repo};

#[derive(clap::Args)]
pub struct Options {
    /// What to measure; all of them where none is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Fewer rounds: enough to see that everything runs, not to quote.
    #[arg(long)]
    quick: bool,
    /// Fails where a figure is beyond its law's bound.
    #[arg(long)]
    assert: bool,
    /// Also writes the tables to this file, as Markdown.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The gateway, with limits and ledger and without, against a bare pass-through.
    Server,
    /// The gateway with a worker against the gateway alone.
    Worker,
    /// How much later a stream's first event comes through the gateway, at 256 streams.
    FirstEvent,
    /// What other vendors' streams cost beside OpenAI's, and a fallback.
    Translate,
    /// The SDKs beside OpenAI's own: CPU, connections, loading, size.
    Sdk,
    /// Time to generate.
    Gen,
    /// Decisions about limits, in memory and in one Redis for three gateways.
    Limits,
    /// Requests settled per second, and questions over a month of rows.
    Ledger,
    /// Memory per open stream that says nothing.
    Idle,
    /// A clean release build of the server; takes minutes and runs only when named.
    Build,
}

impl Part {
    fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Worker => "worker",
            Self::FirstEvent => "first-event",
            Self::Translate => "translate",
            Self::Sdk => "sdk",
            Self::Gen => "gen",
            Self::Idle => "idle",
            Self::Limits => "limits",
            Self::Ledger => "ledger",
            Self::Build => "build",
        }
    }
}

pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let unnamed = [
        Part::Server,
        Part::Worker,
        Part::FirstEvent,
        Part::Translate,
        Part::Idle,
        Part::Limits,
        Part::Ledger,
        Part::Sdk,
        Part::Gen,
    ];
    let parts = if options.parts.is_empty() { &unnamed[..] } else { &options.parts };
    let mut build = process::cargo(repo);
    // All of them whatever is measured: another set would be another choice of features, and build everything anew.
    build.args(["build", "--release", "-p", "novai-bench", "-p", "novai-server", "-p", "bench-client-rust"]);
    process::run(&mut build)?;

    let mut bench = process::program(repo, repo.binary("release", "novai-bench"));
    bench.arg("run").args(parts.iter().map(|part| part.as_str()));
    bench.arg("--gateway").arg(repo.binary("release", "novai"));
    bench.arg("--sdk-client").arg(repo.binary("release", "bench-client-rust"));
    bench.arg("--spec").arg(repo.path(SPEC));
    bench.arg("--root").arg(repo.root());
    bench.arg("--scratch").arg(repo.scratch("bench")?);
    if let Some(shared) = repo.shared() {
        bench.arg("--large-spec").arg(shared.join("corpus/openai.yaml"));
    }
    if parts.contains(&Part::Sdk) {
        others(repo, &mut bench);
    }
    if parts.contains(&Part::Limits)
        && let Some(server) = redis::server(repo)
    {
        bench.env(redis::VARIABLE, server);
    }
    if parts.contains(&Part::Ledger)
        && let Some(binaries) = postgres::binaries(repo)
    {
        bench.env(postgres::VARIABLE, binaries);
    }
    if options.quick {
        bench.arg("--quick");
    }
    if options.assert {
        bench.arg("--assert");
    }
    if let Some(out) = &options.out {
        bench.arg("--out").arg(out);
    }
    process::run(&mut bench)
}

/// Languages besides Rust, as far as they are installed; the tables leave out the rest.
fn others(repo: &Repo, bench: &mut std::process::Command) {
    let mut python = |flag: &str, found: Result<PathBuf>| match found {
        Ok(interpreter) => {
            bench.arg(flag).arg(interpreter);
        }
        Err(error) => eprintln!("left out: {error:#}"),
    };
    python("--python", python::novai(repo));
    python("--python-openai", python::openai(repo));
    match node::install(repo, node::ADAPTERS).and_then(|()| node::build_sdk(repo)) {
        Ok(()) => {
            bench.arg("--node");
        }
        Err(error) => eprintln!("left out: {error:#}"),
    }
}
