//! What a run leaves behind: [`text`] for the terminal, [`files`] for Markdown and HTML. Both show the same [`Matrix`].

pub mod files;
pub mod text;

use std::collections::BTreeMap;

use crate::scenario::Column;
use crate::suite::Verdict;

/// Scenario × column.
pub struct Matrix {
    pub columns: Vec<String>,
    pub rows: BTreeMap<String, Row>,
}

pub struct Row {
    pub why: String,
    /// By column name; a scenario that does not concern a column has no cell.
    pub cells: BTreeMap<String, Cell>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    pub passed: usize,
    pub failed: usize,
    /// Of the failed ones, those that are listed.
    pub known: usize,
    /// Listed and passing all the same.
    pub surprises: usize,
}

impl Cell {
    pub fn cases(self) -> usize {
        self.passed + self.failed
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Cell { surprises: 1.., .. } => "!",
            Cell { failed: 0, .. } => "✓",
            Cell { failed, known, .. } if failed == known => "~",
            _ => "✗",
        }
    }
}

impl Matrix {
    pub fn of(verdicts: &[Verdict]) -> Matrix {
        let mut matrix = Matrix { columns: Vec::new(), rows: BTreeMap::new() };
        for verdict in verdicts {
            let column = column_name(&verdict.column);
            if !matrix.columns.contains(&column) {
                matrix.columns.push(column.clone());
            }
            let row = matrix
                .rows
                .entry(verdict.case.scenario.clone())
                .or_insert_with(|| Row { why: verdict.case.why.clone(), cells: BTreeMap::new() });
            let cell = row.cells.entry(column).or_default();
            match (&verdict.failure, verdict.known_failing) {
                (None, false) => cell.passed += 1,
                (None, true) => {
                    cell.passed += 1;
                    cell.surprises += 1;
                }
                (Some(_), known) => {
                    cell.failed += 1;
                    cell.known += usize::from(known);
                }
            }
        }
        matrix
    }
}

fn column_name(column: &Column) -> String {
    column.name().to_owned()
}

/// What the symbols mean; under every matrix.
pub const LEGEND: &str = "✓ all cases pass   ✗ some fail   ~ fails as listed   ! passes though listed as failing   · does not apply";
