//! The runner's own view of the wire: a raw HTTP/1.1 caller, chunked bodies, and server-sent events.

pub mod chunked;
pub mod http;
pub mod sse;
