//! Claims in PostgreSQL: those that come together are made together, in one transaction.

use std::collections::HashSet;
use std::sync::Arc;

use novai_core::replays::{BodyHash, Claim, ReplayError};
use tokio::sync::{mpsc, oneshot};

use super::id::ReplayId;
use super::writer::Op;
use super::{LEASE_MS, Place, Shared, postgres};

/// Askers who wait for their turn; more wait for a place among them.
pub(super) const WAITING_MAX: usize = 4_096;
/// In one transaction.
const AT_ONCE: usize = 256;

pub(super) struct Wanted {
    id: ReplayId,
    body: BodyHash,
    answer: oneshot::Sender<Result<Claim, String>>,
}

pub(super) async fn ask(
    claims: &mpsc::Sender<Wanted>,
    id: ReplayId,
    body: BodyHash,
) -> Result<Claim, ReplayError> {
    let (answer, claimed) = oneshot::channel();
    let gone = |_| ReplayError("the task that asks has ended".into());
    claims.send(Wanted { id, body, answer }).await.map_err(|_| gone(()))?;
    claimed.await.map_err(|_| gone(()))?.map_err(|reason| ReplayError(reason.into()))
}

/// Runs until the store is dropped.
pub(super) async fn run(
    shared: Arc<Shared>,
    ops: mpsc::UnboundedSender<Op>,
    mut queue: mpsc::Receiver<Wanted>,
) {
    let Place::Postgres { db, owner } = &shared.place else { return };
    let mut wanted = Vec::with_capacity(AT_ONCE);
    // A twin of one in the same transaction: its turn is the next.
    let mut twins = Vec::new();
    loop {
        wanted.append(&mut twins);
        if wanted.is_empty() && queue.recv_many(&mut wanted, AT_ONCE).await == 0 {
            return;
        }
        let mut seen = HashSet::new();
        let (first, rest): (Vec<_>, Vec<_>) = wanted.drain(..).partition(|wanted| seen.insert(wanted.id));
        twins = rest;
        let now_ms = shared.now_ms();
        let asked: Vec<(ReplayId, BodyHash)> = first.iter().map(|wanted| (wanted.id, wanted.body)).collect();
        match postgres::claim(db, *owner, &asked, now_ms, now_ms + LEASE_MS).await {
            Ok(found) => {
                for (wanted, found) in first.into_iter().zip(found) {
                    let claim = found.map_or(Claim::New, |found| found.judged(&wanted.body));
                    let is_new = claim == Claim::New;
                    // Who no longer waits may have released it before it was made.
                    if wanted.answer.send(Ok(claim)).is_err() && is_new {
                        let _ = ops.send(Op::Release(wanted.id));
                    }
                }
            }
            Err(error) => {
                let reason = error.to_string();
                for wanted in first {
                    let _ = wanted.answer.send(Err(reason.clone()));
                }
            }
        }
    }
}
