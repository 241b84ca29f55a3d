//! Concurrent slots: those of a killed gateway come back, those of a long request stay.

use std::time::Duration;

use novai_core::limits::{LimitKind, LimitSpec, OnStoreFailure, ScopeKind};

use super::world::{World, limit, rejected};

#[tokio::test]
async fn a_killed_gateways_slots_come_back_when_their_lease_ends() {
    let Some(mut world) = World::new(2) else { return };
    let spec = LimitSpec { concurrent: Some(2), ..LimitSpec::NONE };
    let limits = vec![limit(ScopeKind::Model, "m", spec, OnStoreFailure::Closed)];
    let held = world.gateways[0].ask(&limits, 0).await.unwrap();
    // What a gateway held that was killed: nobody will ever settle it.
    std::mem::forget(world.gateways[0].ask(&limits, 0).await.unwrap());

    let refused = rejected(world.gateways[1].ask(&limits, 0).await);
    assert_eq!((refused.kind, refused.limit, refused.used), (LimitKind::Concurrent, 2, 2));
    world.pass(29_000_000);
    assert!(world.gateways[1].ask(&limits, 0).await.is_err());
    // The living one renews in time.
    let id = format!("{}-0", world.gateways[0].store.inner.calls.next_id().rsplit_once('-').unwrap().0);
    let key = world.gateways[0].store.inner.calls.keys.running(&limits[0].scope);
    world.gateways[0].store.inner.calls.renew(&[(id, key)]).await.unwrap();
    world.pass(2_000_000);
    let other = world.gateways[1].ask(&limits, 0).await.unwrap();
    assert!(world.gateways[1].ask(&limits, 0).await.is_err(), "the renewed one still holds its slot");
    drop((held, other));
    world.settled().await;
    let both = (world.gateways[0].ask(&limits, 0).await, world.gateways[1].ask(&limits, 0).await);
    assert!(both.0.is_ok() && both.1.is_ok());
}

#[tokio::test]
async fn running_requests_are_renewed_without_being_asked() {
    let Some(mut world) = World::with(1, |settings| settings.lease = Duration::from_millis(60)) else {
        return;
    };
    let spec = LimitSpec { concurrent: Some(1), ..LimitSpec::NONE };
    let limits = vec![limit(ScopeKind::Key, "k", spec, OnStoreFailure::Closed)];
    let _running = world.gateways[0].ask(&limits, 0).await.unwrap();
    let key = world.gateways[0].store.inner.calls.keys.running(&limits[0].scope);
    let lease_end = |world: &World| -> f64 {
        let entries: Vec<(String, f64)> = redis::cmd("ZRANGE")
            .arg(&key)
            .arg("0")
            .arg("-1")
            .arg("WITHSCORES")
            .query(&mut world.server.connect())
            .unwrap();
        entries[0].1
    };
    let before = lease_end(&world);
    world.pass(50_000);
    let mut tries = 0;
    while lease_end(&world) <= before {
        tries += 1;
        assert!(tries < 1000, "never renewed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
