//! What the gateway tells about itself to those who watch it: [`metrics`] and [`traces`].
//!
//! **Invariant:** no content, no key and no caller. Labels are names from the configuration and words of which there are few, so
//! that no request can make a series of its own.

pub mod metrics;
pub mod traces;

mod telemetry;

pub use metrics::{GatewayMetrics, Names, WorkerMetrics};
pub use telemetry::{Telemetry, WorkerTelemetry};
pub use traces::{ExporterError, TraceSettings, Tracer};
