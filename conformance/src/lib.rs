//! Runs the behaviour contract of `spec/scenarios` against the gateway and against every SDK.
//!
//! A scenario is data: what an upstream sends, byte for byte, what a caller asks, and what the caller must see. In *server
//! mode* the gateway stands between a scripted upstream and a raw HTTP caller. In *client mode* the scripted upstream plays the
//! gateway, and an adapter process (see `PROTOCOL.md`) makes the call with its SDK.
//!
//! Start at [`suite::run`]; read [`scenario::Case`] next, then [`compare`].
//!
//! **Invariant:** no server or SDK crate is a dependency. What is judged is the bytes on the wire and the lines of an adapter,
//! so that no shared type can make two wrongs agree. For the same reason the small HTTP and SSE readers here are the runner's own.

pub mod call;
pub mod client;
pub mod compare;
pub mod known_failing;
pub mod observation;
pub mod record;
pub mod report;
pub mod scenario;
pub mod server;
pub mod snapshot;
pub mod suite;
pub mod upstream;
pub mod wire;
