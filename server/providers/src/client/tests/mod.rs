//! The client against scripted bytes.

mod bounds;
mod deadlines;
mod polls;
mod reuse;
mod tls;

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use novai_core::Deadlines;

use super::testing::{Upstream, pipes};
use super::{Body, Client, Failure, Outgoing, PoolConfig};

fn client() -> (Arc<Client>, Upstream) {
    client_with(PoolConfig::default(), Deadlines::default())
}

fn client_with(pool: PoolConfig, deadlines: Deadlines) -> (Arc<Client>, Upstream) {
    let (pipes, upstream) = pipes();
    (Arc::new(Client::new(pipes, pool, deadlines)), upstream)
}

fn post(body: &'static str) -> Outgoing {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("upstream.test"));
    Outgoing {
        method: Method::POST,
        path: "/v1/chat/completions".parse().unwrap(),
        headers,
        body: Bytes::from_static(body.as_bytes()),
    }
}

/// Sends and reads the whole answer, in a task of its own so that the test can play the upstream.
fn call(client: &Arc<Client>, body: &'static str) -> tokio::task::JoinHandle<Result<Bytes, Failure>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { client.send(&post(body)).await?.body.read_whole(1 << 20).await })
}

async fn piece(body: &mut Body) -> Option<Result<Bytes, Failure>> {
    poll_fn(|cx| body.poll_piece(cx)).await
}
