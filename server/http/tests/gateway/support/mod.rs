//! What the tests share: a gateway on a free port, a provider that obeys, and a client that sends bytes.

pub mod client;
pub mod gateway;
pub mod provider;

pub use client::{request, send};
pub use gateway::{GOOD_KEY, Running, Setup};

use std::time::Duration;

/// Generous: only a hang takes this long, and then the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Ends a test that hangs, with a name for what it waited for.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain: {what}"),
    }
}
