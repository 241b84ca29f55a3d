//! Answers under idempotency keys, in PostgreSQL, where replicas meet.

use bytes::Bytes;
use novai_core::replays::{BodyHash, KeptAnswer};
use std::collections::HashMap;
use tokio_postgres::Error;

use super::id::ReplayId;
use super::sqlite::at_once;
use super::{Bounds, Found, Row, signed};
use crate::database::{DatabaseError, Postgres};

/// A claim that the power takes with it is a request that never ended: nobody waits for the disk.
const NO_SYNC: &str = "SET LOCAL synchronous_commit = off";

/// For each, in order: `None` if it is `owner`'s now, else what is there. No id may come twice.
pub async fn claim(
    db: &Postgres,
    owner: i64,
    wanted: &[(ReplayId, BodyHash)],
    now_ms: u64,
    until_ms: u64,
) -> Result<Vec<Option<Found>>, DatabaseError> {
    let ids: Vec<&[u8]> = wanted.iter().map(|(id, _)| id.bytes()).collect();
    let hashes: Vec<&[u8]> = wanted.iter().map(|(_, hash)| hash.as_slice()).collect();
    let mut client = db.client().await?;
    let asked = async {
        let transaction = client.transaction().await?;
        let statement = transaction
            .prepare_cached(
                "INSERT INTO replays (id, body_hash, owner, free_at_ms, bytes)
                 SELECT id, body_hash, $3, $4, 0 FROM unnest($1::bytea[], $2::bytea[]) AS new (id, body_hash) ORDER BY id
                 ON CONFLICT (id) DO UPDATE SET body_hash = excluded.body_hash, owner = excluded.owner,
                     free_at_ms = excluded.free_at_ms, bytes = 0, head = NULL, answer = NULL
                 WHERE replays.free_at_ms <= $5
                 RETURNING id",
            )
            .await?;
        transaction.batch_execute(NO_SYNC).await?;
        let (until, now) = (signed(until_ms), signed(now_ms));
        let rows = transaction.query(&statement, &[&ids, &hashes, &owner, &until, &now]).await?;
        let ours: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let others: Vec<&[u8]> = ids.iter().copied().filter(|id| !ours.iter().any(|our| our == id)).collect();
        let mut found = HashMap::new();
        if !others.is_empty() {
            let statement = transaction
                .prepare_cached("SELECT id, body_hash, head, answer FROM replays WHERE id = ANY($1::bytea[])")
                .await?;
            for row in transaction.query(&statement, &[&others]).await? {
                let bytes =
                    |index| row.try_get::<_, Option<Vec<u8>>>(index).map(|bytes| bytes.map(Bytes::from));
                let answer = bytes(2)?.zip(bytes(3)?).map(|(head, body)| KeptAnswer { head, body });
                found.insert(row.try_get::<_, Vec<u8>>(0)?, Found { body_hash: row.try_get(1)?, answer });
            }
        }
        transaction.commit().await?;
        // One that was tidied away between the two statements counts as running: it is free at the next attempt.
        let running = |hash: &BodyHash| Found { body_hash: hash.to_vec(), answer: None };
        let found = wanted.iter().map(|(id, hash)| {
            let is_ours = ours.iter().any(|our| our == id.bytes());
            (!is_ours).then(|| found.remove(id.bytes()).unwrap_or_else(|| running(hash)))
        });
        Ok::<_, Error>(found.collect())
    };
    asked.await.map_err(|source| db.error(source))
}

/// Doing it again changes nothing. Claims that others have taken over stay theirs.
pub async fn write(
    db: &Postgres,
    owner: i64,
    rows: &[Row],
    released: &[ReplayId],
) -> Result<(), DatabaseError> {
    let mut client = db.client().await?;
    let write = async {
        let transaction = client.transaction().await?;
        transaction.batch_execute(NO_SYNC).await?;
        if !released.is_empty() {
            let ids: Vec<&[u8]> = released.iter().map(ReplayId::bytes).collect();
            let sql = "DELETE FROM replays WHERE id = ANY($1::bytea[]) AND owner = $2 AND answer IS NULL";
            transaction.execute(&transaction.prepare_cached(sql).await?, &[&ids, &owner]).await?;
        }
        if !rows.is_empty() {
            let statement = transaction
                .prepare_cached(
                    "UPDATE replays SET free_at_ms = new.free_at_ms, bytes = new.bytes, head = new.head, answer = new.answer
                     FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])
                         AS new (id, body_hash, free_at_ms, bytes, head, answer)
                     WHERE replays.id = new.id AND replays.owner = $7 AND replays.body_hash = new.body_hash",
                )
                .await?;
            let ids: Vec<&[u8]> = rows.iter().map(|row| row.id.bytes()).collect();
            let hashes: Vec<&[u8]> = rows.iter().map(|row| row.body_hash.as_slice()).collect();
            let free_at: Vec<i64> = rows.iter().map(|row| signed(row.free_at_ms)).collect();
            let bytes: Vec<i64> = rows.iter().map(|row| signed(row.bytes() as u64)).collect();
            let heads: Vec<&[u8]> = rows.iter().map(|row| &*row.answer.head).collect();
            let answers: Vec<&[u8]> = rows.iter().map(|row| &*row.answer.body).collect();
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&ids, &hashes, &free_at, &bytes, &heads, &answers, &owner];
            transaction.execute(&statement, &values).await?;
        }
        transaction.commit().await
    };
    write.await.map_err(|source| db.error(source))
}

/// Says that `owner` lives, and so does what it runs.
pub async fn renew(db: &Postgres, owner: i64, until_ms: u64) -> Result<(), DatabaseError> {
    let client = db.client().await?;
    let sql = "UPDATE replays SET free_at_ms = $2 WHERE owner = $1 AND answer IS NULL";
    client.execute(sql, &[&owner, &signed(until_ms)]).await.map(drop).map_err(|source| db.error(source))
}

pub async fn tidy(db: &Postgres, now_ms: u64, bounds: Bounds) -> Result<(), DatabaseError> {
    let client = db.client().await?;
    let tidy = async {
        client.execute("DELETE FROM replays WHERE free_at_ms <= $1", &[&signed(now_ms)]).await?;
        loop {
            let sql = "SELECT coalesce(sum(bytes), 0)::bigint, count(*) FROM replays";
            let sums = client.query_one(sql, &[]).await?;
            let (bytes, count): (i64, i64) = (sums.try_get(0)?, sums.try_get(1)?);
            if bytes <= signed(bounds.bytes_max) && count <= signed(bounds.answers_max) {
                return Ok(());
            }
            let sql = "DELETE FROM replays WHERE id IN
                (SELECT id FROM replays WHERE answer IS NOT NULL ORDER BY free_at_ms, id LIMIT $1)";
            if client.execute(sql, &[&at_once(bytes, count, bounds)]).await? == 0 {
                // What runs is not what is kept.
                return Ok(());
            }
        }
    };
    tidy.await.map_err(|source: Error| db.error(source))
}
