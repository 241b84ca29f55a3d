//! Settled requests into SQLite: rows and sums in one transaction. Doing it twice changes nothing.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::rows::{self, Sums};
use super::batch::{Batch, Row};
use super::insert::Insert;

/// In one transaction. More would keep others out of the database for longer.
const ROWS_MAX: usize = 5_000;

/// How many rows of `batch` were new. Those before a failure may have been written.
pub(super) fn apply(connection: &mut Connection, batch: &Batch) -> rusqlite::Result<usize> {
    let mut added = 0;
    let mut rows = batch.iter().peekable();
    while rows.peek().is_some() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        added += add(&transaction, rows.by_ref().take(ROWS_MAX))?;
        transaction.commit()?;
    }
    Ok(added)
}

fn add<'a>(transaction: &Transaction<'_>, rows: impl Iterator<Item = Row<'a>>) -> rusqlite::Result<usize> {
    let mut sums = Sums::default();
    let mut added = 0;
    let mut insert = Insert::new(transaction)?;
    insert.each(rows, |row| {
        added += 1;
        rows::add(&mut sums, row.sum_key(), row.settlement);
    })?;
    let mut add_up = transaction.prepare_cached(
        "INSERT INTO usage_daily VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (key_id, day, model, tenant) DO UPDATE SET
             requests = requests + excluded.requests,
             prompt_tokens = prompt_tokens + excluded.prompt_tokens,
             cached_tokens = cached_tokens + excluded.cached_tokens,
             completion_tokens = completion_tokens + excluded.completion_tokens,
             reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
             cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd",
    )?;
    for (key, sum) in &sums {
        add_up.execute(params![
            key.key_id,
            key.day.0,
            key.model,
            key.tenant,
            sum.requests,
            sum.prompt,
            sum.cached,
            sum.completion,
            sum.reasoning,
            sum.cost_nano_usd,
        ])?;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use novai_core::TokenUsage;
    use novai_core::money::{Outcome, Price, Progress, Reservation, ReservationId, Settlement, Usd};

    use super::*;
    use crate::database::Sqlite;

    fn batch(numbers: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for number in numbers {
            let reservation = Reservation {
                id: ReservationId(number.into()),
                admitted_at_ms: number,
                key_id: format!("key_{}", number % 3).into(),
                tenant: None,
                model: "m".into(),
                provider: "p".into(),
                upstream_model: "m".into(),
                request_id: format!("req_{number}").into(),
                price: Price::text(1000, 1000, 2000),
                prompt_tokens_likely: 0,
                images: 0,
                reserved: Usd::ZERO,
            };
            let usage = TokenUsage { completion: number, total: number, ..TokenUsage::default() };
            let progress = Progress { tokens_likely: 0, usage: Some(usage) };
            batch.push(&reservation, Settlement::of(&reservation, Outcome::Complete, progress, number));
        }
        batch
    }

    #[tokio::test]
    async fn rows_that_are_there_are_left_alone_and_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let database = Sqlite::open(dir.path().join("novai.db")).await.unwrap();
        let mut connection = database.connection().unwrap();
        // (which, how many of them are new): several statements, one, and rows that one alone is not worth
        for (numbers, new) in [(0..100, 100), (0..100, 0), (90..150, 50), (500..533, 33), (200..201, 1)] {
            assert_eq!(apply(&mut connection, &batch(numbers.clone())).unwrap(), new, "{numbers:?}");
        }
        let tokens: i64 = (0..150).chain(500..533).chain(200..201).sum();
        for (sql, expected) in [
            ("SELECT count(*) FROM ledger", 184),
            ("SELECT sum(completion_tokens) FROM ledger", tokens),
            ("SELECT count(*) FROM ledger WHERE request_id = 'req_' || completion_tokens", 184),
            ("SELECT sum(requests) FROM usage_daily", 184),
            ("SELECT sum(completion_tokens) FROM usage_daily", tokens),
        ] {
            let found: i64 = connection.query_row(sql, (), |row| row.get(0)).unwrap();
            assert_eq!(found, expected, "{sql}");
        }
    }
}
