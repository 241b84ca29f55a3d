//! Settled requests into SQLite: rows and sums in one transaction. Doing it twice changes nothing.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::rows::{self, Sums, signed};
use super::batch::{Batch, Row};

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

/// Of `ledger`.
const COLUMNS: usize = 18;

fn add<'a>(transaction: &Transaction<'_>, rows: impl Iterator<Item = Row<'a>>) -> rusqlite::Result<usize> {
    let mut sums = Sums::default();
    let mut added = 0;
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    // Most columns are as in the row before, and what is bound stays bound: a third of what a row costs.
    let mut bound: [Option<Value<'_>>; COLUMNS - 1] = [None; COLUMNS - 1];
    for row in rows {
        let id = row.id.0.to_be_bytes();
        insert.raw_bind_parameter(1, &id[..])?;
        for (index, value) in columns_after_id(&row).into_iter().enumerate() {
            if bound[index] != Some(value) {
                insert.raw_bind_parameter(index + 2, value)?;
                bound[index] = Some(value);
            }
        }
        if insert.raw_execute()? == 1 {
            added += 1;
            rows::add(&mut sums, row.sum_key(), row.settlement);
        }
    }
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

/// What a column can hold.
#[derive(Clone, Copy, PartialEq)]
enum Value<'a> {
    Number(i64),
    Text(&'a str),
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Number(number) => ValueRef::Integer(number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn columns_after_id<'a>(row: &Row<'a>) -> [Value<'a>; COLUMNS - 1] {
    let number = |number: u64| Value::Number(signed(number));
    let settlement = row.settlement;
    let usage = &settlement.usage;
    [
        number(row.admitted_at_ms),
        number(settlement.settled_at_ms),
        number(row.day().0.into()),
        Value::Text(row.key_id),
        Value::Text(row.tenant),
        Value::Text(row.model),
        Value::Text(row.provider),
        Value::Text(row.upstream_model),
        Value::Text(row.request_id),
        Value::Text(settlement.outcome.name()),
        Value::Number(settlement.is_estimate.into()),
        number(usage.prompt),
        number(usage.cached_prompt),
        number(usage.completion),
        number(usage.reasoning),
        number(row.reserved.nano),
        number(settlement.cost.nano),
    ]
}
