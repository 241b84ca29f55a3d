//! Compares what was observed with what a scenario expects, and says where they differ.
//!
//! [`expectation`] completes a case's `expect` for one run; [`pattern`] matches it against the observation. Everything that can be
//! expected is JSON, so one matcher and one kind of message serve all of it.

pub mod expectation;
pub mod pattern;

pub use pattern::Mismatch;
