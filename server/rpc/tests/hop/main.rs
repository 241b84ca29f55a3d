//! The hop as gateways and workers meet it: real sockets, a worker in a runtime of its own, a scripted provider behind it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod answers;
mod bad_input;
mod deadlines;
mod pool;
mod protocol;
mod streams;
mod support;
mod tls;
mod tools;
