//! Client for the NovAI gateway.

mod body;
mod call;
mod client;
mod error_body;
mod errors;
mod failure;
#[path = "standin.rs"]
mod generated;
mod options;
mod rate_limit;
mod response;
mod retry;
mod shared;
mod sse;
mod stream;
mod timeout;
mod transport;

pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use errors::{Error, ErrorDetails, Partial};
pub use options::Options;
pub use rate_limit::{Quota, RateLimit};
pub use response::Response;
pub use stream::{Accumulate, Stream};
pub use timeout::{Deadline, Timeouts};

#[cfg(test)]
mod tests;
