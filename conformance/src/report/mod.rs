//! What a run leaves behind: [`text`] for the terminal, [`markdown`] and [`html`] for people, [`facts`] for programs.
//!
//! All show the same [`Matrix`]: areas, their scenarios, and a column for the server and each client.

pub mod facts;
pub mod html;
pub mod markdown;
pub mod text;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use crate::scenario::Column;
use crate::suite::Verdict;

/// Scenario × column.
pub struct Matrix {
    pub columns: Vec<Column>,
    pub areas: BTreeMap<String, Area>,
}

/// A folder of spec/scenarios.
#[derive(Default)]
pub struct Area {
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

    pub fn state(self) -> State {
        match self {
            Cell { surprises: 1.., .. } => State::Surprise,
            Cell { failed: 0, .. } => State::Passes,
            Cell { failed, known, .. } if failed == known => State::FailsAsListed,
            _ => State::Fails,
        }
    }

    /// `✓ 12`, or `~ 9/12` where some fail.
    pub fn text(self) -> String {
        let symbol = self.state().symbol();
        match self.failed {
            0 => format!("{symbol} {}", self.passed),
            _ => format!("{symbol} {}/{}", self.passed, self.cases()),
        }
    }

    fn add(&mut self, other: Cell) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.known += other.known;
        self.surprises += other.surprises;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Passes,
    Fails,
    FailsAsListed,
    Surprise,
}

impl State {
    pub fn symbol(self) -> &'static str {
        match self {
            State::Passes => "✓",
            State::Fails => "✗",
            State::FailsAsListed => "~",
            State::Surprise => "!",
        }
    }
}

impl Area {
    /// All its scenarios together, for one column; `None` where none concerns it.
    pub fn total(&self, column: &str) -> Option<Cell> {
        total(self.rows.values(), column)
    }
}

impl Matrix {
    pub fn of(verdicts: &[Verdict]) -> Matrix {
        let mut matrix = Matrix { columns: Vec::new(), areas: BTreeMap::new() };
        for verdict in verdicts {
            if !matrix.columns.contains(&verdict.column) {
                matrix.columns.push(verdict.column.clone());
            }
            let scenario = &verdict.case.scenario;
            let area = scenario.split('/').next().unwrap_or(scenario);
            let rows = &mut matrix.areas.entry(area.to_owned()).or_default().rows;
            let row = rows
                .entry(scenario.clone())
                .or_insert_with(|| Row { why: verdict.case.why.clone(), cells: BTreeMap::new() });
            row.cells.entry(verdict.column.name().to_owned()).or_default().add(cell_of(verdict));
        }
        matrix
    }

    pub fn scenarios(&self) -> usize {
        self.areas.values().map(|area| area.rows.len()).sum()
    }

    pub fn total(&self, column: &str) -> Option<Cell> {
        total(self.areas.values().flat_map(|area| area.rows.values()), column)
    }
}

fn total<'a>(rows: impl Iterator<Item = &'a Row>, column: &str) -> Option<Cell> {
    rows.filter_map(|row| row.cells.get(column)).fold(None, |sum: Option<Cell>, cell| {
        let mut sum = sum.unwrap_or_default();
        sum.add(*cell);
        Some(sum)
    })
}

fn cell_of(verdict: &Verdict) -> Cell {
    let mut cell = Cell::default();
    match (&verdict.failure, verdict.known_failing.is_some()) {
        (None, listed) => {
            cell.passed = 1;
            cell.surprises = usize::from(listed);
        }
        (Some(_), listed) => {
            cell.failed = 1;
            cell.known = usize::from(listed);
        }
    }
    cell
}

/// What the symbols mean; under every matrix.
pub const LEGEND: &str = "✓ all cases pass   ✗ some fail   ~ fails as listed   ! passes though listed as failing   · does not apply";

/// Writes all three files; `closing` is the one line that sums the run up.
pub fn write(directory: &Path, matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    std::fs::write(directory.join("conformance.md"), markdown::page(matrix, verdicts, closing))?;
    std::fs::write(directory.join("conformance.html"), html::page(matrix, verdicts, closing))?;
    std::fs::write(directory.join("conformance.json"), facts::of(verdicts).to_string())?;
    Ok(())
}
