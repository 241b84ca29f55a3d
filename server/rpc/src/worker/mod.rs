//! The worker's end: a gRPC server in front of providers.
//!
//! Start at [`serve()`]; what a call does is in `service`, how a stream is written in `answer`. Beside our own services it
//! answers `grpc.health.v1` (which gateways watch) and reflection (for people with grpcurl).
//!
//! What bounds it: connections and TLS hand-shakes (`incoming`), calls at a time on one connection, message sizes, and what a
//! stream may have under way. A call that its client drops is dropped here, and so at the vendor.

mod answer;
mod incoming;
mod log;
mod service;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use novai_core::CallEvents;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::health_reporter;

use crate::v1::embedding_service_server::EmbeddingServiceServer;
use crate::v1::inference_service_server::InferenceServiceServer;
use crate::{
    CONNECTION_WINDOW_BYTES, FILE_DESCRIPTOR_SET, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MESSAGE_BYTES_MAX,
    STREAM_WINDOW_BYTES,
};
pub use service::Providers;
use service::Service;

#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; a gateway needs one. Beyond that, the next one waits in the kernel's backlog.
    pub connections_max: usize,
    pub handshake_timeout: Duration,
    /// Calls at a time on one connection. A gateway sends all of its calls over one.
    pub calls_max: u32,
    /// How long what runs may go on after the worker was told to stop.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 1000,
            handshake_timeout: Duration::from_secs(10),
            calls_max: 10_000,
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// From saying that it stops to stopping. Connections that the kernel has taken and nobody has accepted are reset when the
/// listener closes, and whoever made them cannot know whether their call was begun: by then nobody should make any.
const FAREWELL: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the descriptors of our own services are damaged: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("the worker's server failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// Serves `providers` to whoever connects, and tells `events` of each call, until `draining` resolves, then lets what runs end: until it does, `closed` resolves, or the limit
/// passes.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    providers: Providers,
    events: Arc<dyn CallEvents>,
    limits: Limits,
    draining: impl Future<Output = ()> + Send,
    closed: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let service = Service::new(providers, events);
    let inference = InferenceServiceServer::new(service.clone())
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let embedding = EmbeddingServiceServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    let (mut health, health_service) = health_reporter();
    let names = [name_of(&inference), name_of(&embedding)];
    for name in names {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name(name_of(&inference))
        .with_service_name(name_of(&embedding))
        .with_service_name(name_of(&health_service))
        .build_v1()?;

    let (drained, wait_for_drain) = tokio::sync::oneshot::channel::<()>();
    let served = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(limits.calls_max)
        // Calls that were cancelled before they were looked at. Beyond 20, h2 takes it for an attack and ends the connection; a
        // gateway whose callers all leave at once is none.
        .http2_max_pending_accept_reset_streams(usize::try_from(limits.calls_max).ok())
        .add_service(inference)
        .add_service(embedding)
        .add_service(health_service)
        .add_service(reflection)
        .serve_with_incoming_shutdown(incoming::accept(listener, tls, &limits), async {
            let _ = wait_for_drain.await;
        });
    let stop = async {
        draining.await;
        // Gateways that watch go elsewhere before the connections say so.
        for name in [""].into_iter().chain(names) {
            health.set_service_status(name, ServingStatus::NotServing).await;
            // Ends the watchers' streams, which would otherwise be the last to end.
            health.clear_service_status(name).await;
        }
        tokio::time::sleep(FAREWELL).await;
        let _ = drained.send(());
        tokio::time::sleep(limits.shutdown_timeout).await;
        tracing::warn!("the shutdown deadline passed: dropping the calls that still run");
    };
    tokio::select! {
        done = served => done?,
        () = stop => {}
        () = closed => tracing::warn!("told to stop at once: dropping the calls that still run"),
    }
    Ok(())
}

fn name_of<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}
