//! What was proven, row by row.

use std::fmt;
use std::time::Instant;

pub struct Table {
    rows: Vec<[String; 3]>,
    since: Instant,
}

impl Default for Table {
    fn default() -> Self {
        Table { rows: Vec::new(), since: Instant::now() }
    }
}

impl Table {
    /// Called when a step has passed; one that does not pass ends the test.
    pub fn row(&mut self, what: &str, seen: impl Into<String>) {
        let took = std::mem::replace(&mut self.since, Instant::now()).elapsed();
        self.rows.push([what.to_owned(), seen.into(), format!("{:.1}", took.as_secs_f64())]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["proven", "seen", "seconds"].map(str::to_owned);
        let all = || std::iter::once(&heads).chain(&self.rows);
        let width = |column: usize| all().map(|row| row[column].len()).max().unwrap_or(0);
        let (first, second) = (width(0), width(1));
        for [what, seen, took] in all() {
            writeln!(f, "| {what:first$} | {seen:second$} | {took:>7} |")?;
        }
        Ok(())
    }
}
