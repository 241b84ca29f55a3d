//! What this program is when it is started as a helper of itself.
//!
//! A role that is measured runs on as many threads as the gateway would; the others on one, to leave it the machine.

pub mod floor;
pub mod hold;
pub mod http;
pub mod load;
pub mod read;
pub mod script;
pub mod upstream;
pub mod vendor;

use std::io::Write;

use anyhow::Result;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    runtime::{Builder, Runtime},
};

pub fn small_runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

pub fn full_runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Binds a free loopback port and tells the parent which.
async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&format!("listening {}", listener.local_addr()?))?;
    Ok(listener)
}

fn say(line: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

/// Waits for a line from the parent; `false` if it has nothing more to say.
async fn is_asked_for_more() -> Result<bool> {
    let mut line = String::new();
    Ok(BufReader::new(tokio::io::stdin()).read_line(&mut line).await? > 0)
}
