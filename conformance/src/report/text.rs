//! For the terminal: each failure with all that is needed to understand and repeat it, then the matrix, then one closing line.

use std::fmt::Write as _;

use super::{Cell, LEGEND, Matrix, Row, State};
use crate::scenario::Column;
use crate::suite::Verdict;

/// Lines of an observation that a failure prints; the mismatches above it are complete.
const OBSERVED_LINES_MAX: usize = 60;

/// One line: what was not as it should be.
pub fn title(verdict: &Verdict) -> String {
    let (id, column) = (&verdict.case.id, verdict.column.name());
    match &verdict.failure {
        None => format!(
            "SURPRISE {id} [{column}] passes, and is listed in conformance/known-failing/{column}.txt"
        ),
        Some(failure) if failure.variation.is_empty() => format!("FAIL {id} [{column}]"),
        Some(failure) => format!("FAIL {id} [{column}] at {}", failure.variation),
    }
}

pub fn failure(verdict: &Verdict) -> String {
    let mut text = title(verdict);
    text.push('\n');
    let id = &verdict.case.id;
    match &verdict.failure {
        None => {
            let _ = writeln!(text, "  fix:   delete its line there");
        }
        Some(failure) => {
            let _ = writeln!(text, "  why:   {}", verdict.case.why);
            for mismatch in &failure.mismatches {
                let _ = writeln!(text, "  {}", mismatch.path);
                let _ = writeln!(text, "    - expected {}", mismatch.expected);
                let _ = writeln!(text, "    + actual   {}", mismatch.actual);
            }
            let _ = writeln!(text, "  observed:");
            let observed = serde_json::to_string_pretty(&failure.observed).unwrap_or_default();
            let lines: Vec<&str> = observed.lines().collect();
            for line in lines.iter().take(OBSERVED_LINES_MAX) {
                let _ = writeln!(text, "  | {}", shortened(line));
            }
            if lines.len() > OBSERVED_LINES_MAX {
                let _ = writeln!(text, "  | … {} more lines", lines.len() - OBSERVED_LINES_MAX);
            }
        }
    }
    let _ = writeln!(text, "  rerun: cargo xtask conformance --only {id}");
    text
}

pub fn shortened(line: &str) -> String {
    const CHARACTERS_MAX: usize = 400;
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// The areas at a glance, then every scenario that some column does not pass.
pub fn matrix(matrix: &Matrix) -> String {
    let names = matrix.columns.iter().map(|column| column.name());
    let mut rows = vec![[""].into_iter().chain(names).map(str::to_owned).collect()];
    let row = |name: &str, cell: &dyn Fn(&str) -> Option<Cell>| -> Vec<String> {
        let shown = |column: &Column| cell(column.name()).map_or_else(|| "·".to_owned(), Cell::text);
        [name.to_owned()].into_iter().chain(matrix.columns.iter().map(shown)).collect()
    };
    for (name, area) in &matrix.areas {
        rows.push(row(name, &|column| area.total(column)));
    }
    rows.push(row("all", &|column| matrix.total(column)));
    let flawed = matrix.areas.values().flat_map(|area| &area.rows).filter(|(_, row)| is_flawed(matrix, row));
    let flawed: Vec<Vec<String>> =
        flawed.map(|(name, scenario)| row(name, &|column| scenario.cells.get(column).copied())).collect();
    if !flawed.is_empty() {
        rows.push(Vec::new());
        rows.extend(flawed);
    }
    format!("{}{LEGEND}\n", aligned(&rows))
}

/// What our own columns do not pass; what others do not is in the files, and would fill a screen here.
fn is_flawed(matrix: &Matrix, row: &Row) -> bool {
    matrix.columns.iter().filter_map(|column| Some((column, row.cells.get(column.name())?))).any(
        |(column, cell)| match cell.state() {
            State::Passes => false,
            State::FailsAsListed => column.is_ours(),
            State::Fails | State::Surprise => true,
        },
    )
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        let _ = writeln!(text, "{}", cells.collect::<Vec<String>>().join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::compare::Mismatch;
    use crate::scenario::Case;
    use crate::suite::Failure;

    fn verdict(failure: Option<Failure>, known_failing: bool) -> Verdict {
        let body = serde_json::from_value(json!({"name": "c", "request": {"op": "chat.create"}})).unwrap();
        Verdict {
            case: Arc::new(Case {
                id: "stream/cut/c".into(),
                scenario: "stream/cut".into(),
                why: "Because.".into(),
                body,
            }),
            column: Column::Server,
            runs: 1,
            failure,
            known_failing: known_failing.then(|| "It hangs.".to_owned()),
            wire: None,
        }
    }

    #[test]
    fn a_failure_says_what_where_and_how_to_rerun() {
        let mismatch =
            Mismatch { path: "events[1]".into(), expected: "\"llo\"".into(), actual: "nothing".into() };
        let text = failure(&verdict(
            Some(Failure {
                variation: "truncate=17 ending=close".into(),
                mismatches: vec![mismatch],
                observed: json!({"events": ["He"]}),
            }),
            false,
        ));
        assert_eq!(
            text,
            "FAIL stream/cut/c [server] at truncate=17 ending=close\n  why:   Because.\n  events[1]\n    \
             - expected \"llo\"\n    + actual   nothing\n  observed:\n  | {\n  |   \"events\": [\n  |     \"He\"\n  |   ]\n  | }\n  \
             rerun: cargo xtask conformance --only stream/cut/c\n"
        );
    }

    #[test]
    fn a_surprise_names_the_list() {
        let text = failure(&verdict(None, true));
        assert!(text.contains("conformance/known-failing/server.txt"), "{text}");
        assert!(!verdict(None, true).is_good());
    }

    #[test]
    fn the_matrix_has_a_row_per_area_and_one_per_scenario_that_fails() {
        let failed = Failure { variation: String::new(), mismatches: Vec::new(), observed: json!({}) };
        let text = matrix(&Matrix::of(&[verdict(None, false), verdict(Some(failed), true)]));
        let lines: Vec<&str> = text.lines().take(5).collect();
        let expected =
            ["            server", "stream       ~ 1/2", "all          ~ 1/2", "", "stream/cut   ~ 1/2"];
        assert_eq!(lines, expected);
    }
}
