#![doc = include_str!("../README.md")]

mod body;
mod call;
mod client;
mod error_body;
mod errors;
mod failure;
// Written formatted; a different rustfmt must not make it differ from what the generator writes.
#[rustfmt::skip]
mod generated;
mod options;
mod pages;
mod rate_limit;
mod response;
mod retirement;
mod retry;
mod shared;
mod sse;
mod stream;
mod timeout;
mod transport;

pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use errors::{Error, ErrorDetails, Partial};
pub use generated::{accumulate, raw, resources, types};
pub use options::Options;
pub use pages::Items;
pub use rate_limit::{Quota, RateLimit};
pub use response::Response;
pub use stream::{Accumulate, Stream};
pub use timeout::{Deadline, Timeouts};

#[cfg(test)]
mod tests;
