//! The HTTP interface of the gateway as dropshot sees it: the generated trait, and what its signatures are made of.
//!
//! Start at [`Gateway`]; `http` implements it. **Invariant:** no decision is taken here. A body is read, decoded and checked
//! by its schema ([`body`], [`params`]); everything after that is `http`'s and `core`'s business.

pub mod body;
pub mod error;
mod explain;
pub mod params;
pub mod reply;
pub mod schema;

// Written formatted; a different rustfmt must not make it differ from what the generator writes.
#[rustfmt::skip]
pub mod generated;

pub use error::ApiError;
pub use generated::*;
pub use params::{PathParams, QueryParams};
pub use reply::{Created, NoContent, Reply};
