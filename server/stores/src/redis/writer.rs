//! Brings to Redis what nobody waits for: permits that have ended, and the slots of requests that still run.
//!
//! Settling is idempotent, so a lost answer is asked again. What cannot be told within a window is forgotten: the tokens
//! have expired by then, and the slots' leases run out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use novai_core::limits::window::WINDOW_US;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::calls::{Calls, Ended};

/// Ends that wait. A gateway at 10,000 requests/s fills it in a second and a half without Redis.
const QUEUE_MAX: usize = 16_384;
/// On their way at the same time, over one connection.
const BATCH_MAX: usize = 64;
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// Slots in one call.
const RENEWED_AT_ONCE: usize = 256;

pub struct Writer {
    queue: mpsc::Sender<(Instant, Ended)>,
    running: Arc<Running>,
    /// Ends that Redis has not been told of yet.
    untold: watch::Sender<usize>,
    pub lost: Arc<AtomicU64>,
}

/// The keys of the slots that each running request of this gateway holds.
#[derive(Default)]
struct Running(Mutex<HashMap<String, Vec<String>>>);

impl Running {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Its tasks end with `calls`.
    pub fn start(calls: &Arc<Calls>, lease: Duration) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let running = Arc::new(Running::default());
        let lost = Arc::new(AtomicU64::new(0));
        let untold = watch::Sender::new(0);
        tokio::spawn(settle(waiting, Arc::clone(calls), untold.clone(), Arc::clone(&lost)));
        // Two renewals may fail before a slot is lost.
        tokio::spawn(renew(Arc::downgrade(&running), Arc::clone(calls), lease / 3));
        Writer { queue, running, untold, lost }
    }

    pub fn begin(&self, id: &str, slots: Vec<String>) {
        if !slots.is_empty() {
            self.running.lock().insert(id.to_owned(), slots);
        }
    }

    pub fn end(&self, ended: Ended) {
        self.running.lock().remove(&ended.id);
        self.untold.send_modify(|untold| *untold += 1);
        if self.queue.try_send((Instant::now(), ended)).is_err() {
            self.untold.send_modify(|untold| *untold -= 1);
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// Resolves when Redis knows of everything that has ended.
    pub fn drained(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut untold = self.untold.subscribe();
        async move {
            // An error means that the writer is gone: nothing is left to wait for.
            let _ = untold.wait_for(|untold| *untold == 0).await;
        }
    }
}

async fn settle(
    mut waiting: mpsc::Receiver<(Instant, Ended)>,
    calls: Arc<Calls>,
    untold: watch::Sender<usize>,
    lost: Arc<AtomicU64>,
) {
    let window = Duration::from_micros(WINDOW_US);
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        while !batch.is_empty() {
            let results = join_all(batch.iter().map(|(_, ended)| calls.settle(ended))).await;
            let (asked, mut results) = (batch.len(), results.into_iter());
            batch.retain(|_| results.next().is_some_and(|result| result.is_err()));
            let failed = batch.len();
            batch.retain(|(ended_at, _)| ended_at.elapsed() < window);
            lost.fetch_add((failed - batch.len()) as u64, Relaxed);
            untold.send_modify(|untold| *untold -= asked - batch.len());
            if !batch.is_empty() {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

async fn renew(running: Weak<Running>, calls: Arc<Calls>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(running) = running.upgrade() else { return };
        let slots: Vec<(String, String)> = running
            .lock()
            .iter()
            .flat_map(|(id, keys)| keys.iter().map(|key| (id.clone(), key.clone())))
            .collect();
        drop(running);
        for slots in slots.chunks(RENEWED_AT_ONCE) {
            if let Err(error) = calls.renew(slots).await {
                tracing::warn!(%error, "concurrent slots could not be renewed");
                break;
            }
        }
    }
}
