//! Each deadline alone, on a clock that only moves when nothing else can.

use std::time::Duration;

use futures_util::future::BoxFuture;
use novai_core::error::Deadline;
use tokio::time::{Instant, sleep};

use super::super::testing::{LAST_CHUNK, chunk, chunked_head};
use super::super::{BoxIo, Connect};
use super::*;

const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(3),
    first_byte: Duration::from_secs(20),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(60),
};

#[track_caller]
fn check<T: std::fmt::Debug>(
    result: Result<T, Failure>,
    deadline: Deadline,
    started_at: Instant,
    after: u64,
) {
    match result {
        Err(Failure::Timeout { deadline: actual, .. }) => assert_eq!(actual, deadline),
        other => panic!("expected the {deadline} deadline, got {other:?}"),
    }
    // tokio's timer has millisecond steps and rounds up.
    let late = started_at.elapsed() - Duration::from_secs(after);
    assert!(late <= Duration::from_millis(2), "{late:?} late");
}

struct NeverConnects;

impl Connect for NeverConnects {
    fn connect(&self) -> BoxFuture<'_, std::io::Result<BoxIo>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn connect() {
    let client = Arc::new(Client::new(Arc::new(NeverConnects), PoolConfig::default(), DEADLINES));
    let started_at = Instant::now();
    check(client.send(&post("a")).await, Deadline::Connect, started_at, 3);
}

#[tokio::test(start_paused = true)]
async fn first_byte() {
    let (client, mut upstream) = client_with(PoolConfig::default(), DEADLINES);
    let started_at = Instant::now();
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    check(waiting.await.unwrap(), Deadline::FirstByte, started_at, 20);
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn idle_is_shorter_than_first_byte_and_still_exact() {
    let (client, mut upstream) = client_with(PoolConfig::default(), DEADLINES);
    let started_at = Instant::now();
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    sleep(Duration::from_secs(1)).await;
    peer.send(chunked_head("text/plain") + &chunk("x")).await;
    check(waiting.await.unwrap(), Deadline::Idle, started_at, 11);
    peer.closed().await;
}

/// A caller that cannot pass on what it has must not take its own time for the upstream's silence.
#[tokio::test(start_paused = true)]
async fn idle_does_not_count_while_nobody_waits() {
    let (client, mut upstream) = client_with(PoolConfig::default(), DEADLINES);
    let sending = tokio::spawn(async move { client.send(&post("a")).await });
    let mut peer = upstream.accept().await;
    peer.request().await;
    peer.send(chunked_head("text/plain")).await;
    let mut body = sending.await.unwrap().unwrap().body;
    sleep(Duration::from_secs(15)).await;
    let waits_since = Instant::now();
    check(piece(&mut body).await.unwrap(), Deadline::Idle, waits_since, 10);
}

#[tokio::test(start_paused = true)]
async fn progress_postpones_idle_but_not_total() {
    let (client, mut upstream) = client_with(PoolConfig::default(), DEADLINES);
    let started_at = Instant::now();
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    let trickle = tokio::spawn(async move {
        peer.send(chunked_head("text/plain")).await;
        loop {
            sleep(Duration::from_secs(9)).await;
            if peer.send_or_closed(chunk("x")).await {
                return;
            }
        }
    });
    check(waiting.await.unwrap(), Deadline::Total, started_at, 60);
    trickle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_expires_when_all_is_well() {
    let (client, mut upstream) = client_with(PoolConfig::default(), DEADLINES);
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    sleep(Duration::from_secs(19)).await;
    peer.send(chunked_head("text/plain")).await;
    for _ in 0..4 {
        sleep(Duration::from_secs(9)).await;
        peer.send(chunk("x")).await;
    }
    peer.send(LAST_CHUNK).await;
    assert_eq!(waiting.await.unwrap().unwrap(), "xxxx");
}

#[tokio::test(start_paused = true)]
async fn endless_deadlines_do_not_overflow() {
    let forever = Duration::MAX;
    let deadlines = Deadlines { connect: forever, first_byte: forever, idle: forever, total: forever };
    let (client, mut upstream) = client_with(PoolConfig::default(), deadlines);
    let waiting = call(&client, "a");
    let mut peer = upstream.accept().await;
    peer.request().await;
    sleep(Duration::from_secs(60 * 60 * 24)).await;
    peer.send(chunked_head("text/plain") + LAST_CHUNK).await;
    assert_eq!(waiting.await.unwrap().unwrap(), "");
}
