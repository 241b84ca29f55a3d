//! Streams under way: cancelled, slow, many, cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use novai_core::{ChatEvent, Error, Provider};

use crate::support::provider::{Dropped, Scripted, once, streaming};
use crate::support::worker::Worker;
use crate::support::{call, event, everything, remote, within};

/// One event, then silence; says when it is dropped.
fn one_then_silence(guard: Dropped) -> novai_core::ChatStream {
    let silence = stream::once(async move {
        let _guard = guard;
        std::future::pending().await
    });
    Box::pin(stream::iter([Ok(event("1"))]).chain(silence))
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_dropped_at_the_provider() {
    let (guard, dropped) = Dropped::new();
    let guard = once(guard);
    let worker = Worker::start(Scripted::new().streams(move |_| {
        let guard = guard.lock().unwrap().take().unwrap();
        std::future::ready(Ok(streaming(one_then_silence(guard))))
    }));
    let mut streaming = within("the stream", remote(&[worker.url()]).stream(call())).await.unwrap();
    within("the first event", streaming.events.next()).await.unwrap().unwrap();
    let left_at = Instant::now();
    drop(streaming);
    within("the provider to hear of it", dropped).await.unwrap();
    println!("the provider heard of it after {:?}", left_at.elapsed());
}

#[tokio::test]
async fn a_call_that_is_dropped_is_dropped_at_the_provider() {
    let (guard, dropped) = Dropped::new();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let state = once((guard, begun));
    let worker = Worker::start(Scripted::new().completes(move |_| {
        let (guard, begun) = state.lock().unwrap().take().unwrap();
        async move {
            let _guard = guard;
            let _ = begun.send(());
            std::future::pending().await
        }
    }));
    let remote = remote(&[worker.url()]);
    let asking = tokio::spawn(async move { remote.complete(call()).await });
    within("the provider to be asked", has_begun).await.unwrap();
    asking.abort();
    within("the provider to hear of it", dropped).await.unwrap();
}

/// Counts what is taken from it.
fn counted(events: u64, bytes: usize, taken: &Arc<AtomicU64>) -> novai_core::ChatStream {
    let (taken, json) = (Arc::clone(taken), Bytes::from(vec![b'1'; bytes]));
    Box::pin(stream::iter(0..events).map(move |_| {
        taken.fetch_add(1, Relaxed);
        Ok(ChatEvent { json: json.clone(), usage: None, usage_only: false })
    }))
}

/// 100 callers that read one event each and then no more, on one connection: the provider is not read ahead for them, and
/// nobody else waits for them.
#[tokio::test]
async fn slow_callers_hold_back_their_provider_and_nobody_else() {
    const CALLERS: u64 = 100;
    const EVENTS: u64 = 4096;
    const EVENT_BYTES: usize = 1024;
    let taken = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&taken);
    let worker = Worker::start(
        Scripted::new()
            .streams(move |_| std::future::ready(Ok(streaming(counted(EVENTS, EVENT_BYTES, &counter))))),
    );
    let remote = remote(&[worker.url()]);
    let mut slow = Vec::new();
    for _ in 0..CALLERS {
        let mut streaming = within("a slow stream", remote.stream(call())).await.unwrap();
        within("its first event", streaming.events.next()).await.unwrap().unwrap();
        slow.push(streaming);
    }
    for _ in 0..100 {
        within("a call beside the stalled streams", remote.complete(call())).await.unwrap();
    }
    // The window, what is on its way into it, and what is read and not handed out: a sixteenth of what there is.
    let taken_max = CALLERS * EVENTS / 16;
    let taken_now = taken.load(Relaxed);
    assert!(taken_now <= taken_max, "{taken_now} events were read for callers that took {CALLERS}");
    let (rest, error) = everything(slow.remove(0).events).await;
    assert!(error.is_none() && rest.len() as u64 == EVENTS - 1, "{} events, {error:?}", rest.len());
}

/// More than the 1024 that h2 forgives by itself, each with events on their way when its caller leaves.
#[tokio::test]
async fn callers_that_leave_take_nobody_along() {
    const CALLERS: usize = 1500;
    let taken = Arc::new(AtomicU64::new(0));
    let worker = Worker::start(
        Scripted::new().streams(move |_| std::future::ready(Ok(streaming(counted(1 << 20, 512, &taken))))),
    );
    let remote = remote(&[worker.url()]);
    let mut stays = within("the one that stays", remote.stream(call())).await.unwrap();
    for _ in 0..CALLERS / 50 {
        let leaving = (0..50).map(|_| async {
            let mut leaves = remote.stream(call()).await.unwrap();
            leaves.events.next().await.unwrap().unwrap();
        });
        within("the ones that leave", futures_util::future::join_all(leaving)).await;
        within("the one that stays", stays.events.next()).await.unwrap().unwrap();
    }
    within("a call after them", remote.complete(call())).await.unwrap();
    for _ in 0..1000 {
        within("the one that stays", stays.events.next()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_stream_is_an_error_and_never_an_end() {
    let (guard, _dropped) = Dropped::new();
    let guard = once(guard);
    let mut worker = Worker::start(Scripted::new().streams(move |_| {
        let guard = guard.lock().unwrap().take().unwrap();
        std::future::ready(Ok(streaming(one_then_silence(guard))))
    }));
    let mut streaming = within("the stream", remote(&[worker.url()]).stream(call())).await.unwrap();
    within("the first event", streaming.events.next()).await.unwrap().unwrap();
    tokio::task::spawn_blocking(move || worker.kill()).await.unwrap();
    let (got, error) = everything(streaming.events).await;
    assert!(got.is_empty());
    let Some(Error::StreamBroken { events_sent: 1, source, .. }) = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("the worker http://127.0.0.1"), "{source}");
}

#[tokio::test]
async fn an_event_of_10_mb_crosses() {
    let json = Bytes::from(vec![b'7'; 10 << 20]);
    let expected = json.clone();
    let worker = Worker::start(
        Scripted::new().says(move || vec![Ok(ChatEvent { json: json.clone(), ..event("") }), Ok(event("1"))]),
    );
    let streaming = within("the stream", remote(&[worker.url()]).stream(call())).await.unwrap();
    let (got, error) = everything(streaming.events).await;
    assert!(error.is_none() && got.len() == 2 && got[0].json == expected);
}
