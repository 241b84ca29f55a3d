//! Lowered models → text. No decisions here: a name, an order or a type that looks wrong was decided in `lower`.
//!
//! Start at [`rust::types`]; every file begins with [`header`].
//!
//! **Invariant:** output depends on nothing but the model: no unordered map, no clock, no formatter to be installed.

pub mod dropshot;
pub mod header;
pub mod lines;
pub mod python;
pub mod rust;
pub mod typescript;
pub mod writer;
