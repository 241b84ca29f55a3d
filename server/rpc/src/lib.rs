//! Providers over gRPC: a worker serves them, and a gateway's [`Remote`] is one more provider that asks it.
//!
//! Tools cross the same way, with others at the far end: [`ToolServers`].
//!
//! Start at [`worker::serve()`] for the one end and at [`Remote`] for the other; `spec/proto` is what lies between. Beside
//! them is what both ends must agree on: `convert` and `errors` (core's words and the wire's), `metadata` (ids, deadlines).
//!
//! **Invariant:** what crosses loses nothing: payloads stay the bytes they are, every error of a provider arrives as the same
//! variant, and a stream that does not say that it is complete is broken.
//!
//! **Invariant:** nothing here knows a vendor, and nothing here decides who serves a model: `core` does, on the gateway.

pub mod client;
mod convert;
mod errors;
// Written formatted; a different rustfmt must not make it differ from what the generator writes.
#[rustfmt::skip]
mod generated;
mod metadata;
mod tls;
pub mod worker;

use std::time::Duration;

pub use client::{Pool, PoolConfig, Remote, ToolServerConfig, ToolServers, WorkerUrl};
pub use tls::{ClientTls, ServerTls, TlsError};
pub use worker::Providers;

pub(crate) use generated::FILE_DESCRIPTOR_SET;
pub use generated::v1;

/// Largest message in either direction.
pub const MESSAGE_BYTES_MAX: usize = 50 * 1024 * 1024;

/// A silent connection is asked this often whether its far end still lives.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// A far end that does not answer that for this long is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a sender may have under way on one stream before its reader takes it: a slow caller holds back the provider.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// The same for all streams of a connection together, and so as large as it can be: what stalled streams hold of it would
/// otherwise be missing to the others. The memory is bounded by the streams' own windows.
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
