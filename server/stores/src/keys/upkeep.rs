//! Keeps memory and database together: what other gateways change is read, and when keys were used is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::Keys;
use crate::database::DatabaseError;

/// A key that another gateway revokes is refused here at the latest this long afterwards, plus the time of two queries. The
/// API promises 5 s.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
const WRITE_INTERVAL: Duration = Duration::from_secs(30);
/// Rows of one transaction.
const WRITTEN_AT_ONCE: usize = 1000;

impl Keys {
    /// Runs until it is dropped.
    pub async fn keep_up(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written_at = Instant::now();
        let mut is_failing = false;
        loop {
            looks.tick().await;
            let mut kept = self.look().await;
            if kept.is_ok() && written_at.elapsed() >= WRITE_INTERVAL {
                written_at = Instant::now();
                kept = self.write_uses().await;
            }
            match kept {
                Ok(()) if is_failing => tracing::info!("the keys can be read again"),
                // Once, not every two seconds.
                Err(ref error) if !is_failing => {
                    tracing::error!(%error, "the keys cannot be read: those known so far stay valid");
                }
                _ => {}
            }
            is_failing = kept.is_err();
        }
    }

    /// Reads the keys again if anybody has changed one.
    pub async fn look(&self) -> Result<(), DatabaseError> {
        if self.table.version().await? == self.index.load().version {
            return Ok(());
        }
        let _replacing = self.replacing.lock().await;
        let snapshot = self.table.load().await?;
        let reloaded = self.index.load().reloaded(snapshot);
        self.index.store(reloaded.into());
        Ok(())
    }

    /// Writes when keys were last used. Also the last thing that a gateway does with its keys.
    pub async fn write_uses(&self) -> Result<(), DatabaseError> {
        let index = self.index.load_full();
        let uses = index.take_uses();
        let mut rest = uses.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min(WRITTEN_AT_ONCE));
            if let Err(error) = self.table.touch(some.to_vec()).await {
                index.give_back(rest);
                return Err(error);
            }
            rest = others;
        }
        Ok(())
    }
}
