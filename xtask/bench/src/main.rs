//! `novai-bench`: the numbers that the laws bound, each beside a floor that was measured in the same run.
//!
//! Start at `parts`: one file per part of the report. A part starts programs, among them this one again in another role
//! (`roles`), so that the CPU time and the memory of each are its own.
//!
//! **Invariant:** the gateway and the SDKs are processes here, never crates. The generator alone is linked: it is a pure
//! function, and starting a process would be most of what is timed.
//!
//! Linux only: the figures come from /proc.

mod child;
mod gateway;
mod parts;
mod report;
mod roles;
mod statistics;
mod usage;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures the gateway, the SDKs and the generator")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures and reports.
    Run(parts::Options),
    /// Role: a scripted OpenAI-compatible server.
    #[command(hide = true)]
    Upstream,
    /// Role: a bare hyper pass-through.
    #[command(hide = true)]
    Floor(roles::floor::Options),
    /// Role: a closed-loop load generator.
    #[command(hide = true)]
    Load(roles::load::Options),
    /// Role: a client that opens streams and holds them.
    #[command(hide = true)]
    Hold(roles::hold::Options),
    /// Role: a client that reads streams without looking into them.
    #[command(hide = true)]
    Read(roles::read::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(options) => return parts::run(&options),
        Command::Upstream => roles::small_runtime()?.block_on(roles::upstream::run())?,
        Command::Floor(options) => roles::full_runtime()?.block_on(roles::floor::run(&options))?,
        Command::Load(options) => roles::small_runtime()?.block_on(roles::load::run(options))?,
        Command::Hold(options) => roles::small_runtime()?.block_on(roles::hold::run(options))?,
        Command::Read(options) => roles::small_runtime()?.block_on(roles::read::run(options))?,
    }
    Ok(ExitCode::SUCCESS)
}
