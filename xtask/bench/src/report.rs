//! Tables for a terminal and for Markdown, and what each law says about a figure.

use std::fmt::{self, Write};

/// A bound that a law sets.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Largest allowed value.
    pub max: f64,
    /// Where it is written down.
    pub law: &'static str,
}

#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    verdict: Option<bool>,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), verdict: None }
    }

    pub fn number(value: f64, decimals: usize) -> Self {
        Self::text(format!("{value:.decimals$}"))
    }

    /// A figure with its verdict behind it. No number is no pass.
    pub fn judged(value: f64, decimals: usize, unit: &str, bound: Bound) -> Self {
        let passes = value <= bound.max;
        let verdict = if passes { "pass" } else { "FAIL" };
        Self {
            text: format!("{value:.decimals$}{unit} {verdict} (≤ {})", bound.max), verdict: Some(passes)
        }
    }
}

pub struct Table {
    pub title: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// How it was measured, and what bounds it: one line each.
    pub notes: Vec<String>,
}

impl Table {
    pub fn new<const N: usize>(title: impl Into<String>, header: [&'static str; N]) -> Self {
        Self { title: title.into(), header: header.to_vec(), rows: Vec::new(), notes: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn failures(&self) -> usize {
        self.rows.iter().flatten().filter(|cell| cell.verdict == Some(false)).count()
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        let mut line = |cells: &mut dyn Iterator<Item = &str>| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        };
        line(&mut self.header.iter().copied());
        line(&mut self.header.iter().map(|_| "---"));
        for row in &self.rows {
            line(&mut row.iter().map(|cell| cell.text.as_str()));
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}");
        }
        text.push('\n');
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count());
            cells.chain([self.header[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        writeln!(f, "{}", self.title)?;
        let mut line = |cells: &[&str]| {
            let cells: Vec<String> =
                cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(f, "  {}", cells.join("  ").trim_end())
        };
        line(&self.header)?;
        for row in &self.rows {
            line(&row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>())?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_bound_fails_and_so_does_no_figure() {
        const BOUND: Bound = Bound { max: 2.0, law: "test" };
        let mut table = Table::new("Title", ["a", "b"]);
        table.row([Cell::text("x"), Cell::judged(1.5, 1, "×", BOUND)]);
        table.row([Cell::text("y"), Cell::judged(f64::NAN, 1, "×", BOUND)]);
        assert_eq!(table.failures(), 1);
        assert_eq!(table.to_string(), "Title\n  a  b\n  x  1.5× pass (≤ 2)\n  y  NaN× FAIL (≤ 2)\n");
        assert!(
            table.markdown().starts_with("## Title\n\n| a | b |\n| --- | --- |\n| x | 1.5× pass (≤ 2) |\n")
        );
    }
}
