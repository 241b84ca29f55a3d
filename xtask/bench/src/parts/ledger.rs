//! The ledger: requests settled per second, and a question over a month of rows. The load is a test of the stores, which
//! says what it saw in lines that begin with `figure:`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::{
    Options, bounds_note,
    laws::{SETTLED_PER_SECOND, USAGE_QUERY_MS},
    limits::figure,
};
use crate::report::{Cell, Table};

/// Requests and rows.
const FULL: [&str; 2] = ["200000", "10000000"];
const QUICK: [&str; 2] = ["20000", "100000"];

pub fn measure(options: &Options) -> Result<Table> {
    let [requests, rows] = if options.quick { QUICK } else { FULL };
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--profile", "bench", "--quiet", "-p", "novai-stores", "--test", "ledger_load"])
        // One after the other: each has the machine to itself.
        .args(["--", "--nocapture", "--test-threads=1"])
        .current_dir(&options.root)
        .env("NOVAI_LOAD_REQUESTS", requests)
        .env("NOVAI_LOAD_ROWS", rows)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the load ended with {}:\n{text}", output.status);
    let mut table = Table::new("Ledger", ["what", "figure"]);
    for (name, value) in text.lines().filter_map(figure) {
        let cell = match name {
            "sqlite settled/s" => Cell::judged(1e9 / value, 0, " ns per request", SETTLED_PER_SECOND),
            _ if name.starts_with("ms per key's month") => Cell::judged(value, 2, " ms", USAGE_QUERY_MS),
            _ => Cell::number(value, 1),
        };
        table.row([Cell::text(name), cell]);
    }
    table.notes.push(
        "16 callers reserve and settle; the time ends when everything is in the database. Questions are answered from \
         daily sums, which are kept in the transaction that adds the rows."
            .into(),
    );
    table.notes.push(bounds_note(&[SETTLED_PER_SECOND, USAGE_QUERY_MS]));
    Ok(table)
}
