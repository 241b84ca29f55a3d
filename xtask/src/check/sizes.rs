//! Lengths of hand-written source files. A report, not a gate: it shows where the next split is due.

use anyhow::Result;

use super::{Report, Spec};
use crate::repo::Repo;

/// Longer than this, a file no longer fits a reader's head.
const LINES_MAX: usize = 400;
const FOLDERS: [&str; 5] = ["sdk-gen", "server", "sdk-rust", "conformance", "xtask"];

pub fn check(repo: &Repo, _: &Spec) -> Result<Report> {
    let mut sizes = Vec::new();
    for folder in FOLDERS {
        for path in repo.files(folder)? {
            if path.ends_with(".rs") && !path.contains("/generated/") {
                sizes.push((repo.read(&path)?.lines().count(), path));
            }
        }
    }
    sizes.sort();
    let median = sizes.get(sizes.len() / 2).map_or(0, |(lines, _)| *lines);
    let long: Vec<String> = sizes
        .iter()
        .rev()
        .take_while(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path} has {lines} lines; more than {LINES_MAX} is due for a split"))
        .collect();
    let summary = format!("{} files, median {median} lines, {} over {LINES_MAX}", sizes.len(), long.len());
    Ok(Report::new(summary, Vec::new()).with_notes(long))
}
