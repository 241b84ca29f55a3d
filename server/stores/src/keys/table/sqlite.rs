//! The table of keys in SQLite.

use std::sync::Arc;

use novai_core::keys::Position;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{Edit, Insert, Inserted, KEYS_MAX, Snapshot};
use crate::database::{DatabaseError, Sqlite};
use crate::keys::record::{COLUMNS, Columns, Record, after, signed};

const VERSION: &str = "SELECT version FROM api_keys_version";

pub async fn version(db: &Sqlite) -> Result<i64, DatabaseError> {
    db.with(|connection| connection.query_row(VERSION, (), |row| row.get(0))).await
}

pub async fn load(db: &Sqlite) -> Result<Snapshot, DatabaseError> {
    db.with(|connection| {
        let transaction = connection.transaction()?;
        let version = transaction.query_row(VERSION, (), |row| row.get(0))?;
        let mut statement = transaction.prepare(&format!("SELECT {COLUMNS} FROM api_keys"))?;
        let rows = statement.query_map((), columns)?.collect::<Result<Vec<_>, _>>()?;
        Ok(Snapshot { version, records: rows.into_iter().filter_map(Columns::into_record).collect() })
    })
    .await
}

pub async fn list(
    db: &Sqlite,
    tenant: Option<&str>,
    position: Option<Position>,
    limit: usize,
) -> Result<Vec<Record>, DatabaseError> {
    let (created_at_s, id) = after(position);
    let tenant = tenant.map(str::to_owned);
    let limit = signed(limit as u64);
    db.with(move |connection| {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_keys WHERE (created_at_s, id) > (?1, ?2) AND (?3 IS NULL OR tenant = ?3)
             ORDER BY created_at_s, id LIMIT ?4"
        ))?;
        let rows = statement.query_map(params![created_at_s, id, tenant, limit], columns)?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().filter_map(Columns::into_record).collect())
    })
    .await
}

pub async fn get(db: &Sqlite, tenant: Option<&str>, id: &str) -> Result<Option<Record>, DatabaseError> {
    let (tenant, id) = (tenant.map(str::to_owned), id.to_owned());
    db.with(move |connection| find(connection, tenant.as_deref(), &id)).await
}

pub async fn insert(db: &Sqlite, records: Vec<Record>, how: Insert) -> Result<Inserted, DatabaseError> {
    db.with(move |connection| {
        let (transaction, version) = begin(connection)?;
        let count: i64 = transaction.query_row("SELECT count(*) FROM api_keys", (), |row| row.get(0))?;
        if how == Insert::First && count > 0 {
            return Ok(Inserted::NotFirst);
        }
        if count.saturating_add(signed(records.len() as u64)) > signed(KEYS_MAX as u64) {
            return Ok(Inserted::Full);
        }
        let values = "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15";
        let sql = format!("INSERT INTO api_keys ({COLUMNS}) VALUES ({values})");
        for record in &records {
            write(&transaction, &sql, record)?;
        }
        transaction.commit()?;
        Ok(Inserted::Done(version))
    })
    .await
}

pub async fn edit(
    db: &Sqlite,
    tenant: Option<&str>,
    id: &str,
    edit: Edit,
) -> Result<Option<(Record, i64)>, DatabaseError> {
    let (tenant, id) = (tenant.map(str::to_owned), id.to_owned());
    db.with(move |connection| {
        let (transaction, version) = begin(connection)?;
        let Some(mut record) = find(&transaction, tenant.as_deref(), &id)? else { return Ok(None) };
        edit(&mut record);
        let sql =
            "UPDATE api_keys SET hash = ?2, prefix = ?3, name = ?4, tenant = ?5, scopes = ?6, models = ?7,
                   rpm = ?8, tpm = ?9, concurrent = ?10, day_nano_usd = ?11, month_nano_usd = ?12,
                   created_at_s = ?13, expires_at_s = ?14, last_used_at_s = ?15 WHERE id = ?1";
        write(&transaction, sql, &record)?;
        transaction.commit()?;
        Ok(Some((record, version)))
    })
    .await
}

pub async fn delete(db: &Sqlite, tenant: Option<&str>, id: &str) -> Result<Option<i64>, DatabaseError> {
    let (tenant, id) = (tenant.map(str::to_owned), id.to_owned());
    db.with(move |connection| {
        let (transaction, version) = begin(connection)?;
        let sql = "DELETE FROM api_keys WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)";
        if transaction.execute(sql, params![id, tenant])? == 0 {
            return Ok(None);
        }
        transaction.commit()?;
        Ok(Some(version))
    })
    .await
}

pub async fn touch(db: &Sqlite, uses: Vec<(Arc<str>, u64)>) -> Result<(), DatabaseError> {
    db.with(move |connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut statement = transaction.prepare_cached(
                "UPDATE api_keys SET last_used_at_s = max(coalesce(last_used_at_s, 0), ?2) WHERE id = ?1",
            )?;
            for (id, at_s) in uses {
                statement.execute(params![&*id, signed(at_s)])?;
            }
        }
        transaction.commit()
    })
    .await
}

/// A transaction that others wait for, and the version that its commit makes.
fn begin(connection: &mut Connection) -> rusqlite::Result<(Transaction<'_>, i64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "UPDATE api_keys_version SET version = version + 1 RETURNING version";
    let version = transaction.query_row(sql, (), |row| row.get(0))?;
    Ok((transaction, version))
}

fn find(connection: &Connection, tenant: Option<&str>, id: &str) -> rusqlite::Result<Option<Record>> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)");
    let row = connection.prepare_cached(&sql)?.query_row(params![id, tenant], columns).optional()?;
    Ok(row.and_then(Columns::into_record))
}

fn write(connection: &Connection, sql: &str, record: &Record) -> rusqlite::Result<()> {
    let row = Columns::from(record);
    let values = params![
        row.id,
        row.hash,
        row.prefix,
        row.name,
        row.tenant,
        row.scopes,
        row.models,
        row.rpm,
        row.tpm,
        row.concurrent,
        row.day_nano_usd,
        row.month_nano_usd,
        row.created_at_s,
        row.expires_at_s,
        row.last_used_at_s,
    ];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        id: row.get(0)?,
        hash: row.get(1)?,
        prefix: row.get(2)?,
        name: row.get(3)?,
        tenant: row.get(4)?,
        scopes: row.get(5)?,
        models: row.get(6)?,
        rpm: row.get(7)?,
        tpm: row.get(8)?,
        concurrent: row.get(9)?,
        day_nano_usd: row.get(10)?,
        month_nano_usd: row.get(11)?,
        created_at_s: row.get(12)?,
        expires_at_s: row.get(13)?,
        last_used_at_s: row.get(14)?,
    })
}
