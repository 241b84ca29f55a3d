//! The HTTP layer over real sockets, with a provider that does what its model's name says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod answers;
mod bad_input;
mod connections;
mod cors;
mod embeddings;
mod idempotency;
mod keys;
mod limits;
mod log;
mod metrics;
mod security;
mod shutdown;
mod streams;
mod support;
mod tls;
mod tokens;
mod usage;
