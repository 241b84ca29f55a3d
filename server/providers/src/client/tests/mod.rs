//! The client against scripted bytes.

mod bounds;
mod deadlines;
mod polls;
mod reuse;
mod tls;

use std::future::poll_fn;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use novai_core::Deadlines;

use super::testing::{Upstream, pipes};
use super::{Body, Client, Failure, Method, Outgoing, PoolConfig, RequestHead};

fn client() -> (Arc<Client>, Upstream) {
    client_with(PoolConfig::default(), Deadlines::default())
}

fn client_with(pool: PoolConfig, deadlines: Deadlines) -> (Arc<Client>, Upstream) {
    let (pipes, upstream) = pipes();
    (Arc::new(Client::new(pipes, pool, deadlines)), upstream)
}

/// What every test sends, with a body of its own.
static HEAD: LazyLock<RequestHead> = LazyLock::new(|| {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("upstream.test"));
    RequestHead::new(Method::Post, &"/v1/chat/completions".parse().unwrap(), &headers)
});

fn post(body: &'static str) -> Outgoing<'static> {
    Outgoing { head: &HEAD, headers: &[], body: Bytes::from_static(body.as_bytes()), deadline: None }
}

/// Sends and reads the whole answer, in a task of its own so that the test can play the upstream.
fn call(client: &Arc<Client>, body: &'static str) -> tokio::task::JoinHandle<Result<Bytes, Failure>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { client.send(&post(body)).await?.body.read_whole(1 << 20).await })
}

async fn piece(body: &mut Body) -> Option<Result<Bytes, Failure>> {
    poll_fn(|cx| body.poll_piece(cx)).await
}
