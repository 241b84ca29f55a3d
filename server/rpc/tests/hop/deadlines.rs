//! A call ends when its time is over, whoever is to blame.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use novai_core::{ChatCall, ChatStream, Deadline, Deadlines, Error, Provider};
use novai_rpc::ClientTls;
use novai_rpc::worker::Limits;
use tokio::time::Instant;

use crate::support::provider::{Dropped, Scripted, once, streaming};
use crate::support::worker::Worker;
use crate::support::{call, event, everything, remote, remote_with, within};

const TOTAL: Duration = Duration::from_millis(200);

fn hurried(url: String) -> novai_rpc::Remote {
    let deadlines = Deadlines { total: TOTAL, ..Deadlines::default() };
    remote_with(&[url], ClientTls::default(), deadlines)
}

#[track_caller]
fn assert_total(error: Option<Error>) {
    let Some(Error::ProviderTimeout { provider, deadline: Deadline::Total, limit }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(provider, "scripted");
    assert!(limit <= TOTAL && limit + Duration::from_millis(50) > TOTAL, "{limit:?}");
}

#[tokio::test]
async fn a_provider_that_never_answers_is_left_by_both_ends() {
    let (guard, dropped) = Dropped::new();
    let guard = once(guard);
    let worker = Worker::start(Scripted::new().completes(move |_| {
        let guard = guard.lock().unwrap().take().unwrap();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    }));
    assert_total(within("the deadline", hurried(worker.url()).complete(call())).await.err());
    within("the provider to hear of it", dropped).await.unwrap();
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_the_same_error() {
    let worker = Worker::start(Scripted::new().streams(move |_| {
        let events: ChatStream = Box::pin(stream::iter([Ok(event("1"))]).chain(stream::pending()));
        std::future::ready(Ok(streaming(events)))
    }));
    let streaming = within("the stream", hurried(worker.url()).stream(call())).await.unwrap();
    let (got, error) = everything(streaming.events).await;
    assert_eq!(got.len(), 1);
    assert_total(error);
}

/// The request's own deadline, of which a call has what earlier attempts have left.
#[tokio::test]
async fn what_is_left_of_the_request_crosses() {
    let provider = Arc::new(Scripted::new().completes(|_| std::future::pending()));
    let worker = Worker::start_with(Arc::clone(&provider) as _, None, Limits::default());
    let call = ChatCall { deadline: Some(Instant::now() + TOTAL), ..call() };
    assert_total(within("the deadline", remote(&[worker.url()]).complete(call)).await.err());
    let told = provider.calls.lock().unwrap().remove(0).deadline;
    assert!(told.is_some(), "the provider is told");
}

/// A worker whose process stands still: the kernel accepts, nobody answers.
#[tokio::test]
async fn a_worker_that_stands_still_is_left_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = hurried(format!("http://{}", listener.local_addr().unwrap()));
    assert_total(within("the deadline", remote.complete(call())).await.err());
    assert_total(within("the deadline", remote.stream(call())).await.err());
}
