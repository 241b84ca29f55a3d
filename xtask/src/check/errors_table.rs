//! docs/errors.md and the spec agree on which statuses there are (law C9), and on the status of every code: the table that
//! the SDKs are generated with is the spec's. That the page's codes are the server's is a test of the server's own
//! (server/http/src/codes.rs).

use std::collections::BTreeSet;

use anyhow::Result;
use sdk_gen::ir::model::ErrorStatus;

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
    let explained: BTreeSet<u16> = rows.iter().map(|row| row.status).collect();
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
        .filter(|row| !declared.contains(&row.status) && !WITHOUT_OPERATION.contains(&row.status))
        .map(|Row { code, status, .. }| {
            Problem::new(
                format!("{PAGE} explains `{code}` ({status}), which no operation of {SPEC} declares"),
                "add the status to the operations that answer with it, or remove the row".to_owned(),
            )
        });
    let mut problems: Vec<Problem> = unexplained.chain(undeclared).collect();
    problems.extend(disagreements(&rows, &api.error_statuses));
    Ok(Report::new(format!("{} codes, {} statuses", rows.len(), explained.len()), problems))
}

/// Where the page and the `x-error-statuses` of the spec differ.
fn disagreements(rows: &[Row], statuses: &[ErrorStatus]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known = |property: &str, name: &str| {
        let found = statuses.iter().find(|known| known.property == property && known.name == name);
        found.map(|known| known.status)
    };
    for Row { code, status, kind } in rows {
        if known("code", code) != Some(*status) {
            problems.push(Problem::new(
                format!("{PAGE} gives `{code}` the status {status}, and {SPEC} does not"),
                format!("write `{code}: {status}` under `x-error-statuses` of the error's `code`, then `cargo xtask gen`"),
            ));
        }
        if known("type", kind).is_none() {
            problems.push(Problem::new(
                format!("{PAGE} has the type `{kind}`, which {SPEC} gives no status"),
                format!(
                    "add `{kind}` under `x-error-statuses` of the error's `type`, then `cargo xtask gen`"
                ),
            ));
        }
    }
    let codes = statuses.iter().filter(|known| known.property == "code");
    problems.extend(codes.filter(|known| rows.iter().all(|row| row.code != known.name)).map(|known| {
        Problem::new(
            format!("{SPEC} gives the code `{}` a status, and {PAGE} does not explain it", known.name),
            format!("add a row to {PAGE}: code, status, type, cause, cure, retry"),
        )
    }));
    problems
}

/// What a row says, such as ``| `model_not_found` | 404 | invalid_request_error | …``.
#[derive(Debug, PartialEq)]
struct Row {
    code: String,
    status: u16,
    kind: String,
}

fn rows(markdown: &str) -> Vec<Row> {
    let cells = markdown.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells
        .filter_map(|(code, rest)| {
            let cell = |at: usize| rest.split('|').nth(at).map(str::trim);
            Some(Row { code: code.to_owned(), status: cell(1)?.parse().ok()?, kind: cell(2)?.to_owned() })
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
        assert_eq!(rows(page), [row("not_found", 404)]);
    }

    fn row(code: &str, status: u16) -> Row {
        Row { code: code.to_owned(), status, kind: "not_found_error".to_owned() }
    }

    #[test]
    fn a_code_has_one_status_on_the_page_and_in_the_spec() {
        let known = |property: &str, name: &str, status| ErrorStatus {
            property: property.to_owned(),
            name: name.to_owned(),
            status,
        };
        let spec = [known("type", "not_found_error", 404), known("code", "a", 404), known("code", "b", 410)];
        for (rows, expected) in [
            (vec![row("a", 404), row("b", 410)], 0),
            (vec![row("a", 404)], 1),
            (vec![row("a", 404), row("b", 404)], 1),
            (vec![row("a", 404), row("b", 410), row("c", 404)], 1),
        ] {
            assert_eq!(disagreements(&rows, &spec).len(), expected, "{rows:?}");
        }
        assert_eq!(disagreements(&[row("a", 404)], &[known("code", "a", 404)]).len(), 1);
    }
}
