//! The matrix as Markdown and as one self-contained HTML page.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::{LEGEND, Matrix, text};
use crate::suite::Verdict;

pub fn write(directory: &Path, matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    std::fs::write(directory.join("conformance.md"), markdown(matrix, verdicts, closing))?;
    std::fs::write(directory.join("conformance.html"), html(matrix, verdicts, closing))?;
    Ok(())
}

fn markdown(matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> String {
    let mut page = format!("# Conformance\n\n{closing}\n\n| scenario |");
    for column in &matrix.columns {
        let _ = write!(page, " {column} |");
    }
    page.push_str(" why |\n|---|");
    page.push_str(&"---|".repeat(matrix.columns.len() + 1));
    page.push('\n');
    for (name, row) in &matrix.rows {
        let _ = write!(page, "| {name} |");
        for column in &matrix.columns {
            let _ = write!(page, " {} |", cell_text(row.cells.get(column)));
        }
        let _ = writeln!(page, " {} |", row.why.replace('|', "\\|"));
    }
    let _ = writeln!(page, "\n{LEGEND}");
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_good()) {
        let _ = write!(page, "\n```text\n{}```\n", text::failure(verdict));
    }
    page
}

fn cell_text(cell: Option<&super::Cell>) -> String {
    match cell {
        Some(cell) => format!("{} {}/{}", cell.symbol(), cell.passed, cell.cases()),
        None => "·".to_owned(),
    }
}

const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem;max-width:75rem}\
    table{border-collapse:collapse}td,th{border:1px solid #8884;padding:.25rem .6rem;text-align:left}\
    .pass{background:#2a72}.fail{background:#d332}.known{background:#da32}pre{background:#8881;padding:1rem;overflow:auto}\
    :root{color-scheme:light dark}";

fn html(matrix: &Matrix, verdicts: &[Verdict], closing: &str) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Conformance</title><style>{STYLE}</style>\
         <h1>Conformance</h1><p>{}</p><table><tr><th>scenario</th>",
        escaped(closing)
    );
    for column in &matrix.columns {
        let _ = write!(page, "<th>{}</th>", escaped(column));
    }
    page.push_str("<th>why</th></tr>\n");
    for (name, row) in &matrix.rows {
        let _ = write!(page, "<tr><td>{}</td>", escaped(name));
        for column in &matrix.columns {
            let cell = row.cells.get(column);
            let class = match cell.map(|cell| cell.symbol()) {
                Some("✓") => "pass",
                Some("~") => "known",
                Some(_) => "fail",
                None => "none",
            };
            let _ = write!(page, "<td class=\"{class}\">{}</td>", cell_text(cell));
        }
        let _ = writeln!(page, "<td>{}</td></tr>", escaped(&row.why));
    }
    let _ = write!(page, "</table><p>{LEGEND}</p>");
    for verdict in verdicts.iter().filter(|verdict| !verdict.is_good()) {
        let _ = write!(page, "<pre>{}</pre>", escaped(&text::failure(verdict)));
    }
    page.push_str("</html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
