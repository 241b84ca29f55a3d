//! `cargo xtask test` and `cargo xtask ci`: every test there is, one row each, all of them even if one fails.

mod alone;
mod python;
mod typescript;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{
    check, cluster, conformance, deny, examples, generate, postgres, process, redis, repo::Repo, table::Table,
};

#[derive(clap::Args, Default)]
pub struct Options {
    /// Runs only the steps of these names.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leaves out the steps of these names.
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
}

/// Whether a step that cannot run here is a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Skips {
    Allowed,
    Fail,
}

enum Outcome {
    Passed(String),
    Skipped(String),
}

type Step = fn(&Repo) -> Result<Outcome>;

/// Cheap ones first: most mistakes show within a minute.
const STEPS: [(&str, Step); 22] = [
    ("tools", tools),
    ("format", |repo| cargo(repo, &["fmt", "--all", "--check"])),
    ("fresh", |repo| {
        generate::run(repo, &generate::Options { check: true })?;
        Ok(Outcome::Passed("every generated file is what the spec gives".into()))
    }),
    ("clippy", |repo| cargo(repo, &["clippy", "-q", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("check", |repo| {
        check::run(repo, &check::Options::default())?;
        Ok(Outcome::Passed(String::new()))
    }),
    ("redis", |repo| {
        Ok(match redis::server(repo) {
            Some(server) if redis::ensure_tls(&server) => Outcome::Passed(redis::version(&server)),
            Some(server) => Outcome::Passed(format!(
                "{}; none that has TLS, whose tests are skipped",
                redis::version(&server)
            )),
            None => Outcome::Skipped("there is no redis-server, and none could be downloaded".into()),
        })
    }),
    ("postgres", |repo| {
        Ok(match postgres::binaries(repo) {
            Some(binaries) => Outcome::Passed(postgres::version(&binaries)),
            None => Outcome::Skipped("there is no PostgreSQL, and none could be downloaded".into()),
        })
    }),
    ("tests", tests),
    ("cluster", |repo| {
        Ok(match cluster::tested(repo)? {
            None => {
                Outcome::Passed("two gateways, Redis and PostgreSQL, as docker-compose.yml has them".into())
            }
            Some(absent) => Outcome::Skipped(format!("there is no {absent}")),
        })
    }),
    ("doc tests", |repo| cargo(repo, &["test", "--workspace", "--doc"])),
    ("sdk alone", alone::sdk_rust),
    ("conformance", |repo| {
        let left_out = conformance::run(repo, &conformance::Options::default())?;
        Ok(match left_out.as_slice() {
            [] => Outcome::Passed("the server, our SDKs, and OpenAI's beside them".into()),
            columns => Outcome::Skipped(format!("passed, but without {}", columns.join(", "))),
        })
    }),
    ("examples", |repo| Ok(Outcome::Passed(format!("{} ran against novai-sim", examples::run(repo)?)))),
    ("python style", python::style),
    ("python tests", python::tests),
    ("python readme", python::readme),
    ("python corpus", python::corpus),
    ("python package", python::package),
    ("typescript", typescript::package),
    ("typescript corpus", typescript::corpus),
    ("typescript platforms", typescript::platforms),
    ("deny", licences),
];

pub fn run(repo: &Repo, options: &Options, skips: Skips) -> Result<()> {
    let named = options.only.iter().chain(&options.skip);
    if let Some(unknown) = named.into_iter().find(|name| STEPS.iter().all(|(known, _)| known != name)) {
        bail!("there is no step `{unknown}`; choose from: {}", STEPS.map(|(name, _)| name).join(", "));
    }
    let started = Instant::now();
    let mut table = Table::new(["step", "result", "seconds", ""]);
    let mut failed = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| options.selects(name)) {
        println!("\n=== {name}");
        let step_started = Instant::now();
        let (result, text) = match step(repo) {
            Ok(Outcome::Passed(text)) => ("ok", text),
            Ok(Outcome::Skipped(why)) if skips == Skips::Allowed => ("skipped", why),
            Ok(Outcome::Skipped(why)) => ("FAIL", format!("skipped: {why}")),
            Err(error) => {
                eprintln!("error: {error:#}");
                ("FAIL", first_line(&format!("{error:#}")))
            }
        };
        if result == "FAIL" {
            failed.push(*name);
        }
        table.row([(*name).into(), result.into(), seconds(step_started), text]);
    }
    println!("\n{table}");
    println!("{} s in all", seconds(started));
    if !failed.is_empty() {
        bail!("failed: {}; `cargo xtask test --only NAME` runs one again", failed.join(", "));
    }
    Ok(())
}

impl Options {
    fn selects(&self, name: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|listed| listed == name);
        !named(&self.skip) && (self.only.is_empty() || named(&self.only))
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.1}", since.elapsed().as_secs_f64())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Says which tools there are, so that a log from another machine explains itself.
fn tools(_: &Repo) -> Result<Outcome> {
    let tools = [("rustc", "rustc"), ("cargo", "cargo"), ("python", "python3"), ("node", "node")];
    for (name, program) in tools {
        let version = process::version(program, &["--version"]);
        println!("{name:<8}{}", version.as_deref().unwrap_or("absent"));
    }
    Ok(Outcome::Passed("Rust builds and generates everything; Python and Node test their SDKs".into()))
}

/// Tests that need a server start one of their own; here they learn where its program is.
fn tests(repo: &Repo) -> Result<Outcome> {
    let mut test = process::cargo(repo);
    // One crate's failure must not hide the next one's.
    test.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
    if let Some(server) = redis::server(repo) {
        test.env(redis::VARIABLE, server);
    }
    if let Some(binaries) = postgres::binaries(repo) {
        test.env(postgres::VARIABLE, binaries);
    }
    process::run(&mut test)?;
    Ok(Outcome::Passed(String::new()))
}

fn cargo(repo: &Repo, arguments: &[&str]) -> Result<Outcome> {
    process::run(process::cargo(repo).args(arguments))?;
    Ok(Outcome::Passed(String::new()))
}

fn licences(repo: &Repo) -> Result<Outcome> {
    match deny::installed(repo) {
        Some(path) => {
            deny::check(repo, path)?;
            Ok(Outcome::Passed(
                "licences, bans, sources (advisories need a network: see CONTRIBUTING.md)".into(),
            ))
        }
        None => Ok(Outcome::Skipped("cargo-deny could not be installed".into())),
    }
}
