//! Reads the key set again, now and then and when a token names a key that is not in it.

use std::sync::Arc;
use std::time::Duration;

use novai_core::KeySetSource;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Tokens;
use super::keys::KeySet;

const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
/// Between two attempts, however many tokens with unknown keys strangers send.
const ATTEMPT_INTERVAL_MIN: Duration = Duration::from_secs(30);
const FETCH_TIMEOUT: Duration = Duration::from_secs(15);
/// Keys that could not be confirmed for so long are forgotten: whoever can keep us from reading the document must not be
/// able to keep a withdrawn key alive for ever.
const KEPT_WITHOUT_WORD: Duration = Duration::from_secs(24 * 3600);

impl Tokens {
    /// Fetches at once, then runs until it is dropped.
    pub async fn keep_fresh(self: Arc<Self>, source: Arc<dyn KeySetSource>) {
        let mut confirmed_at = Instant::now();
        loop {
            match self.fetch(&*source).await {
                Ok(keys) => {
                    self.keys.store(Arc::new(keys));
                    confirmed_at = Instant::now();
                }
                Err(reason) => {
                    let is_forgotten = confirmed_at.elapsed() >= KEPT_WITHOUT_WORD;
                    tracing::error!(%reason, is_forgotten, "the keys of tokens cannot be read");
                    if is_forgotten {
                        self.keys.store(Arc::new(KeySet::empty()));
                    }
                    // Sooner than after a success.
                    sleep(ATTEMPT_INTERVAL_MIN).await;
                    continue;
                }
            }
            let next = Instant::now() + REFRESH_INTERVAL;
            sleep(ATTEMPT_INTERVAL_MIN).await;
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.key_is_missed.notified() => {}
            }
        }
    }

    async fn fetch(&self, source: &dyn KeySetSource) -> Result<KeySet, String> {
        let document = match timeout(FETCH_TIMEOUT, source.fetch()).await {
            Ok(Ok(document)) => document,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("no answer within {} s", FETCH_TIMEOUT.as_secs())),
        };
        KeySet::of_jwks(&document, &self.policy.algorithms).map_err(|error| format!("the document {error}"))
    }
}
