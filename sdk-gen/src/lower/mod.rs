//! From the language-neutral [`crate::ir::model::Api`] to one model per target: names, casing, reserved words,
//! ownership, imports. Every decision is taken here; `emit` only writes it down.
//!
//! Start at [`rust::types`].
//!
//! **Invariant:** nothing here reads the document (`parse`) or writes text (`emit`).

pub mod dropshot;
pub mod openapi30;
pub mod python;
pub mod rust;
pub mod shared;
pub mod typescript;
