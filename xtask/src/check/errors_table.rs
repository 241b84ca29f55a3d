//! docs/errors.md and the spec agree on which statuses there are (law C9). That the page's codes are the server's is a
//! test of the server's own (server/http/src/codes.rs).

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Problem, Report, Spec};
use crate::{generate::SPEC, repo::Repo};

const PAGE: &str = "docs/errors.md";

/// Statuses that no operation can declare: 405 answers a method that has no operation.
const WITHOUT_OPERATION: [u16; 1] = [405];

pub fn check(repo: &Repo, spec: &Spec) -> Result<Report> {
    let Some(api) = &spec.api else {
        return Ok(Report::skipped("the spec cannot be read"));
    };
    let rows = rows(&repo.read(PAGE)?);
    let explained: BTreeSet<u16> = rows.iter().map(|(_, status)| *status).collect();
    let declared: BTreeSet<u16> = api
        .operations
        .iter()
        .flat_map(|operation| &operation.errors)
        .filter_map(|error| error.status)
        .collect();
    let unexplained = declared.difference(&explained).map(|status| {
        Problem::new(
            format!("{SPEC} answers with {status}, which {PAGE} does not explain"),
            format!("add a row to {PAGE}: code, status, type, cause, cure, retry"),
        )
    });
    let undeclared = rows
        .iter()
        .filter(|(_, status)| !declared.contains(status) && !WITHOUT_OPERATION.contains(status))
        .map(|(code, status)| {
            Problem::new(
                format!("{PAGE} explains `{code}` ({status}), which no operation of {SPEC} declares"),
                "add the status to the operations that answer with it, or remove the row".to_owned(),
            )
        });
    let problems = unexplained.chain(undeclared).collect();
    Ok(Report::new(format!("{} codes, {} statuses", rows.len(), explained.len()), problems))
}

/// Code and status of each row, such as ``| `model_not_found` | 404 | …``.
fn rows(markdown: &str) -> Vec<(String, u16)> {
    let cells = markdown.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells
        .filter_map(|(code, rest)| {
            let status = rest.split('|').nth(1)?.trim().parse().ok()?;
            Some((code.to_owned(), status))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_and_skips_the_rest() {
        let page =
            "| Code | Status |\n|---|---|\n| `not_found` | 404 | not_found_error |\ntext `x` | 500 |\n";
        assert_eq!(rows(page), [("not_found".to_owned(), 404)]);
    }
}
