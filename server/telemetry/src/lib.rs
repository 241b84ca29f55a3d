//! What the gateway tells about itself to those who watch it: [`metrics`].
//!
//! **Invariant:** no content, no key and no caller. Labels are names from the configuration and words of which there are few, so
//! that no request can make a series of its own.

pub mod metrics;

pub use metrics::{Families, GatewayMetrics, Names};
