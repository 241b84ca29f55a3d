//! The spec keeps what the newest release promised: spec/openapi.yaml against the newest document of spec/released/.
//!
//! Start at [`compare`]; what counts as a break is the table in `rules`. Both documents are compared as the generator's
//! `Api`, so that two spellings of one schema are no change.
//!
//! A break is allowed where the version says so: a higher major, or a higher minor while the major is 0.

mod bounds;
mod operations;
mod rules;
mod types;
mod walk;

#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use sdk_gen::{diagnostic::Diagnostics, ir::model::Api};

use self::walk::Comparison;
use super::{Problem, Report, Spec};
use crate::{generate::SPEC, repo::Repo};

const RELEASED: &str = "spec/released";

pub fn check(repo: &Repo, spec: &Spec) -> Result<Report> {
    let Some(newest) = newest_release(repo)? else {
        return Ok(Report::skipped(format!("{RELEASED} holds no document yet")));
    };
    let Some(new) = &spec.api else {
        return Ok(Report::skipped("the spec cannot be read"));
    };
    let old = sdk_gen::read(&repo.read(&newest)?, &mut Diagnostics::default())
        .with_context(|| format!("{newest} cannot be read"))?;
    let breaks = compare(&old, new);
    let described = breaks.iter().map(|broken| format!("{}: {}", broken.at, broken.rule.meaning()));
    if may_break(&old.version, &new.version) {
        let summary = format!("{} breaks since {newest}, allowed by version {}", breaks.len(), new.version);
        return Ok(Report::new(summary, Vec::new()).with_notes(described.collect()));
    }
    let problems = described
        .map(|what| {
            let fix =
                format!("take the change back, or raise `info.version` in {SPEC} and say so in CHANGELOG.md");
            Problem::new(format!("breaks {newest}: {what}"), fix)
        })
        .collect();
    Ok(Report::new(format!("against {newest}"), problems))
}

/// A promise that the new document does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Break {
    rule: rules::Rule,
    /// `POST /chat/completions request.messages[]`, or the name of a schema.
    at: String,
}

fn compare(old: &Api, new: &Api) -> Vec<Break> {
    let mut comparison = Comparison::new(old, new);
    operations::compare(&mut comparison);
    types::compare_names(&mut comparison);
    comparison.breaks
}

/// By the version in the file's name, so that 0.10 is newer than 0.9.
fn newest_release(repo: &Repo) -> Result<Option<String>> {
    let files = repo.files(RELEASED)?;
    let documents = files.into_iter().filter(|path| path.ends_with(".yaml"));
    Ok(documents.max_by_key(|path| numbers(path)))
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn may_break(old: &str, new: &str) -> bool {
    let part = |version: &str, index: usize| numbers(version).get(index).copied().unwrap_or(0);
    let (old_major, new_major) = (part(old, 0), part(new, 0));
    new_major > old_major || (new_major == old_major && new_major == 0 && part(new, 1) > part(old, 1))
}
