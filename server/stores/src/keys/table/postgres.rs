//! The table of keys in PostgreSQL.

use std::sync::Arc;

use novai_core::keys::Position;
use tokio_postgres::{Error, GenericClient, Row, Transaction};

use super::{Edit, Insert, Inserted, KEYS_MAX, Snapshot};
use crate::database::{DatabaseError, Postgres};
use crate::keys::record::{COLUMNS, Columns, Record, after, signed};

const VERSION: &str = "SELECT version FROM api_keys_version";

pub async fn version(db: &Postgres) -> Result<i64, DatabaseError> {
    let client = db.client().await?;
    let row = client.query_one(VERSION, &[]).await.map_err(|source| db.error(source))?;
    row.try_get(0).map_err(|source| db.error(source))
}

pub async fn load(db: &Postgres) -> Result<Snapshot, DatabaseError> {
    let client = db.client().await?;
    let read = async {
        // The version first: a change in between makes it too old, and then everything is read again.
        let version = client.query_one(VERSION, &[]).await?.try_get(0)?;
        let rows = client.query(&format!("SELECT {COLUMNS} FROM api_keys"), &[]).await?;
        Ok(Snapshot { version, records: records(&rows)? })
    };
    read.await.map_err(|source| db.error(source))
}

pub async fn list(
    db: &Postgres,
    tenant: Option<&str>,
    position: Option<Position>,
    limit: usize,
) -> Result<Vec<Record>, DatabaseError> {
    let (created_at_s, id) = after(position);
    let limit = signed(limit as u64);
    let client = db.client().await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys
         WHERE (created_at_s, id) > ($1, $2) AND ($3::text IS NULL OR tenant = $3)
         ORDER BY created_at_s, id LIMIT $4"
    );
    let rows = client.query(&sql, &[&created_at_s, &id, &tenant, &limit]).await;
    rows.and_then(|rows| records(&rows)).map_err(|source| db.error(source))
}

pub async fn get(db: &Postgres, tenant: Option<&str>, id: &str) -> Result<Option<Record>, DatabaseError> {
    let client = db.client().await?;
    find(&**client, tenant, id).await.map_err(|source| db.error(source))
}

pub async fn insert(db: &Postgres, records: Vec<Record>, how: Insert) -> Result<Inserted, DatabaseError> {
    let mut client = db.client().await?;
    let write = async {
        let transaction = client.transaction().await?;
        let version = begin(&transaction).await?;
        let count: i64 = transaction.query_one("SELECT count(*) FROM api_keys", &[]).await?.try_get(0)?;
        if how == Insert::First && count > 0 {
            return Ok(Inserted::NotFirst);
        }
        if count.saturating_add(signed(records.len() as u64)) > signed(KEYS_MAX as u64) {
            return Ok(Inserted::Full);
        }
        let values = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15";
        let sql = format!("INSERT INTO api_keys ({COLUMNS}) VALUES ({values})");
        for record in &records {
            self::write(&transaction, &sql, record).await?;
        }
        transaction.commit().await?;
        Ok(Inserted::Done(version))
    };
    write.await.map_err(|source| db.error(source))
}

pub async fn edit(
    db: &Postgres,
    tenant: Option<&str>,
    id: &str,
    edit: Edit,
) -> Result<Option<(Record, i64)>, DatabaseError> {
    let mut client = db.client().await?;
    let write = async {
        let transaction = client.transaction().await?;
        let version = begin(&transaction).await?;
        let Some(mut record) = find(&*transaction, tenant, id).await? else { return Ok(None) };
        edit(&mut record);
        let sql = "UPDATE api_keys SET hash = $2, prefix = $3, name = $4, tenant = $5, scopes = $6, models = $7,
                   rpm = $8, tpm = $9, concurrent = $10, day_nano_usd = $11, month_nano_usd = $12,
                   created_at_s = $13, expires_at_s = $14, last_used_at_s = greatest(last_used_at_s, $15) WHERE id = $1";
        self::write(&transaction, sql, &record).await?;
        transaction.commit().await?;
        Ok(Some((record, version)))
    };
    write.await.map_err(|source| db.error(source))
}

pub async fn delete(db: &Postgres, tenant: Option<&str>, id: &str) -> Result<Option<i64>, DatabaseError> {
    let mut client = db.client().await?;
    let write = async {
        let transaction = client.transaction().await?;
        let version = begin(&transaction).await?;
        let sql = "DELETE FROM api_keys WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)";
        if transaction.execute(sql, &[&id, &tenant]).await? == 0 {
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(version))
    };
    write.await.map_err(|source| db.error(source))
}

pub async fn touch(db: &Postgres, uses: Vec<(Arc<str>, u64)>) -> Result<(), DatabaseError> {
    let client = db.client().await?;
    let ids: Vec<&str> = uses.iter().map(|(id, _)| &**id).collect();
    let times: Vec<i64> = uses.iter().map(|(_, at_s)| signed(*at_s)).collect();
    let sql = "UPDATE api_keys SET last_used_at_s = greatest(last_used_at_s, used.at_s)
               FROM unnest($1::text[], $2::bigint[]) AS used (id, at_s) WHERE api_keys.id = used.id";
    client.execute(sql, &[&ids, &times]).await.map(drop).map_err(|source| db.error(source))
}

/// Takes the writers' turn, and tells the version that the commit makes.
async fn begin(transaction: &Transaction<'_>) -> Result<i64, Error> {
    let sql = "UPDATE api_keys_version SET version = version + 1 RETURNING version";
    transaction.query_one(sql, &[]).await?.try_get(0)
}

async fn find(client: &impl GenericClient, tenant: Option<&str>, id: &str) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)");
    let row = client.query_opt(&sql, &[&id, &tenant]).await?;
    Ok(row.map(|row| columns(&row)).transpose()?.and_then(Columns::into_record))
}

async fn write(transaction: &Transaction<'_>, sql: &str, record: &Record) -> Result<(), Error> {
    let row = Columns::from(record);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 15] = [
        &row.id,
        &row.hash,
        &row.prefix,
        &row.name,
        &row.tenant,
        &row.scopes,
        &row.models,
        &row.rpm,
        &row.tpm,
        &row.concurrent,
        &row.day_nano_usd,
        &row.month_nano_usd,
        &row.created_at_s,
        &row.expires_at_s,
        &row.last_used_at_s,
    ];
    transaction.execute(sql, &values).await.map(drop)
}

fn records(rows: &[Row]) -> Result<Vec<Record>, Error> {
    let rows = rows.iter().map(columns).collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter_map(Columns::into_record).collect())
}

fn columns(row: &Row) -> Result<Columns, Error> {
    Ok(Columns {
        id: row.try_get(0)?,
        hash: row.try_get(1)?,
        prefix: row.try_get(2)?,
        name: row.try_get(3)?,
        tenant: row.try_get(4)?,
        scopes: row.try_get(5)?,
        models: row.try_get(6)?,
        rpm: row.try_get(7)?,
        tpm: row.try_get(8)?,
        concurrent: row.try_get(9)?,
        day_nano_usd: row.try_get(10)?,
        month_nano_usd: row.try_get(11)?,
        created_at_s: row.try_get(12)?,
        expires_at_s: row.try_get(13)?,
        last_used_at_s: row.try_get(14)?,
    })
}
