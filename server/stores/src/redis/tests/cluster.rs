//! Nodes of a Redis Cluster: scripts stay in one slot, and who asks the wrong node is told the right one.

use std::sync::Arc;
use std::time::Duration;

use novai_core::limits::{
    AppliedLimit, Demand, LimitSpec, LimitStore, OnStoreFailure, Refusal, ScopeKind, TokioClock,
};

use super::server::Server;
use super::world::{World, limit, rejected, rpm};
use crate::redis::{RedisSettings, RedisStore};

/// In a cluster, a script may only touch keys of one slot.
#[tokio::test]
async fn a_cluster_takes_the_scripts() {
    let Some(server) = Server::start_cluster() else { return };
    let world = World::on(server, 1, |_| {});
    let all = LimitSpec { rpm: Some(2), tpm: Some(100), concurrent: Some(2) };
    let kinds = [ScopeKind::Key, ScopeKind::Tenant, ScopeKind::Model, ScopeKind::Global];
    let limits: Vec<AppliedLimit> = kinds
        .into_iter()
        .map(|kind| limit(kind, &format!("a{{{}}}", kind.as_str()), all, OnStoreFailure::Closed))
        .collect();
    let permits = [world.gateways[0].ask(&limits, 40).await, world.gateways[0].ask(&limits, 40).await];
    assert!(matches!(world.gateways[0].ask(&limits, 1).await, Err(Refusal::Rejected(_))));
    for permit in permits {
        permit.unwrap().settle(10);
    }
    world.settled().await;
    let seen = world.gateways[0].peek(&limits).await;
    assert_eq!((seen.requests.unwrap().remaining, seen.tokens.unwrap().remaining), (0, 80));
}

/// Two nodes, each with half of the slots. The first is the one that does not have the limits.
struct Pair {
    other: Server,
    owner: Server,
    slot: u16,
}

impl Pair {
    fn start() -> Option<Pair> {
        let nodes = [Server::start_node()?, Server::start_node()?];
        nodes[0].take_slots(0..=8191);
        nodes[1].take_slots(8192..=16383);
        nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &nodes[1].port().to_string()]);
        nodes.iter().for_each(Server::is_in_order);
        let mut keyslot = redis::cmd("CLUSTER");
        let slot = keyslot.arg("KEYSLOT").arg("{novai}").query(&mut nodes[0].connect()).unwrap();
        let [low, high] = nodes;
        let (other, owner) = if slot < 8192 { (high, low) } else { (low, high) };
        Some(Pair { other, owner, slot })
    }

    fn id(server: &Server) -> String {
        redis::cmd("CLUSTER").arg("MYID").query(&mut server.connect()).unwrap()
    }

    /// Everything in the slot goes to the node that did not have it; `finish` makes it the owner.
    fn migrate(&self) {
        let slot = self.slot.to_string();
        self.other.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &Self::id(&self.owner)]);
        self.owner.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &Self::id(&self.other)]);
        let mut of_slot = redis::cmd("CLUSTER");
        of_slot.arg("GETKEYSINSLOT").arg(self.slot).arg(100);
        let keys: Vec<String> = of_slot.query(&mut self.owner.connect()).unwrap();
        assert!(!keys.is_empty(), "the limits are here");
        let port = self.other.port().to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        self.owner.command(&words);
    }

    fn finish(&self) {
        for server in [&self.other, &self.owner] {
            server.command(&["CLUSTER", "SETSLOT", &self.slot.to_string(), "NODE", &Self::id(&self.other)]);
        }
    }
}

#[tokio::test]
async fn the_node_that_has_the_limits_is_found_and_found_again_when_they_move() {
    let Some(pair) = Pair::start() else { return };
    let mut settings = RedisSettings::new(&format!("redis://127.0.0.1:{}", pair.other.port())).unwrap();
    settings.call_timeout = Duration::from_secs(10);
    let store = RedisStore::new(&settings, Arc::new(TokioClock::new())).unwrap();
    let ask = async |limits: &[AppliedLimit]| {
        store.admit(Demand { limits: limits.to_vec(), tokens: 0 }).resolve().await
    };
    let limits = rpm(5, OnStoreFailure::Share);
    for left in (2..5).rev() {
        let seen = ask(&limits).await.unwrap().snapshot();
        assert_eq!((seen.requests.unwrap().remaining, seen.is_degraded), (left, false));
    }
    store.drained().await;
    assert_eq!((store.stats().asked, store.stats().failed, store.stats().settlements_lost), (3, 0, 0));

    pair.migrate();
    pair.finish();
    for left in (0..2).rev() {
        let seen = ask(&limits).await.unwrap().snapshot();
        assert_eq!((seen.requests.unwrap().remaining, seen.is_degraded), (left, false), "nothing was lost");
    }
    assert_eq!(rejected(ask(&limits).await).used, 5);
    store.drained().await;
    assert_eq!((store.stats().failed, store.stats().outages), (0, 0));
}

/// While a slot moves, some of its keys are here and some there: nobody can decide. That is an outage, which is short.
#[tokio::test]
async fn while_the_slot_moves_each_limit_does_what_it_is_told() {
    let Some(pair) = Pair::start() else { return };
    let mut settings = RedisSettings::new(&format!("redis://127.0.0.1:{}", pair.owner.port())).unwrap();
    settings.call_timeout = Duration::from_secs(10);
    let store = RedisStore::new(&settings, Arc::new(TokioClock::new())).unwrap();
    let ask = async |mode| store.admit(Demand { limits: rpm(5, mode), tokens: 0 }).resolve().await;
    ask(OnStoreFailure::Closed).await.unwrap();
    store.drained().await;
    pair.migrate();
    let closed = ask(OnStoreFailure::Closed).await;
    assert!(matches!(closed, Err(Refusal::Unavailable { .. })), "{closed:?}");
    assert!(ask(OnStoreFailure::Share).await.unwrap().snapshot().is_degraded);
    pair.finish();
    assert!(ask(OnStoreFailure::Closed).await.is_ok(), "as soon as it has moved");
}
