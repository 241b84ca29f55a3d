//! Rust source text: the wire types, what they share, and the SDK around them.
//!
//! Start at [`types::emit`].

mod check;
mod enums;
mod objects;
pub mod spell;
pub mod types;
mod unions;

/// Name of this directory in the header of what it writes.
pub const EMITTER: &str = "rust";
