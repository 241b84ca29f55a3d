//! The floor: the least that a proxy built on hyper does. No routes, no auth, no log, no decoding; hyper's server in
//! front, hyper-util's pooled client behind.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::{
    Request, Response, StatusCode, Uri, body::Incoming, http::uri::Authority, server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};

use super::listen;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    upstream: Authority,
}

type Upstream = Client<HttpConnector, Full<Bytes>>;

pub async fn run(options: &Options) -> Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Arc<Upstream> = Arc::new(Client::builder(TokioExecutor::new()).build(connector));
    let listener = listen().await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, upstream) = (Arc::clone(&client), options.upstream.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| pass(request, Arc::clone(&client), upstream.clone()));
            // A client that leaves early is an error of its connection only.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    client: Arc<Upstream>,
    upstream: Authority,
) -> Result<Response<Either<Incoming, Full<Bytes>>>> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().cloned();
    let mut uri = Uri::builder().scheme("http").authority(upstream);
    if let Some(path) = path {
        uri = uri.path_and_query(path);
    }
    parts.uri = uri.build()?;
    let body = body.collect().await?.to_bytes();
    match client.request(Request::from_parts(parts, Full::new(body))).await {
        Ok(response) => Ok(response.map(Either::Left)),
        Err(_) => {
            let mut response = Response::new(Either::Right(Full::default()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(response)
        }
    }
}
