//! Embeddings, for every vendor: inputs in batches ([`batches`]), vectors as numbers and as base64 ([`vector`]), and answers put
//! together from those of the batches ([`answer`]).
//!
//! **Invariant:** as many vectors as inputs, in their order, each of the length that was asked for; anything else is an error of
//! the whole request.

pub(crate) mod answer;
pub(crate) mod batches;
pub(crate) mod vector;

pub(crate) use batches::{Batch, Batches};

#[cfg(test)]
mod tests;
