//! The ledger as an auditor reads it: from the database.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use super::steps::PATIENCE;

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

/// When every request that began is settled, by whomever.
pub async fn settled(client: &Client) {
    let began_at = Instant::now();
    loop {
        let open: i64 = client.query_one("SELECT count(*) FROM reservations", &[]).await.unwrap().get(0);
        if open == 0 {
            return;
        }
        assert!(began_at.elapsed() < PATIENCE, "nobody settles {open} requests");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
