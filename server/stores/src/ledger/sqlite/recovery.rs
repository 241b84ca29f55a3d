//! What earlier processes left in the journal: settled requests go into SQLite; those that were never settled are settled
//! now, by what was noted of them.
//!
//! Safe to be killed in, at any point: the segments stay until everything in them is in SQLite, and a row is added once.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use novai_core::money::{Outcome, Progress, Reservation, ReservationId, Settlement};
use rusqlite::Connection;

use super::super::journal::{self, Left};
use super::super::record::{self, Record};
use super::super::{LedgerOpenError, Recovered};
use super::apply::apply;
use super::batch::Batch;
use crate::database::Sqlite;

pub(super) enum RecoveryError {
    Journal(io::Error),
    Database(rusqlite::Error),
}

impl RecoveryError {
    pub(super) fn into_open_error(self, database: &Sqlite, dir: &Path) -> LedgerOpenError {
        match self {
            RecoveryError::Journal(source) => LedgerOpenError::Journal { dir: dir.to_owned(), source },
            RecoveryError::Database(source) => LedgerOpenError::Database(database.error(source)),
        }
    }
}

#[derive(Default)]
struct Found {
    reservation: Option<Arc<Reservation>>,
    progress: Progress,
    settlement: Option<Settlement>,
}

pub(super) fn recover(
    dir: &Path,
    left: &Left,
    connection: &mut Connection,
    now_ms: u64,
) -> Result<Recovered, RecoveryError> {
    let mut found: HashMap<ReservationId, Found> = HashMap::new();
    for path in &left.segments {
        for bytes in journal::read(path).map_err(RecoveryError::Journal)? {
            match record::decode(&bytes) {
                Some(record) => take(&mut found, record),
                None => {
                    tracing::error!(dir = %dir.display(), "the ledger's journal has a record of an unknown kind")
                }
            }
        }
    }
    let (mut settled, mut orphans) = (Batch::default(), Batch::default());
    for found in found.into_values() {
        // A settlement alone: its reservation's segment went because SQLite has the row.
        let Some(reservation) = found.reservation else { continue };
        match found.settlement {
            Some(settlement) => settled.push(&reservation, settlement),
            None => {
                let settlement = Settlement::of(&reservation, Outcome::Recovered, found.progress, now_ms);
                orphans.push(&reservation, settlement);
            }
        }
    }
    Ok(Recovered {
        settled: apply(connection, &settled).map_err(RecoveryError::Database)?,
        orphans: apply(connection, &orphans).map_err(RecoveryError::Database)?,
    })
}

fn take(found: &mut HashMap<ReservationId, Found>, record: Record) {
    match record {
        Record::Reserved(reservation) => {
            let id = reservation.id;
            found.entry(id).or_default().reservation = Some(Arc::new(reservation));
        }
        Record::Noted(id, progress) => found.entry(id).or_default().progress = progress,
        Record::Settled(id, settlement) => found.entry(id).or_default().settlement = Some(settlement),
    }
}
