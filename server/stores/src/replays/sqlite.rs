//! Answers under idempotency keys, in SQLite.

use std::collections::HashSet;

use bytes::Bytes;
use novai_core::replays::KeptAnswer;
use rusqlite::{OptionalExtension, params};

use super::id::{ReplayId, beginning};
use super::{Bounds, Found, Row, signed};
use crate::database::{DatabaseError, Sqlite};

/// Removed by one statement.
const REMOVED_AT_ONCE: usize = 1_000;

/// The beginnings of all ids.
pub async fn known(db: &Sqlite) -> Result<HashSet<u64>, DatabaseError> {
    db.with(|connection| {
        let mut statement = connection.prepare("SELECT id FROM replays")?;
        let ids = statement.query_map((), |row| Ok(beginning(row.get_ref(0)?.as_blob()?)))?;
        ids.collect()
    })
    .await
}

pub async fn find(db: &Sqlite, id: &ReplayId, now_ms: u64) -> Result<Option<Found>, DatabaseError> {
    let id = *id;
    db.with(move |connection| {
        let sql = "SELECT body_hash, head, answer FROM replays WHERE id = ?1 AND free_at_ms > ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_row(params![id.bytes(), signed(now_ms)], |row| {
            let bytes = |index| row.get::<_, Vec<u8>>(index).map(Bytes::from);
            let answer = Some(KeptAnswer { head: bytes(1)?, body: bytes(2)? });
            Ok(Found { body_hash: row.get(0)?, answer })
        });
        found.optional()
    })
    .await
}

/// Gives the rows back if they could not be written.
pub async fn write(db: &Sqlite, rows: Vec<Row>) -> Result<(), (DatabaseError, Vec<Row>)> {
    let rows = std::sync::Arc::new(rows);
    let shared = std::sync::Arc::clone(&rows);
    let written = db
        .with(move |connection| {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO replays (id, body_hash, free_at_ms, bytes, head, answer)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?;
                for row in shared.iter() {
                    statement.execute(params![
                        row.id.bytes(),
                        row.body_hash,
                        signed(row.free_at_ms),
                        signed(row.bytes() as u64),
                        &*row.answer.head,
                        &*row.answer.body,
                    ])?;
                }
            }
            transaction.commit()
        })
        .await;
    written.map_err(|error| (error, std::sync::Arc::into_inner(rows).unwrap_or_default()))
}

/// The beginnings of the ids that are gone.
pub async fn tidy(db: &Sqlite, now_ms: u64, bounds: Bounds) -> Result<Vec<u64>, DatabaseError> {
    db.with(move |connection| {
        let mut gone = Vec::new();
        let mut remove =
            connection.prepare_cached("DELETE FROM replays WHERE free_at_ms <= ?1 RETURNING id")?;
        for id in remove.query_map([signed(now_ms)], |row| Ok(beginning(row.get_ref(0)?.as_blob()?)))? {
            gone.push(id?);
        }
        let (mut bytes, mut count): (i64, i64) =
            connection.query_row("SELECT coalesce(sum(bytes), 0), count(*) FROM replays", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let mut remove = connection.prepare_cached(
            "DELETE FROM replays WHERE id IN (SELECT id FROM replays ORDER BY free_at_ms, id LIMIT ?1)
             RETURNING id, bytes",
        )?;
        while bytes > signed(bounds.bytes_max) || count > signed(bounds.answers_max) {
            let some = at_once(bytes, count, bounds);
            let rows = remove.query_map([some], |row| {
                Ok((beginning(row.get_ref(0)?.as_blob()?), row.get::<_, i64>(1)?))
            })?;
            let before = count;
            for row in rows {
                let (id, row_bytes) = row?;
                gone.push(id);
                bytes -= row_bytes;
                count -= 1;
            }
            if count == before {
                break;
            }
        }
        Ok(gone)
    })
    .await
}

/// No more than are too many, as far as their average tells.
pub fn at_once(bytes: i64, count: i64, bounds: Bounds) -> i64 {
    let average = (bytes / count.max(1)).max(1);
    let too_many_bytes = (bytes - signed(bounds.bytes_max)).max(0);
    let too_many = (count - signed(bounds.answers_max)).max(too_many_bytes.div_euclid(average)).max(1);
    too_many.min(signed(REMOVED_AT_ONCE as u64))
}
