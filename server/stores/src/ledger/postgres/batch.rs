//! One transaction: settlements, then reservations, then the settlements of reservations that were in the same batch.

use std::collections::HashSet;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use novai_core::money::{Budgets, Refusal, Reservation, ReservationId, Usd};
use tokio_postgres::Error;

use super::super::record;
use super::super::rows::{self, Entry, Sum, SumKey, Sums, signed};
use super::accounts::Accounts;

/// The decisions on `wanted`, in order. They hold once the transaction is committed.
pub(super) async fn run(
    transaction: &Transaction<'_>,
    process_id: i64,
    wanted: &[(Arc<Reservation>, Budgets)],
    settled: &[Entry],
) -> Result<Vec<Result<(), Refusal>>, Error> {
    let wanted_priced = wanted.iter().map(|(reservation, _)| &**reservation);
    let wanted_priced = wanted_priced.filter(|reservation| reservation.reserved > Usd::ZERO);
    let settled_priced = settled.iter().filter(|entry| entry.is_priced()).map(|entry| &*entry.reservation);
    let mut accounts = Accounts::lock(transaction, wanted_priced.chain(settled_priced)).await?;

    let left = settle(transaction, &mut accounts, settled.iter().collect()).await?;
    let mut decisions = Vec::with_capacity(wanted.len());
    let mut admitted = Vec::new();
    for (reservation, budgets) in wanted {
        let decision = accounts.reserve(reservation, budgets);
        if decision.is_ok() {
            admitted.push(&**reservation);
        }
        decisions.push(decision);
    }
    insert(transaction, process_id, &admitted).await?;
    if !left.is_empty() && !admitted.is_empty() {
        settle(transaction, &mut accounts, left).await?;
    }
    accounts.write(transaction).await?;
    Ok(decisions)
}

async fn insert(
    transaction: &Transaction<'_>,
    process_id: i64,
    reservations: &[&Reservation],
) -> Result<(), Error> {
    if reservations.is_empty() {
        return Ok(());
    }
    let ids: Vec<Vec<u8>> = reservations.iter().map(|reservation| bytes(reservation.id)).collect();
    let bodies: Vec<Vec<u8>> = reservations.iter().map(|reservation| body(reservation)).collect();
    let statement = transaction
        .prepare_cached(
            "INSERT INTO reservations (id, process_id, body)
             SELECT new.id, $1, new.body FROM unnest($2::bytea[], $3::bytea[]) AS new (id, body)",
        )
        .await?;
    transaction.execute(&statement, &[&process_id, &ids, &bodies]).await?;
    Ok(())
}

/// Gives back those whose reservation is not there: not yet, or not any more.
pub(super) async fn settle<'a>(
    transaction: &Transaction<'_>,
    accounts: &mut Accounts,
    entries: Vec<&'a Entry>,
) -> Result<Vec<&'a Entry>, Error> {
    if entries.is_empty() {
        return Ok(entries);
    }
    let ids: Vec<Vec<u8>> = entries.iter().map(|entry| bytes(entry.reservation.id)).collect();
    let take =
        transaction.prepare_cached("DELETE FROM reservations WHERE id = ANY ($1) RETURNING id").await?;
    let rows = transaction.query(&take, &[&ids]).await?;
    let mut taken: HashSet<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
    // `remove`: of two settlements of one reservation in one batch, the first counts.
    let (ended, left): (Vec<&Entry>, Vec<&Entry>) =
        entries.into_iter().partition(|entry| taken.remove(&bytes(entry.reservation.id)));
    let mut sums = Sums::default();
    for entry in &ended {
        if entry.is_priced() {
            accounts.settle(&entry.reservation, entry.settlement.cost);
        }
        rows::add(&mut sums, SumKey::of(&entry.reservation), &entry.settlement);
    }
    add_rows(transaction, &ended).await?;
    add_up(transaction, sums).await?;
    Ok(left)
}

async fn add_rows(transaction: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let texts =
        |of: for<'a> fn(&'a Entry) -> &'a str| entries.iter().map(|entry| of(entry)).collect::<Vec<&str>>();
    let numbers = |of: fn(&Entry) -> u64| entries.iter().map(|entry| signed(of(entry))).collect::<Vec<i64>>();
    let ids: Vec<Vec<u8>> = entries.iter().map(|entry| bytes(entry.reservation.id)).collect();
    let days: Vec<i32> = entries.iter().map(|entry| entry.reservation.day().0 as i32).collect();
    let estimates: Vec<bool> = entries.iter().map(|entry| entry.settlement.is_estimate).collect();
    let statement = transaction
        .prepare_cached(
            "INSERT INTO ledger
             SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::text[], $10::text[], $11::text[], $12::bool[], $13::bigint[], $14::bigint[],
                 $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
             ON CONFLICT (id) DO NOTHING",
        )
        .await?;
    transaction
        .execute(
            &statement,
            &[
                &ids,
                &numbers(|entry| entry.reservation.admitted_at_ms),
                &numbers(|entry| entry.settlement.settled_at_ms),
                &days,
                &texts(|entry| &entry.reservation.key_id),
                &texts(|entry| entry.reservation.tenant.as_deref().unwrap_or_default()),
                &texts(|entry| &entry.reservation.model),
                &texts(|entry| &entry.reservation.provider),
                &texts(|entry| &entry.reservation.upstream_model),
                &texts(|entry| &entry.reservation.request_id),
                &texts(|entry| entry.settlement.outcome.name()),
                &estimates,
                &numbers(|entry| entry.settlement.usage.prompt),
                &numbers(|entry| entry.settlement.usage.cached_prompt),
                &numbers(|entry| entry.settlement.usage.completion),
                &numbers(|entry| entry.settlement.usage.reasoning),
                &numbers(|entry| entry.reservation.reserved.nano),
                &numbers(|entry| entry.settlement.cost.nano),
            ],
        )
        .await?;
    Ok(())
}

async fn add_up(transaction: &Transaction<'_>, sums: Sums<'_>) -> Result<(), Error> {
    if sums.is_empty() {
        return Ok(());
    }
    let mut sums: Vec<(SumKey<'_>, Sum)> = sums.into_iter().collect();
    // In one order for everybody, against deadlocks.
    sums.sort_unstable_by_key(|(key, _)| *key);
    let texts =
        |of: for<'a> fn(&SumKey<'a>) -> &'a str| sums.iter().map(|(key, _)| of(key)).collect::<Vec<&str>>();
    let numbers = |of: fn(&Sum) -> i64| sums.iter().map(|(_, sum)| of(sum)).collect::<Vec<i64>>();
    let days: Vec<i32> = sums.iter().map(|(key, _)| key.day.0 as i32).collect();
    let statement = transaction
        .prepare_cached(
            "INSERT INTO usage_daily
             SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::bigint[], $9::bigint[], $10::bigint[])
             ON CONFLICT (key_id, day, model, tenant) DO UPDATE SET
                 requests = usage_daily.requests + excluded.requests,
                 prompt_tokens = usage_daily.prompt_tokens + excluded.prompt_tokens,
                 cached_tokens = usage_daily.cached_tokens + excluded.cached_tokens,
                 completion_tokens = usage_daily.completion_tokens + excluded.completion_tokens,
                 reasoning_tokens = usage_daily.reasoning_tokens + excluded.reasoning_tokens,
                 cost_nano_usd = usage_daily.cost_nano_usd + excluded.cost_nano_usd",
        )
        .await?;
    transaction
        .execute(
            &statement,
            &[
                &texts(|key| key.key_id),
                &days,
                &texts(|key| key.model),
                &texts(|key| key.tenant),
                &numbers(|sum| sum.requests),
                &numbers(|sum| sum.prompt),
                &numbers(|sum| sum.cached),
                &numbers(|sum| sum.completion),
                &numbers(|sum| sum.reasoning),
                &numbers(|sum| sum.cost_nano_usd),
            ],
        )
        .await?;
    Ok(())
}

/// All that is needed to settle it without the process that made it.
pub(super) fn body(reservation: &Reservation) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    record::reserved(&mut body, reservation);
    body
}

pub(super) fn bytes(id: ReservationId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}
