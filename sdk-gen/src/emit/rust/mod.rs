//! Rust source text: the wire types, what they share, and the SDK around them.
//!
//! Start at [`types::emit`] and [`sdk::emit`].

mod accumulate;
pub mod check;
mod enums;
mod objects;
mod raw;
mod resources;
pub mod sdk;
mod spell;
pub mod types;
mod unions;

/// Name of this directory in the header of what it writes.
pub const EMITTER: &str = "rust";
