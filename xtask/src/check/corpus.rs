//! How much of other people's documents the generator reads (laws B1, B3): every published spec of `../shared/corpus`
//! ends in an API or in diagnostics, never in a panic.

use std::{fs, panic, time::Instant};

use anyhow::{Context, Result};

use sdk_gen::{
    diagnostic::{Diagnostic, Severity},
    ir::coverage,
};

use super::{Problem, Report, Spec, spec::read, tree::Node};
use crate::repo::{Repo, SHARED_ABSENT};

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub fn check(repo: &Repo, _: &Spec) -> Result<Report> {
    let Some(folder) = repo.shared().map(|shared| shared.join("corpus")) else {
        return Ok(Report::skipped(SHARED_ABSENT));
    };
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "json"))
        .collect();
    paths.sort();

    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let (mut covered_all, mut operations_all) = (0, 0);
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(path)?;
        let started = Instant::now();
        let Ok((api, diagnostics)) = panic::catch_unwind(|| read(&text)) else {
            problems.push(Problem::new(
                format!("{name}: the generator panicked"),
                "turn the panic into a Diagnostic; `sdk-gen --spec` on the file shows the place",
            ));
            continue;
        };
        let took_ms = started.elapsed().as_millis();
        let operations = Node::parse(&text).map_or(0, |tree| count_operations(&tree));
        let coverage = api.map(|api| coverage(&api, &diagnostics));
        let (read, covered) = coverage.map_or((0, 0), |coverage| (coverage.operations, coverage.covered));
        let errors = diagnostics.items().iter().filter(|item| is_error(item)).count();
        let warnings = diagnostics.items().len() - errors;
        notes.push(format!(
            "{name:<32} {covered:>4} of {operations:>4} operations, {errors:>3} errors, {warnings:>4} warnings, {took_ms:>5} ms"
        ));
        if read < operations && errors == 0 {
            problems.push(Problem::new(
                format!("{name}: {} operations vanished without an error", operations - read),
                "report a Diagnostic for whatever cannot be generated (law B1)",
            ));
        }
        covered_all += covered;
        operations_all += operations;
    }
    let summary = format!("{covered_all} of {operations_all} operations in {} documents", paths.len());
    Ok(Report::new(summary, problems).with_notes(notes))
}

fn is_error(item: &Diagnostic) -> bool {
    item.severity == Severity::Error
}

fn count_operations(tree: &Node) -> usize {
    let paths = tree.get("paths").map_or(&[][..], Node::entries);
    let methods = paths.iter().flat_map(|(_, item)| item.entries());
    methods.filter(|(key, _)| METHODS.contains(&key.as_str())).count()
}
