//! The gateway's end: workers, and a provider that asks them.
//!
//! Start at [`Remote`]; which worker is asked is [`Pool`]'s affair, how one is reached `endpoint`'s.

mod endpoint;
mod events;
mod failure;
mod health;
mod pool;
mod remote;

pub use endpoint::{UrlError, WorkerUrl};
pub use health::{ProbeError, probe};
pub use pool::{ConfigError, Pool, PoolConfig};
pub use remote::Remote;
