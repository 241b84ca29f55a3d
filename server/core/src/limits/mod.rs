//! How much a caller may use at a time.
//!
//! Start at [`spec`]: what one caller is limited to.

pub mod spec;

pub use spec::LimitSpec;
