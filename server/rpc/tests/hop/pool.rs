//! Several workers: one that dies, one that stops, one that comes back.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use novai_core::{ChatStream, Deadlines, Error, Provider};
use novai_rpc::worker::Limits;
use novai_rpc::{ClientTls, Remote};
use tokio::sync::Notify;

use crate::support::provider::{Scripted, completion, streaming};
use crate::support::worker::Worker;
use crate::support::{PROVIDER, call, event, everything, pool, remote, within};

/// Answers with its own name.
fn named(name: &'static str) -> Scripted {
    Scripted::new().completes(move |_| std::future::ready(Ok(completion(name)))).streams(move |_| {
        let events: ChatStream = Box::pin(stream::iter([Ok(event(name))]).chain(stream::pending()));
        std::future::ready(Ok(streaming(events)))
    })
}

fn killed(mut worker: Worker) -> impl Future<Output = ()> {
    let done = tokio::task::spawn_blocking(move || worker.kill());
    async { done.await.unwrap() }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    within(what, waiting).await;
}

async fn who(remote: &Remote) -> String {
    let answer = within("an answer", remote.complete(call())).await.unwrap();
    String::from_utf8(answer.json.to_vec()).unwrap()
}

#[tokio::test]
async fn calls_under_way_are_spread_evenly() {
    let workers = [Worker::start(named("a")), Worker::start(named("b")), Worker::start(named("c"))];
    let pool = pool(&workers.each_ref().map(Worker::url), ClientTls::default());
    let remote = Remote::new(PROVIDER, Arc::clone(&pool), Deadlines::default());
    until("all three serve", || pool.serving() == 3).await;
    let mut open = Vec::new();
    for _ in 0..9 {
        let mut streaming = within("a stream", remote.stream(call())).await.unwrap();
        let first = streaming.events.next().await.unwrap().unwrap();
        open.push((first.json, streaming));
    }
    for name in ["a", "b", "c"] {
        assert_eq!(open.iter().filter(|(by, _)| *by == name).count(), 3, "of worker {name}");
    }
}

#[tokio::test]
async fn a_killed_worker_breaks_its_streams_and_the_next_calls_go_to_another() {
    let (a, b) = (Worker::start(named("a")), Worker::start(named("b")));
    let pool = pool(&[a.url(), b.url()], ClientTls::default());
    let remote = Remote::new(PROVIDER, Arc::clone(&pool), Deadlines::default());
    until("both serve", || pool.serving() == 2).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut streaming = within("a stream", remote.stream(call())).await.unwrap();
        let first = streaming.events.next().await.unwrap().unwrap();
        streams.push((first.json, streaming.events));
    }
    streams.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!((&*streams[0].0, &*streams[1].0), (&b"a"[..], &b"b"[..]));
    killed(a).await;
    // At once, and without a failure in between.
    for _ in 0..10 {
        assert_eq!(who(&remote).await, "b");
    }
    let (_, broken) = streams.remove(0);
    let (got, error) = everything(broken).await;
    assert!(got.is_empty() && matches!(error, Some(Error::StreamBroken { .. })), "{error:?}");
}

#[tokio::test]
async fn a_worker_that_is_stopped_finishes_what_runs_and_gets_no_more() {
    let finish = Arc::new(Notify::new());
    let may_finish = Arc::clone(&finish);
    let slow = named("a").streams(move |_| {
        let may_finish = Arc::clone(&may_finish);
        let last = stream::once(async move {
            may_finish.notified().await;
            Ok(event("last"))
        });
        std::future::ready(Ok(streaming(Box::pin(stream::iter([Ok(event("a"))]).chain(last)))))
    });
    let mut a = Worker::start(slow);
    let only_a = remote(&[a.url()]);
    let mut running = within("the stream", only_a.stream(call())).await.unwrap();
    within("its first event", running.events.next()).await.unwrap().unwrap();

    let b = Worker::start(named("b"));
    let pool = pool(&[a.url(), b.url()], ClientTls::default());
    let both = Remote::new(PROVIDER, Arc::clone(&pool), Deadlines::default());
    until("both serve", || pool.serving() == 2).await;
    a.drain();
    // No call fails meanwhile, whoever answers it.
    while pool.serving() == 2 {
        who(&both).await;
    }
    for _ in 0..10 {
        assert_eq!(who(&both).await, "b");
    }
    finish.notify_one();
    let (got, error) = everything(running.events).await;
    assert!(error.is_none() && got.len() == 1 && got[0].json == "last", "{got:?} {error:?}");
    a.ended().await;
}

#[tokio::test]
async fn a_worker_that_comes_back_is_asked_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}");
    drop(listener);
    let pool = pool(&[url], ClientTls::default());
    let remote = Remote::new(PROVIDER, Arc::clone(&pool), Deadlines::default());
    let error = within("the refusal", remote.complete(call())).await.unwrap_err();
    let Error::ProviderUnavailable { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().starts_with("no worker could be asked: http://127.0.0.1"), "{source}");
    assert_eq!(pool.serving(), 0);

    let listener = std::net::TcpListener::bind(address).unwrap();
    let _worker = Worker::start_on(listener, Arc::new(named("a")), None, Limits::default());
    // By the health watch alone.
    until("the worker serves", || pool.serving() == 1).await;
    assert_eq!(who(&remote).await, "a");
}

#[tokio::test]
async fn a_provider_that_one_worker_lacks_is_looked_for_at_the_next() {
    struct Renamed(Scripted);
    impl Provider for Renamed {
        fn name(&self) -> &str {
            "other"
        }
        fn complete(
            &self,
            call: novai_core::ChatCall,
        ) -> futures_util::future::BoxFuture<'_, Result<novai_core::Completion, Error>> {
            self.0.complete(call)
        }
        fn stream(
            &self,
            call: novai_core::ChatCall,
        ) -> futures_util::future::BoxFuture<'_, Result<novai_core::Streaming, Error>> {
            self.0.stream(call)
        }
        fn models(
            &self,
        ) -> futures_util::future::BoxFuture<'_, Result<Vec<novai_core::UpstreamModel>, Error>> {
            self.0.models()
        }
    }
    let (old, new) = (Worker::start(Renamed(named("old"))), Worker::start(named("new")));
    let both = remote(&[old.url(), new.url()]);
    for _ in 0..4 {
        assert_eq!(who(&both).await, "new");
    }
    let error = within("the refusal", remote(&[old.url()]).complete(call())).await.unwrap_err();
    let Error::ProviderUnavailable { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("has no provider \"scripted\""), "{source}");
}

/// More calls than a worker takes at a time on one connection wait for their turn; none fails, and the worker is not given up.
#[tokio::test]
async fn calls_beyond_what_a_worker_takes_wait() {
    let go = Arc::new(tokio::sync::Semaphore::new(0));
    let may_go = Arc::clone(&go);
    let slow = Scripted::new().completes(move |_| {
        let may_go = Arc::clone(&may_go);
        async move {
            may_go.acquire().await.unwrap().forget();
            Ok(completion("slow"))
        }
    });
    let limits = Limits { calls_max: 4, ..Limits::default() };
    let worker = Worker::start_with(Arc::new(slow), None, limits);
    let remote = Arc::new(remote(&[worker.url()]));
    // With the first answer comes the worker's word on how many it takes.
    go.add_permits(1);
    who(&remote).await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let remote = Arc::clone(&remote);
            tokio::spawn(async move { who(&remote).await })
        })
        .collect();
    go.add_permits(20);
    for call in calls {
        assert_eq!(within("a call's turn", call).await.unwrap(), "slow");
    }
}
