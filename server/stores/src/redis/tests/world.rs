//! A redis-server whose time the test decides, and gateways beside it, each with a steady clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use novai_core::limits::{
    Admission, AppliedLimit, Demand, LimitScope, LimitSnapshot, LimitSpec, LimitStore, OnStoreFailure,
    Refusal, Rejected, ScopeKind, SteadyClock,
};

use super::server::Server;
use crate::redis::scripts::Scripts;
use crate::redis::{RedisSettings, RedisStore};

const TIME_KEY: &str = "{novai}:time-of-the-test";
/// Somewhere in 2026, on no round number.
pub const EPOCH_US: u64 = 1_795_315_435_123_456;

/// Nanoseconds of nobody's clock: it moves when the test says so.
pub struct Manual(AtomicU64);

impl SteadyClock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

pub struct Gateway {
    pub store: RedisStore,
    clock: Arc<Manual>,
}

impl Gateway {
    pub async fn ask(&self, limits: &[AppliedLimit], tokens: u64) -> Admission {
        self.store.admit(Demand { limits: limits.to_vec(), tokens }).resolve().await
    }

    pub async fn peek(&self, limits: &[AppliedLimit]) -> LimitSnapshot {
        self.store.peek(limits.to_vec()).resolve().await
    }
}

pub struct World {
    pub server: Server,
    pub gateways: Vec<Gateway>,
    /// Since the start.
    pub true_us: u64,
    /// How far Redis' clock is off.
    pub off_us: i64,
}

impl World {
    /// `None` where there is no redis-server.
    pub fn new(gateways: usize) -> Option<World> {
        Self::with(gateways, |_| {})
    }

    pub fn with(gateways: usize, set: impl Fn(&mut RedisSettings)) -> Option<World> {
        Some(Self::on(Server::start()?, gateways, set))
    }

    pub fn on(server: Server, gateways: usize, set: impl Fn(&mut RedisSettings)) -> World {
        let mut world = World { server, gateways: Vec::new(), true_us: 0, off_us: 0 };
        world.tell_time();
        for _ in 0..gateways {
            world.add_gateway(&set);
        }
        world
    }

    pub fn add_gateway(&mut self, set: impl Fn(&mut RedisSettings)) {
        let mut settings = RedisSettings::new(&self.server.url()).unwrap();
        // A paused machine must not fail a test of the algorithm.
        settings.call_timeout = Duration::from_secs(10);
        set(&mut settings);
        // No two have started at the same time.
        let clock = Arc::new(Manual(AtomicU64::new(1_000_003 * self.gateways.len() as u64 + self.true_us)));
        let store = RedisStore::with_scripts(
            &settings,
            Arc::clone(&clock) as Arc<dyn SteadyClock>,
            Scripts::with_time_in(TIME_KEY),
        );
        self.gateways.push(Gateway { store: store.unwrap(), clock });
    }

    /// Time passes, for everybody.
    pub fn pass(&mut self, us: u64) {
        self.pass_without_redis(us);
        self.tell_time();
    }

    /// For everybody but a server that is not there.
    pub fn pass_without_redis(&mut self, us: u64) {
        self.true_us += us;
        for gateway in &self.gateways {
            gateway.clock.0.fetch_add(us, SeqCst);
        }
    }

    /// Somebody sets Redis' clock.
    pub fn set_off(&mut self, off_us: i64) {
        self.off_us = off_us;
        self.tell_time();
    }

    pub fn tell_time(&self) {
        let reading = (EPOCH_US + self.true_us).saturating_add_signed(self.off_us);
        let mut connection = self.server.connect();
        redis::pipe()
            .atomic()
            .del(TIME_KEY)
            .rpush(TIME_KEY, (reading / 1_000_000).to_string())
            .rpush(TIME_KEY, (reading % 1_000_000).to_string())
            .exec(&mut connection)
            .expect("set the time");
    }

    pub async fn settled(&self) {
        for gateway in &self.gateways {
            gateway.store.drained().await;
        }
    }
}

pub fn limit(kind: ScopeKind, name: &str, spec: LimitSpec, on_store_failure: OnStoreFailure) -> AppliedLimit {
    AppliedLimit { scope: LimitScope { kind, name: name.into() }, spec, on_store_failure }
}

/// Requests per minute of one key.
pub fn rpm(rpm: u64, on_store_failure: OnStoreFailure) -> Vec<AppliedLimit> {
    vec![limit(ScopeKind::Key, "k", LimitSpec { rpm: Some(rpm), ..LimitSpec::NONE }, on_store_failure)]
}

#[track_caller]
pub fn rejected(admission: Admission) -> Rejected {
    match admission {
        Err(Refusal::Rejected(rejected)) => *rejected,
        other => panic!("expected a rejection, got {other:?}"),
    }
}
