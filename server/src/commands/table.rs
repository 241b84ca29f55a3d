//! Columns for people: as wide as their widest cell.

use std::io::{self, Write};

/// Columns whose names end in `#` hold numbers and lean to the right; the sign is not printed.
pub fn print(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in lines(head, rows) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn lines(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let names: Vec<String> = head.iter().map(|name| name.trim_end_matches('#').to_owned()).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.chain([&names[at]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).zip(head).map(|((cell, width), name)| {
            if name.ends_with('#') { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&names)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["key_1".to_owned(), "5".to_owned()], vec!["k".to_owned(), "100".to_owned()]];
        assert_eq!(lines(&["ID", "RPM#"], &rows), ["ID     RPM", "key_1    5", "k      100"]);
        assert_eq!(lines(&["ID", "RPM#"], &[]), ["ID  RPM"]);
    }
}
