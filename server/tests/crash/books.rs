//! The ledger as an auditor reads it: from the file.

use std::path::Path;

use rusqlite::Connection;

#[derive(Debug)]
pub struct Row {
    pub request_id: String,
    pub outcome: String,
    pub is_estimate: bool,
    pub prompt: u64,
    pub completion: u64,
    pub cost_nano: u64,
}

fn open(dir: &Path) -> Connection {
    Connection::open(dir.join("data/novai.db")).unwrap()
}

pub fn rows(dir: &Path) -> Vec<Row> {
    let connection = open(dir);
    let intact: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok");
    let mut statement = connection
        .prepare("SELECT request_id, outcome, is_estimate, prompt_tokens, completion_tokens, cost_nano_usd FROM ledger")
        .unwrap();
    let rows = statement.query_map((), |row| {
        Ok(Row {
            request_id: row.get(0)?,
            outcome: row.get(1)?,
            is_estimate: row.get(2)?,
            prompt: row.get::<_, i64>(3)? as u64,
            completion: row.get::<_, i64>(4)? as u64,
            cost_nano: row.get::<_, i64>(5)? as u64,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// What `GET /usage` tells is the sum of the rows.
pub fn check_sums(dir: &Path, rows: &[Row]) {
    let sql = "SELECT sum(requests), sum(prompt_tokens), sum(completion_tokens), sum(cost_nano_usd) FROM usage_daily";
    let told: [i64; 4] =
        open(dir).query_row(sql, (), |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap();
    let charged = || rows.iter().filter(|row| row.outcome != "released");
    let sum = |of: fn(&Row) -> u64| charged().map(of).sum::<u64>();
    let expected = [
        charged().count() as u64,
        sum(|row| row.prompt),
        sum(|row| row.completion),
        sum(|row| row.cost_nano),
    ];
    assert_eq!(told.map(|sum| sum as u64), expected);
}
