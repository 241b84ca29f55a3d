//! Which counter a request belongs to, found by position: no label is built and nothing is locked.

use std::sync::{Arc, OnceLock};

use novai_http::observer::{Outcome, RequestEnded};
use prometheus_client::metrics::counter::Counter;

use super::families::Counters;
use super::{OTHER, Positions};

/// Those that the gateway gives. Frequent ones first: it is searched from the front.
const STATUSES: [u16; 20] =
    [200, 201, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 499, 500, 502, 503, 504];
/// And one for any other, and one for none.
const STATUS_SLOTS: usize = STATUSES.len() + 2;
const ROW: usize = STATUS_SLOTS * Outcome::ALL.len();

type Row = Box<[OnceLock<Counter>]>;

pub(super) struct Requests {
    /// In the spec's order; one more for requests that matched none.
    operations: Vec<&'static str>,
    models: usize,
    /// By operation, then by model, where none is one more. A row is made when its first request ends.
    rows: Box<[OnceLock<Row>]>,
}

impl Requests {
    pub(super) fn new(operations: &[&'static str], models: usize) -> Self {
        let operations: Vec<_> = operations.iter().copied().chain(["none"]).collect();
        let rows = (0..operations.len() * (models + 1)).map(|_| OnceLock::new()).collect();
        Requests { operations, models, rows }
    }

    pub(super) fn count(
        &self,
        family: &Counters<4>,
        models: &Positions,
        ended: &RequestEnded<'_>,
        model: Option<usize>,
    ) {
        let last = self.operations.len() - 1;
        let operation = ended.operation.filter(|position| *position < last).unwrap_or(last);
        let row = operation * (self.models + 1) + model.unwrap_or(self.models);
        let row = self.rows[row].get_or_init(|| (0..ROW).map(|_| OnceLock::new()).collect());
        let status = match ended.status.map(|status| status.as_u16()) {
            None => STATUS_SLOTS - 1,
            Some(code) => STATUSES.iter().position(|known| *known == code).unwrap_or(STATUSES.len()),
        };
        let counter = row[status * Outcome::ALL.len() + ended.outcome as usize].get_or_init(|| {
            let status = match ended.status {
                None => Arc::from(""),
                Some(_) if status == STATUSES.len() => Arc::from(OTHER),
                Some(code) => Arc::from(code.as_str()),
            };
            family.get_or_create_owned(&[
                ("operation", Arc::from(self.operations[operation])),
                ("model", model.map_or_else(|| Arc::from(""), |model| Arc::clone(&models.names[model]))),
                ("status", status),
                ("outcome", Arc::from(ended.outcome.name())),
            ])
        });
        counter.inc();
    }
}
