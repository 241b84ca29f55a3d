//! Settled requests into SQLite: rows and sums in one transaction. Doing it twice changes nothing.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::rows::{self, Entry, Sums, signed};

/// In one transaction. More would keep others out of the database for longer.
const ENTRIES_MAX: usize = 5_000;

/// How many of `entries` were new. Those before a failure may have been written.
pub(super) fn apply(connection: &mut Connection, entries: &[Entry]) -> rusqlite::Result<usize> {
    let mut added = 0;
    for part in entries.chunks(ENTRIES_MAX) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        added += add(&transaction, part)?;
        transaction.commit()?;
    }
    Ok(added)
}

fn add(transaction: &Transaction<'_>, entries: &[Entry]) -> rusqlite::Result<usize> {
    let mut sums: Sums = HashMap::new();
    let mut added = 0;
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for entry in entries {
        let reservation = &*entry.reservation;
        let settlement = &entry.settlement;
        let usage = &settlement.usage;
        let inserted = insert.execute(params![
            &reservation.id.0.to_be_bytes()[..],
            signed(reservation.admitted_at_ms),
            signed(settlement.settled_at_ms),
            reservation.day().0,
            &*reservation.key_id,
            reservation.tenant.as_deref().unwrap_or_default(),
            &*reservation.model,
            &*reservation.provider,
            &*reservation.upstream_model,
            &*reservation.request_id,
            settlement.outcome.name(),
            settlement.is_estimate,
            signed(usage.prompt),
            signed(usage.cached_prompt),
            signed(usage.completion),
            signed(usage.reasoning),
            signed(reservation.reserved.nano),
            signed(settlement.cost.nano),
        ])?;
        if inserted == 1 {
            added += 1;
            rows::add(&mut sums, entry);
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
            &*key.key_id,
            key.day.0,
            &*key.model,
            &*key.tenant,
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
