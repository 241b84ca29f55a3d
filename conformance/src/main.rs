//! `novai-conformance`: the command line of the runner. `cargo xtask conformance` builds what it needs and calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use novai_conformance::client::adapter::AdapterCommand;
use novai_conformance::known_failing::KnownFailing;
use novai_conformance::report::{self, Matrix};
use novai_conformance::scenario::{Case, load_all, shared};
use novai_conformance::suite::{self, Settings, Verdict};
use novai_conformance::{compare, record, snapshot};

#[derive(Parser)]
#[command(about = "Runs spec/scenarios against the gateway and the SDKs")]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Run the scenarios and print the matrix.
    Run(RunArguments),
    /// Send a fixed list of requests to a real upstream and write its answers down as scenarios.
    Record(RecordArguments),
    /// Check every scenario file against the schema and list the cases.
    List,
}

#[derive(Args)]
struct RunArguments {
    /// The `novai` binary; without it, server mode is left out.
    #[arg(long, env = "NOVAI_SERVER_BIN")]
    server_bin: Option<PathBuf>,
    /// An adapter, as NAME=COMMAND, quoted as for a shell; may be given several times.
    #[arg(long, value_parser = parse_client)]
    client: Vec<(String, AdapterCommand)>,
    /// Likewise, of somebody else's SDK, for comparison: of a case's many variations it gets a few.
    #[arg(long, value_parser = parse_client)]
    compare: Vec<(String, AdapterCommand)>,
    /// Only cases whose name starts with this; `*` stands for any run of characters.
    #[arg(long)]
    only: Option<String>,
    /// Write the matrix to this directory, as conformance.md and conformance.html.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Store the wire output as the new snapshots.
    #[arg(long)]
    update_snapshots: bool,
    /// Cases at the same time.
    #[arg(long, default_value_t = 8)]
    jobs: usize,
}

#[derive(Args)]
struct RecordArguments {
    /// Base URL of an OpenAI-compatible upstream, such as http://127.0.0.1:9200/v1.
    #[arg(long)]
    upstream: String,
    #[arg(long)]
    model: String,
    /// Where to write; `spec/scenarios/recorded` by default.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Subcommands::Run(arguments) => run(arguments),
        Subcommands::Record(arguments) => {
            let out = arguments.out.unwrap_or_else(|| root().join("spec/scenarios/recorded"));
            runtime()?.block_on(record::record(&arguments.upstream, &arguments.model, &out))?;
            Ok(ExitCode::SUCCESS)
        }
        Subcommands::List => {
            for case in load_all(&root().join("spec/scenarios"))? {
                println!("{:60} {}", case.id, case.why);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn root() -> PathBuf {
    // The binary is only ever run from a checkout: it reads the checkout's scenarios and snapshots.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn run(arguments: RunArguments) -> Result<ExitCode> {
    const UPDATE: &str = "INSTA_UPDATE";
    if arguments.update_snapshots && std::env::var(UPDATE).as_deref() != Ok("always") {
        // insta takes this from the environment alone, and a running program cannot safely change its own.
        let status = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(UPDATE, "always")
            .status()?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut cases = load_all(&root().join("spec/scenarios"))?;
    match shared::load(&root())? {
        Some(more) => cases.extend(more),
        None => eprintln!("{}: skipped: ../shared is absent", shared::SCENARIO),
    }
    let known_failing = root().join("conformance/known-failing");
    for list in std::fs::read_dir(&known_failing)? {
        let path = list?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let column = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            KnownFailing::load(&known_failing, &column)?.check_against(&cases).with_context(|| column)?;
        }
    }
    let cases: Vec<Case> =
        cases.into_iter().filter(|case| selected(case, arguments.only.as_deref())).collect();
    ensure!(!cases.is_empty(), "no case matches --only {}", arguments.only.as_deref().unwrap_or_default());
    ensure!(
        arguments.server_bin.is_some() || !arguments.client.is_empty() || !arguments.compare.is_empty(),
        "nothing to test: give --server-bin, --client or --compare"
    );
    let settings = Settings {
        cases,
        server_binary: arguments.server_bin.clone(),
        clients: arguments.client.clone(),
        compared: arguments.compare.clone(),
        known_failing,
        concurrency: arguments.jobs.max(1),
    };
    let verdicts = runtime()?.block_on(suite::run(settings))?;
    conclude(verdicts, &arguments)
}

fn selected(case: &Case, only: Option<&str>) -> bool {
    only.is_none_or(|only| case.id.starts_with(only) || compare::pattern::glob_matches(only, &case.id))
}

fn parse_client(text: &str) -> Result<(String, AdapterCommand)> {
    match text.split_once('=') {
        Some((name, command)) if !name.is_empty() => Ok((name.to_owned(), AdapterCommand::parse(command)?)),
        _ => bail!("not NAME=COMMAND"),
    }
}

fn conclude(mut verdicts: Vec<Verdict>, arguments: &RunArguments) -> Result<ExitCode> {
    let snapshots = root().join("conformance/snapshots");
    let snapshots = std::fs::canonicalize(&snapshots).with_context(|| snapshots.display().to_string())?;
    for verdict in &mut verdicts {
        verdict.check_snapshot(&snapshots);
    }
    if arguments.only.is_none() && arguments.server_bin.is_some() {
        snapshot::check_for_orphans(&snapshots, verdicts.iter().filter_map(|verdict| verdict.wire.as_ref()))?;
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.is_good()).count();
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_good()) {
        eprintln!("{}", report::text::failure(verdict));
    }
    let matrix = Matrix::of(&verdicts);
    let runs: usize = verdicts.iter().map(|verdict| verdict.runs).sum();
    println!("{}", report::text::matrix(&matrix));
    println!("{} scenarios, {} cases, {runs} runs", matrix.scenarios(), verdicts.len());
    let closing = format!("{} passed, {failed} failed", verdicts.len() - failed);
    if let Some(directory) = &arguments.report {
        report::write(directory, &matrix, &verdicts, &closing)?;
        let unexpected = verdicts.iter().filter(|verdict| !verdict.is_good()).map(report::text::title);
        std::fs::write(directory.join("unexpected.txt"), unexpected.collect::<Vec<_>>().join("\n"))?;
    }
    println!("{closing}");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
