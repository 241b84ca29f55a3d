//! Who lives, and what the dead have left.

use std::sync::Arc;

use novai_core::money::{Outcome, Progress, Settlement};

use super::super::record::{self, Record};
use super::super::rows::Entry;
use super::accounts::Accounts;
use super::{Shared, batch};
use crate::database::{DatabaseError, Postgres};

/// Holds for a lease from now.
pub(super) async fn say_alive(postgres: &Postgres, shared: &Shared) -> Result<(), DatabaseError> {
    let lease_s = shared.lease.as_secs_f64();
    let client = postgres.client().await?;
    let statement = client
        .prepare_cached(
            "INSERT INTO processes VALUES ($1, now() + make_interval(secs => $2))
             ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until",
        )
        .await
        .map_err(|error| postgres.error(error))?;
    client
        .execute(&statement, &[&shared.process_id, &lease_s])
        .await
        .map_err(|error| postgres.error(error))?;
    Ok(())
}

/// Settles what dead processes left, and forgets them. How many requests those were.
///
/// Of several gateways that look at once, one takes each dead process.
pub(super) async fn settle(postgres: &Postgres, shared: &Shared) -> Result<usize, DatabaseError> {
    let failed = |error| postgres.error(error);
    let mut client = postgres.client().await?;
    let transaction = client.transaction().await.map_err(failed)?;
    let dead: Vec<i64> = transaction
        .query("SELECT id FROM processes WHERE alive_until < now() ORDER BY id FOR UPDATE SKIP LOCKED", &[])
        .await
        .map_err(failed)?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if dead.is_empty() {
        return Ok(0);
    }
    let rows = transaction
        .query("SELECT body, noted FROM reservations WHERE process_id = ANY ($1) FOR UPDATE", &[&dead])
        .await
        .map_err(failed)?;
    let now_ms = shared.now_ms();
    let entries: Vec<Entry> =
        rows.iter().filter_map(|row| entry(row.get(0), row.get::<_, Option<&[u8]>>(1), now_ms)).collect();
    let priced = entries.iter().filter(|entry| entry.is_priced()).map(|entry| &*entry.reservation);
    let mut accounts = Accounts::lock(&transaction, priced).await.map_err(failed)?;
    batch::settle(&transaction, &mut accounts, entries.iter().collect()).await.map_err(failed)?;
    accounts.write(&transaction).await.map_err(failed)?;
    transaction.execute("DELETE FROM processes WHERE id = ANY ($1)", &[&dead]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    if !entries.is_empty() {
        tracing::warn!(orphans = entries.len(), "settled what gateways left that have died");
    }
    Ok(entries.len())
}

fn entry(body: &[u8], noted: Option<&[u8]>, now_ms: u64) -> Option<Entry> {
    let Some(Record::Reserved(reservation)) = record::decode(body) else {
        tracing::error!("a reservation in the database is of an unknown kind");
        return None;
    };
    let progress = match noted.and_then(record::decode) {
        Some(Record::Noted(_, progress)) => progress,
        _ => Progress::default(),
    };
    let settlement = Settlement::of(&reservation, Outcome::Recovered, progress, now_ms);
    Some(Entry { reservation: Arc::new(reservation), settlement })
}
