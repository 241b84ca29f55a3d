//! The matrix as Markdown: the areas at a glance, then every scenario, then what failed and what is listed.

use std::fmt::Write as _;

use super::{Cell, LEGEND, Matrix, text};
use crate::suite::Verdict;

pub fn page(matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> String {
    let mut page = format!("# Conformance\n\n{closing}\n\n");
    header(&mut page, matrix, "area", &[]);
    for (name, area) in &matrix.areas {
        row(&mut page, matrix, name, |column| area.total(column), None);
    }
    row(&mut page, matrix, "**all**", |column| matrix.total(column), None);
    let _ = writeln!(page, "\n{LEGEND}\n\n## Scenarios\n");
    header(&mut page, matrix, "scenario", &["why"]);
    for (name, scenario) in matrix.areas.values().flat_map(|area| &area.rows) {
        row(&mut page, matrix, name, |column| scenario.cells.get(column).copied(), Some(&scenario.why));
    }
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_good()) {
        let _ = write!(page, "\n```text\n{}```\n", text::failure(verdict));
    }
    listed(&mut page, verdicts);
    page
}

fn header(page: &mut String, matrix: &Matrix, first: &str, last: &[&str]) {
    let names = matrix.columns.iter().map(|column| column.name());
    let names: Vec<&str> = [first].into_iter().chain(names).chain(last.iter().copied()).collect();
    let _ = writeln!(page, "| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
}

fn row(
    page: &mut String,
    matrix: &Matrix,
    name: &str,
    cell: impl Fn(&str) -> Option<Cell>,
    last: Option<&str>,
) {
    let _ = write!(page, "| {name} |");
    for column in &matrix.columns {
        let _ = write!(page, " {} |", cell(column.name()).map_or_else(|| "·".to_owned(), Cell::text));
    }
    if let Some(last) = last {
        let _ = write!(page, " {} |", last.replace('|', "\\|"));
    }
    page.push('\n');
}

fn listed(page: &mut String, verdicts: &[Verdict]) {
    let mut listed =
        verdicts.iter().filter_map(|verdict| Some((verdict, verdict.known_failing.as_ref()?))).peekable();
    if listed.peek().is_some() {
        page.push_str("\n## Listed as failing\n\n| client | case | why it fails |\n|---|---|---|\n");
    }
    for (verdict, reason) in listed {
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            verdict.column.name(),
            verdict.case.id,
            reason.replace('|', "\\|")
        );
    }
}
