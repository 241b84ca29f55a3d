//! The parts of the report, one file each.

mod build;
mod first_event;
mod generator;
mod idle;
mod laws;
mod ledger;
mod limits;
mod machine;
mod refusals;
mod scenarios;
mod sdk;
mod server;
mod translate;
mod worker;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::report::{Bound, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    Server,
    Worker,
    FirstEvent,
    Translate,
    Idle,
    Limits,
    Ledger,
    Sdk,
    Gen,
    Build,
}

#[derive(clap::Args)]
pub struct Options {
    #[arg(value_enum, required = true)]
    parts: Vec<Part>,
    #[arg(long)]
    gateway: PathBuf,
    #[arg(long)]
    sdk_client: PathBuf,
    /// A Python that has our SDK.
    #[arg(long)]
    python: Option<PathBuf>,
    /// A Python that has OpenAI's.
    #[arg(long)]
    python_openai: Option<PathBuf>,
    /// There is a node, and both SDKs for it are installed.
    #[arg(long)]
    node: bool,
    /// Our own document.
    #[arg(long)]
    spec: PathBuf,
    /// A large published document.
    #[arg(long)]
    large_spec: Option<PathBuf>,
    #[arg(long)]
    root: PathBuf,
    #[arg(long)]
    scratch: PathBuf,
    #[arg(long)]
    quick: bool,
    #[arg(long)]
    assert: bool,
    #[arg(long)]
    out: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let machine = machine::describe()?;
    println!("{machine}\n");
    let mut markdown = format!("# Benchmark\n\n{machine}\n");
    let mut failures = 0;
    for part in &options.parts {
        let tables: Vec<Table> = match part {
            Part::Server => vec![server::measure(options)?, refusals::measure(options)?],
            Part::Worker => vec![worker::measure(options)?],
            Part::FirstEvent => vec![first_event::measure(options)?],
            Part::Translate => translate::measure(options)?,
            Part::Idle => vec![idle::measure(options)?],
            Part::Limits => vec![limits::measure(options)?],
            Part::Ledger => vec![ledger::measure(options)?],
            Part::Sdk => sdk::measure(options)?,
            Part::Gen => vec![generator::measure(options)?],
            Part::Build => vec![build::measure(options)?],
        };
        for table in tables {
            println!("{table}");
            markdown.push_str(&format!("\n{}", table.markdown()));
            failures += table.failures();
        }
    }
    if let Some(out) = &options.out {
        fs::write(out, markdown).with_context(|| format!("cannot write {}", out.display()))?;
    }
    println!("{failures} figures beyond their bounds");
    Ok(if options.assert && failures > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The note that says where a table's bounds come from.
fn bounds_note(bounds: &[Bound]) -> String {
    let laws: Vec<&str> = bounds.iter().map(|bound| bound.law).collect();
    format!("Bounds: {}.", laws.join("; "))
}
