//! From one OpenAPI 3.1 document to a server interface and SDKs: parse → ir → lower → emit.
//!
//! Text in, files out. **Invariant:** no clock, no network, no environment, and file access only in `main.rs`: the same
//! document gives the same bytes on any machine (laws B2, B5).

pub mod diagnostic;
pub mod ir;
