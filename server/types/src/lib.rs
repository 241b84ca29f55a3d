//! The API's wire types and the checks that its schema asks for, generated from `spec/openapi.yaml`.
//!
//! Start at [`ChatCompletionRequest`]; read [`Check`] next.
//!
//! **Invariant:** serde only. What a value means, and which HTTP answer a broken rule gets, is other crates' business.

// Written formatted; a different rustfmt must not make it differ from what the generator writes.
#[rustfmt::skip]
mod generated;

pub use generated::*;
