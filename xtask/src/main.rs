//! `cargo xtask`: every chore of this repository, in one program that needs nothing but Rust.
//!
//! Start at [`Command`]; each variant is one file of the same name. What a check says is in `check/`, one file each.
//!
//! **Invariant:** this crate links sdk-gen and nothing else of ours. The server, the SDKs and the conformance runner are
//! processes to it, so that a change in them cannot break the tool that tests them.

mod bench;
mod check;
mod cluster;
mod conformance;
mod crash;
mod debian;
mod deny;
mod examples;
mod generate;
mod node;
mod postgres;
mod process;
mod python;
mod redis;
mod repo;
mod server;
mod table;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Generates, checks, tests and measures NovAI", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes everything that follows from spec/openapi.yaml and spec/proto.
    Gen(generate::Options),
    /// Checks what compilers cannot: the spec, freshness, layers, compatibility.
    Check(check::Options),
    /// Installs what tests need and runs every test.
    Test(test::Options),
    /// The same as `test`, where a skipped step is a failure.
    Ci(test::Options),
    /// Runs the scenarios of spec/scenarios against the server and the SDKs.
    Conformance(conformance::Options),
    /// Prints the numbers that the laws bound, with the floor measured in the same run.
    Bench(bench::Options),
    /// Kills the gateway again and again, and checks that its books are right.
    Crash(crash::Options),
    /// Starts two gateways, Redis and PostgreSQL as docker-compose.yml has them, and tests them together.
    Cluster(cluster::Options),
    /// Checks licences, duplicate bans and sources of every dependency.
    Deny(deny::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = repo::Repo::find().and_then(|repo| match arguments.command {
        Command::Gen(options) => generate::run(&repo, &options),
        Command::Check(options) => check::run(&repo, &options),
        Command::Test(options) => test::run(&repo, &options, test::Skips::Allowed),
        Command::Ci(options) => test::run(&repo, &options, test::Skips::Fail),
        Command::Conformance(options) => conformance::run(&repo, &options).map(drop),
        Command::Bench(options) => bench::run(&repo, &options),
        Command::Crash(options) => crash::run(&repo, &options),
        Command::Cluster(options) => cluster::run(&repo, &options),
        Command::Deny(options) => deny::run(&repo, &options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
