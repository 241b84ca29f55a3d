//! For the terminal: each failure with all that is needed to understand and repeat it, then the matrix, then one closing line.

use std::fmt::Write as _;

use super::{LEGEND, Matrix};
use crate::suite::Verdict;

/// Lines of an observation that a failure prints; the mismatches above it are complete.
const OBSERVED_LINES_MAX: usize = 60;

pub fn failure(verdict: &Verdict) -> String {
    let mut text = String::new();
    let id = &verdict.case.id;
    let column = verdict.column.name();
    match &verdict.failure {
        None => {
            let _ = writeln!(
                text,
                "SURPRISE {id} [{column}] passes, and is listed in conformance/known-failing/{column}.txt"
            );
            let _ = writeln!(text, "  fix:   delete its line there");
        }
        Some(failure) => {
            let _ = write!(text, "FAIL {id} [{column}]");
            if !failure.variation.is_empty() {
                let _ = write!(text, " at {}", failure.variation);
            }
            let _ = writeln!(text, "\n  why:   {}", verdict.case.why);
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

fn shortened(line: &str) -> String {
    const CHARACTERS_MAX: usize = 400;
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

pub fn matrix(matrix: &Matrix) -> String {
    let mut text = String::new();
    let width = matrix.rows.keys().map(|name| name.len()).max().unwrap_or(0).max("scenario".len());
    let _ = write!(text, "{:width$}", "scenario");
    for column in &matrix.columns {
        let _ = write!(text, "  {column:>10}");
    }
    text.push('\n');
    for (name, row) in &matrix.rows {
        let _ = write!(text, "{name:width$}");
        for column in &matrix.columns {
            let shown = match row.cells.get(column) {
                Some(cell) if cell.failed == 0 => format!("{} {}", cell.symbol(), cell.cases()),
                Some(cell) => format!("{} {}/{}", cell.symbol(), cell.passed, cell.cases()),
                None => "·".to_owned(),
            };
            let _ = write!(text, "  {shown:>10}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{LEGEND}");
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::compare::Mismatch;
    use crate::scenario::{Case, Column};
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
            known_failing,
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
    fn the_matrix_has_a_row_per_scenario() {
        let text = matrix(&Matrix::of(&[verdict(None, false)]));
        assert_eq!(text.lines().nth(1), Some("stream/cut         ✓ 1"));
    }
}
