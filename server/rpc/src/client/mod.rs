//! The gateway's end: workers and a provider that asks them, tool servers and their tools.
//!
//! Start at [`Remote`] and at [`ToolServers`]; which worker is asked is [`Pool`]'s affair, how one is reached `link`'s.

mod dial;
mod endpoint;
mod events;
mod failure;
mod health;
mod link;
mod pool;
mod remote;
mod socket;
mod tools;

pub use endpoint::{UrlError, WorkerUrl};
pub use health::{ProbeError, probe};
pub use pool::{ConfigError, Pool, PoolConfig};
pub use remote::Remote;
pub use tools::{ToolServerConfig, ToolServers};
