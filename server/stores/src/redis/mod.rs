//! Limits of many gateways, kept in one Redis.
//!
//! One Lua script is one decision over all limits that apply, in one round trip ([`scripts`]). Redis ≥ 6. All keys share one
//! hash tag, so that a decision stays in one slot of a cluster (docs/adr/0011).
//!
//! While Redis cannot be asked, each limit does what it is configured to ([`novai_core::limits::OnStoreFailure`]), with what
//! this process has admitted itself: it counts along all the time ([`store`]). Start there.

mod breaker;
mod calls;
mod held;
mod keys;
mod link;
mod replies;
mod scripts;
mod settings;
mod store;
mod witness;
mod writer;

pub use settings::{RedisSettings, UrlError};
pub use store::RedisStore;

#[cfg(test)]
mod tests;
