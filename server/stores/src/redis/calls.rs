//! Talking to Redis: every call has a deadline, carries what is known of the shared time, and learns from the answer.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use novai_core::limits::{AppliedLimit, SteadyClock};

use super::keys::Keys;
use super::link::Link;
use super::replies::Reply;
use super::scripts::{Call, Scripts};
use super::settings::RedisSettings;
use super::witness::{Bounds, Witness};

pub struct Calls {
    link: Link,
    pub scripts: Scripts,
    pub keys: Keys,
    pub clock: Arc<dyn SteadyClock>,
    timeout: Duration,
    lease_us: u64,
    witness: Mutex<Option<Witness>>,
    /// Unlike any other gateway's.
    replica: String,
    permits: AtomicU64,
    seeds: AtomicU64,
}

/// Why there is no answer. The cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    #[error("an answer that the script does not give")]
    Malformed,
}

impl Calls {
    pub fn new(
        settings: &RedisSettings,
        clock: Arc<dyn SteadyClock>,
        scripts: Scripts,
    ) -> redis::RedisResult<Self> {
        let link = Link::new(settings.client()?)?;
        let mut random = [0; 8];
        // Without randomness the ids of two gateways could meet; the time of the start keeps them apart as well.
        let _ = getrandom::fill(&mut random);
        let started_at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let started_ns = started_at.map_or(0, |since| since.as_nanos() as u64);
        Ok(Calls {
            link,
            scripts,
            keys: Keys::new(&settings.prefix),
            clock,
            timeout: settings.call_timeout,
            lease_us: settings.lease.as_micros() as u64,
            witness: Mutex::default(),
            replica: format!("{:016x}", u64::from_le_bytes(random) ^ started_ns),
            permits: AtomicU64::new(0),
            seeds: AtomicU64::new(0),
        })
    }

    pub fn next_id(&self) -> String {
        format!("{}-{:x}", self.replica, self.permits.fetch_add(1, Relaxed))
    }

    /// `id` is empty to look only.
    pub async fn admit(&self, id: &str, limits: &[AppliedLimit], tokens: u64) -> Result<Reply, CallError> {
        let mut keys = vec![self.keys.clock(), self.keys.open_permits()];
        let sent_us = self.clock.now_us();
        let mut arguments = vec![id.to_owned()];
        arguments.extend(self.time(sent_us));
        arguments.extend([tokens.to_string(), self.lease_us.to_string()]);
        for limit in limits {
            keys.extend([self.keys.window(&limit.scope), self.keys.running(&limit.scope)]);
            let or_none = |cap: Option<u64>| cap.map_or_else(|| "-1".to_owned(), |cap| cap.to_string());
            arguments.extend([limit.spec.rpm, limit.spec.tpm, limit.spec.concurrent].map(or_none));
        }
        let value = self.run(self.scripts.admit.call(&keys, &arguments)).await?;
        let reply = Reply::parse(&value, limits.len()).ok_or(CallError::Malformed)?;
        let received_us = self.clock.now_us();
        self.learn(Witness { shared_us: reply.now_us, sent_us, received_us });
        Ok(reply)
    }

    /// Twice is once.
    pub async fn settle(&self, ended: &Ended) -> Result<(), CallError> {
        let mut keys = vec![self.keys.open_permits()];
        keys.extend_from_slice(&ended.keys);
        let requests = if ended.was_admitted { "0" } else { "1" };
        let arguments =
            [ended.id.clone(), ended.reserved.to_string(), ended.used.to_string(), requests.to_owned()];
        self.run(self.scripts.settle.call(&keys, &arguments)).await.map(drop)
    }

    /// `running` are ids, each with a key that holds its slot.
    pub async fn renew(&self, running: &[(String, String)]) -> Result<(), CallError> {
        let mut keys = vec![self.keys.clock()];
        let mut arguments: Vec<String> = self.time(self.clock.now_us()).into();
        arguments.push(self.lease_us.to_string());
        for (id, key) in running {
            arguments.push(id.clone());
            keys.push(key.clone());
        }
        self.run(self.scripts.renew.call(&keys, &arguments)).await.map(drop)
    }

    async fn run(&self, call: Call<'_>) -> Result<redis::Value, CallError> {
        match tokio::time::timeout(self.timeout, self.link.run(call)).await {
            Ok(result) => Ok(result?),
            Err(_elapsed) => {
                self.link.forget();
                Err(CallError::Timeout(self.timeout))
            }
        }
    }

    /// The arguments `earliest`, `latest`, `seed` and `seen` of `clock.lua`.
    fn time(&self, now_us: u64) -> [String; 4] {
        let witness = *self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        let slack_us = self.timeout.as_micros() as u64;
        let bounds = witness.map_or(Bounds::NONE, |witness| witness.bounds(now_us, slack_us));
        let latest = bounds.latest_us.map_or_else(|| "-1".to_owned(), |latest| latest.to_string());
        let seed = format!("{}-{:x}", self.replica, self.seeds.fetch_add(1, Relaxed));
        let seen_us = witness.map_or(0, |witness| witness.shared_us);
        [bounds.earliest_us.to_string(), latest, seed, seen_us.to_string()]
    }

    fn learn(&self, learned: Witness) {
        let mut witness = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        if witness.is_none_or(|known| known.sent_us <= learned.sent_us) {
            *witness = Some(learned);
        }
    }
}

/// A permit that has ended, on its way to Redis.
#[derive(Debug, Clone)]
pub struct Ended {
    pub id: String,
    /// Window and running requests of each limit.
    pub keys: Vec<String>,
    pub reserved: u64,
    pub used: u64,
    /// False if nobody got the permit: the request is given back, too.
    pub was_admitted: bool,
}
