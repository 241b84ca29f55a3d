//! Redis gone, stuck, back, and back empty.

use std::time::Duration;

use novai_core::limits::{LimitSpec, OnStoreFailure, Refusal, ScopeKind};

use super::world::{World, limit, rejected, rpm};

/// Short, so that a dead server is noticed soon; a living one on a busy machine answers in time.
fn impatient(replicas: u64) -> Option<World> {
    World::with(1, |settings| {
        settings.replicas = replicas;
        settings.call_timeout = Duration::from_millis(500);
    })
}

#[tokio::test]
async fn without_redis_each_limit_does_what_it_is_told() {
    let Some(mut world) = impatient(3) else { return };
    world.server.kill();
    let gateway = &world.gateways[0];
    for _ in 0..3 {
        let closed = gateway.ask(&rpm(30, OnStoreFailure::Closed), 0).await;
        assert!(matches!(closed, Err(Refusal::Unavailable { .. })), "{closed:?}");
    }
    assert!(gateway.store.is_degraded());

    let share = rpm(30, OnStoreFailure::Share);
    for left in (0..10).rev() {
        let permit = gateway.ask(&share, 0).await.unwrap();
        let seen = permit.snapshot();
        assert!(seen.is_degraded);
        assert_eq!((seen.requests.unwrap().limit, seen.requests.unwrap().remaining), (10, left));
    }
    let refused = rejected(gateway.ask(&share, 0).await);
    assert!(refused.snapshot.is_degraded);
    assert_eq!(refused.limit, 10, "a third of 30");

    let open = vec![limit(
        ScopeKind::Tenant,
        "t",
        LimitSpec { rpm: Some(1), ..LimitSpec::NONE },
        OnStoreFailure::Open,
    )];
    for _ in 0..20 {
        assert!(gateway.ask(&open, 0).await.unwrap().snapshot().is_degraded);
    }
    let mixed = [open, rpm(30, OnStoreFailure::Closed)].concat();
    assert!(gateway.ask(&mixed, 0).await.is_err(), "one closed limit is enough");
}

#[tokio::test]
async fn a_stuck_redis_costs_three_deadlines_and_then_none() {
    let Some(mut world) = World::with(1, |settings| settings.call_timeout = Duration::from_millis(50)) else {
        return;
    };
    let limits = rpm(1000, OnStoreFailure::Share);
    world.server.pause();
    for _ in 0..100 {
        assert!(world.gateways[0].ask(&limits, 0).await.is_ok());
    }
    let stats = world.gateways[0].store.stats();
    assert_eq!((stats.asked, stats.failed, stats.decided_alone, stats.outages), (3, 3, 100, 1));

    world.server.resume();
    // What the stuck Redis has admitted late is given back.
    world.settled().await;
    world.pass(1_000_000);
    let seen = world.gateways[0].peek(&limits).await;
    assert!(seen.is_degraded, "the share stays in force for a window");
    assert_eq!(seen.requests.unwrap().remaining, 1000);
    world.pass(60_000_001);
    assert!(!world.gateways[0].peek(&limits).await.is_degraded);
}

/// Two gateways, one limit. Redis dies with everything it knew, and comes back empty. In no minute is more admitted than the
/// limit, and after a minute nobody is refused for it any more.
#[tokio::test]
async fn a_redis_that_comes_back_empty_brings_no_burst() {
    let Some(mut world) = World::with(2, |settings| {
        settings.replicas = 2;
        settings.call_timeout = Duration::from_millis(500);
    }) else {
        return;
    };
    let limits = rpm(20, OnStoreFailure::Share);
    async fn admitted(world: &World, limits: &[novai_core::limits::AppliedLimit], asked: usize) -> usize {
        let mut admitted = 0;
        for number in 0..asked {
            admitted += usize::from(world.gateways[number % 2].ask(limits, 0).await.is_ok());
        }
        admitted
    }
    assert_eq!(admitted(&world, &limits, 12).await, 12);
    world.pass(5_000_000);
    world.server.kill();
    // Each has admitted 6 of its own: 4 are left of each share.
    assert_eq!(admitted(&world, &limits, 40).await, 8);
    world.server.restart();
    world.pass(5_000_000);
    // Redis would admit 20.
    assert_eq!(admitted(&world, &limits, 40).await, 0);
    assert!(world.gateways[0].store.is_degraded());
    // The first 12 have left, the 8 have not.
    world.pass(50_000_000);
    assert_eq!(admitted(&world, &limits, 40).await, 12);
    world.pass(61_000_000);
    assert!(!world.gateways[0].store.is_degraded());
    assert_eq!(admitted(&world, &limits, 40).await, 20);
}

/// Else it would let its share pass for another minute, beside what Redis lets the others pass.
#[tokio::test]
async fn who_has_used_up_its_share_still_finds_out_that_redis_is_back() {
    let Some(mut world) = impatient(2) else { return };
    let limits = rpm(10, OnStoreFailure::Share);
    world.gateways[0].ask(&limits, 0).await.unwrap();
    world.server.kill();
    while world.gateways[0].ask(&limits, 0).await.is_ok() {}
    let answered = |world: &World| {
        let stats = world.gateways[0].store.stats();
        stats.asked - stats.failed
    };
    assert_eq!(answered(&world), 1);
    world.server.restart();
    // The first trial may still find the connection to the dead.
    for _ in 0..3 {
        world.pass(1_000_001);
        rejected(world.gateways[0].ask(&limits, 0).await);
    }
    assert!(answered(&world) > 1, "nobody asked");
}

/// The same where no call failed: Redis was away between two requests only.
#[tokio::test]
async fn lost_data_are_noticed_by_their_name() {
    let Some(mut world) = World::with(1, |settings| settings.call_timeout = Duration::from_secs(10)) else {
        return;
    };
    let limits = rpm(5, OnStoreFailure::Share);
    for _ in 0..5 {
        world.gateways[0].ask(&limits, 0).await.unwrap();
    }
    redis::cmd("FLUSHALL").exec(&mut world.server.connect()).unwrap();
    world.tell_time();
    let refused = rejected(world.gateways[0].ask(&limits, 0).await);
    assert_eq!((refused.used, refused.limit), (5, 5));
    assert_eq!(refused.retry_after, Some(Duration::from_secs(60)));
    assert_eq!(world.gateways[0].store.stats().outages, 1);
    world.pass(60_000_000);
    assert!(world.gateways[0].ask(&limits, 0).await.is_ok());
}
