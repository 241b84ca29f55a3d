//! Limits: what a decision costs in memory, and three gateways on one Redis. The load is a test of the stores, which says
//! what it saw in lines that begin with `figure:`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{
    Options, bounds_note,
    laws::{LIMIT_DECISION_NS, LIMIT_ROUND_TRIPS, LIMITS_EXCEEDED},
};
use crate::report::{Bound, Cell, Table};

const REQUESTS: &str = "1000000";
const REQUESTS_QUICK: &str = "50000";

pub fn measure(options: &Options) -> Result<Table> {
    let requests = if options.quick { REQUESTS_QUICK } else { REQUESTS };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--profile", "bench", "--quiet", "-p", "novai-stores", "--test", "limits_load"])
        // One after the other: each has the machine to itself.
        .args(["--", "--nocapture", "--test-threads=1"])
        .current_dir(&options.root)
        .env("NOVAI_LOAD_REQUESTS", requests)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the load ended with {}:\n{text}", output.status);
    let mut table = Table::new("Limits", ["what", "figure"]);
    for (name, value) in text.lines().filter_map(figure) {
        let cell = match bound(name) {
            Some(bound) => Cell::judged(value, 2, "", bound),
            None => Cell::number(value, 0),
        };
        table.row([Cell::text(name), cell]);
    }
    if !text.contains("redis decisions") {
        table.notes.push("Redis: skipped: there is no redis-server".into());
    }
    table
        .notes
        .push("A decision is over 4 limits in memory, over 3 in Redis; times include the clock's.".into());
    table.notes.push(bounds_note(&[LIMIT_DECISION_NS, LIMITS_EXCEEDED, LIMIT_ROUND_TRIPS]));
    Ok(table)
}

pub(super) fn figure(line: &str) -> Option<(&str, f64)> {
    let (_, figure) = line.split_once("figure: ")?;
    let (name, value) = figure.split_once(" = ")?;
    Some((name, value.parse().ok()?))
}

fn bound(name: &str) -> Option<Bound> {
    match name {
        "memory decision ns" => Some(LIMIT_DECISION_NS),
        "over" => Some(LIMITS_EXCEEDED),
        "round trips per decision" => Some(LIMIT_ROUND_TRIPS),
        _ => None,
    }
}
