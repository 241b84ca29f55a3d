//! The ledger as an auditor reads it: from the database.

use tokio_postgres::{Client, NoTls};

#[derive(Debug)]
pub struct Row {
    pub request_id: String,
    pub outcome: String,
    pub is_estimate: bool,
    pub prompt: u64,
    pub completion: u64,
    pub cost_nano: u64,
}

pub async fn open(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Requests that no gateway has settled yet.
pub async fn unsettled(client: &Client) -> i64 {
    client.query_one("SELECT count(*) FROM reservations", &[]).await.unwrap().get(0)
}

pub async fn rows(client: &Client) -> Vec<Row> {
    let sql = "SELECT request_id, outcome, is_estimate, prompt_tokens, completion_tokens, cost_nano_usd FROM ledger";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| Row {
            request_id: row.get(0),
            outcome: row.get(1),
            is_estimate: row.get(2),
            prompt: row.get::<_, i64>(3) as u64,
            completion: row.get::<_, i64>(4) as u64,
            cost_nano: row.get::<_, i64>(5) as u64,
        })
        .collect()
}
