//! `cargo xtask check`: what compilers cannot see. One file per check; each returns a [`Report`] whose problems say
//! what is wrong and what to do about it.
//!
//! **Invariant:** a check never changes a file, and never stops at the first problem.

mod compat;
mod corpus;
mod errors_table;
mod extensions;
mod freshness;
mod layering;
mod lint;
mod roundtrip;
mod sizes;
mod spec;
mod tree;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::{repo::Repo, table::Table};

pub use spec::Spec;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Runs only the checks of these names.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
}

type Check = fn(&Repo, &Spec) -> Result<Report>;

const CHECKS: [(&str, Check); 9] = [
    ("lint", lint::check),
    ("extensions", extensions::check),
    ("freshness", freshness::check),
    ("round trip", roundtrip::check),
    ("layering", layering::check),
    ("compatibility", compat::check),
    ("errors table", errors_table::check),
    ("corpus", corpus::check),
    ("sizes", sizes::check),
];

/// What one check found.
#[derive(Default)]
pub struct Report {
    /// One line for the table.
    summary: String,
    problems: Vec<Problem>,
    /// Worth reading, but no failure.
    notes: Vec<String>,
    skipped: bool,
}

/// What is wrong, and the instruction that mends it.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub what: String,
    pub fix: String,
}

impl Problem {
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

impl Report {
    pub fn new(summary: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self { summary: summary.into(), problems, ..Self::default() }
    }

    pub fn skipped(why: impl Into<String>) -> Self {
        Self { summary: why.into(), skipped: true, ..Self::default() }
    }

    pub fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    fn result(&self) -> &'static str {
        match (self.problems.is_empty(), self.skipped) {
            (false, _) => "FAIL",
            (true, true) => "skipped",
            (true, false) => "ok",
        }
    }
}

pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let unknown = options.only.iter().find(|name| CHECKS.iter().all(|(known, _)| known != name));
    if let Some(name) = unknown {
        let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        bail!("there is no check `{name}`; choose from: {}", known.join(", "));
    }
    let spec = Spec::load(repo)?;
    let mut table = Table::new(["check", "result", "ms", "what was seen"]);
    let mut reports = Vec::new();
    for (name, check) in CHECKS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        let started = Instant::now();
        let report = check(repo, &spec).unwrap_or_else(|error| {
            Report::new("could not run", vec![Problem::new(format!("{error:#}"), "see the message above")])
        });
        let took_ms = started.elapsed().as_millis().to_string();
        table.row([name.into(), report.result().into(), took_ms, report.summary.clone()]);
        reports.push((name, report));
    }
    for (name, report) in &reports {
        print_details(name, report);
    }
    print!("{table}");
    let failed = reports.iter().filter(|(_, report)| !report.problems.is_empty()).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed; each problem above says how to mend it", reports.len());
    }
    Ok(())
}

fn print_details(name: &str, report: &Report) {
    for note in &report.notes {
        println!("{name}: {note}");
    }
    for problem in &report.problems {
        println!("{name}: {}\n  fix: {}", problem.what, problem.fix);
    }
    if !report.notes.is_empty() || !report.problems.is_empty() {
        println!();
    }
}
