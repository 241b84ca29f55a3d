//! The matrix as one page that needs nothing else: no script, no font, no network.

use maud::{DOCTYPE, Markup, html};

use super::{Cell, LEGEND, Matrix, State, text};
use crate::scenario::Column;
use crate::suite::Verdict;

const STYLE: &str = include_str!("style.css");

pub fn page(matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> String {
    let unexpected: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.is_good()).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Conformance" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "Conformance" }
                p.closing { (closing) }
                table {
                    (header(matrix, "area"))
                    tbody {
                        @for (name, area) in &matrix.areas {
                            tr { th scope="row" { a href={ "#" (name) } { (name) } } (cells(matrix, |column| area.total(column))) }
                        }
                        tr.all { th scope="row" { "all" } (cells(matrix, |column| matrix.total(column))) }
                    }
                }
                p.legend { (LEGEND) }
                @if !unexpected.is_empty() {
                    h2 { "Not as expected" }
                    @for verdict in unexpected { pre { (text::failure(verdict)) } }
                }
                h2 { "Scenarios" }
                @for (name, area) in &matrix.areas {
                    h3 id=(name) { (name) }
                    table {
                        (header(matrix, "scenario"))
                        tbody {
                            @for (scenario, row) in &area.rows {
                                tr {
                                    th scope="row" { (scenario) div.why { (row.why) } }
                                    (cells(matrix, |column| row.cells.get(column).copied()))
                                }
                            }
                        }
                    }
                }
                (listed(matrix, verdicts))
            }
        }
    };
    page.into_string()
}

fn header(matrix: &Matrix, first: &str) -> Markup {
    html! {
        thead {
            tr {
                th scope="col" { (first) }
                @for column in &matrix.columns {
                    th scope="col" class=[(!column.is_ours()).then_some("compared")] { (column.name()) }
                }
            }
        }
    }
}

fn cells(matrix: &Matrix, cell: impl Fn(&str) -> Option<Cell>) -> Markup {
    html! {
        @for column in &matrix.columns {
            @match cell(column.name()) {
                Some(cell) => td class=(class(cell.state())) { (cell.text()) },
                None => td.none { "·" },
            }
        }
    }
}

fn class(state: State) -> &'static str {
    match state {
        State::Passes => "passes",
        State::Fails => "fails",
        State::FailsAsListed => "listed",
        State::Surprise => "surprise",
    }
}

fn listed(matrix: &Matrix, verdicts: &[Verdict]) -> Markup {
    let of = |column: &Column| -> Vec<(&Verdict, &String)> {
        let own = verdicts.iter().filter(|verdict| verdict.column == *column);
        own.filter_map(|verdict| Some((verdict, verdict.known_failing.as_ref()?))).collect()
    };
    let lists: Vec<_> = matrix
        .columns
        .iter()
        .map(|column| (column, of(column)))
        .filter(|(_, list)| !list.is_empty())
        .collect();
    html! {
        @if !lists.is_empty() { h2 { "Listed as failing" } }
        @for (column, list) in lists {
            details {
                summary { (column.name()) ": " (list.len()) " cases" }
                table {
                    @for (verdict, reason) in list {
                        tr { th scope="row" { (verdict.case.id) } td { (reason) (differences(verdict)) } }
                    }
                }
            }
        }
    }
}

fn differences(verdict: &Verdict) -> Markup {
    html! {
        @for mismatch in verdict.failure.iter().flat_map(|failure| &failure.mismatches) {
            div.why { code { (mismatch.path) } " is " code { (text::shortened(&mismatch.actual)) } ", not " code { (text::shortened(&mismatch.expected)) } }
        }
    }
}
