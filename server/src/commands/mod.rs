//! The commands that talk to a running gateway: [`keys`] and [`usage`], over the Rust SDK, like any other client; and
//! [`health`], which needs none.

mod health;
mod keys;
mod table;
mod usage;

use std::io::{self, Write};

use anyhow::Context;
use clap::{Args, Subcommand};
use novai_sdk::Client;
use serde::Serialize;

pub use health::HealthArgs;
pub use keys::KeysCommand;
pub use usage::UsageArgs;

/// Over the options that say where the gateway is: as global ones they would stand between a command's own.
const GATEWAY: &str = "Gateway";

#[derive(Debug, Args)]
pub struct Connection {
    /// The gateway; with `admin_listen`, its address for key management [default: http://127.0.0.1:8080/v1]
    #[arg(long, value_name = "URL", env = "NOVAI_BASE_URL", global = true, help_heading = GATEWAY)]
    base_url: Option<String>,
    /// A key of the gateway; for `keys` and for everybody's usage, one with the scope `admin`. Better in the variable: other
    /// users of this machine can read arguments
    #[arg(
        long,
        value_name = "KEY",
        env = "NOVAI_API_KEY",
        hide_env_values = true,
        global = true,
        help_heading = GATEWAY
    )]
    api_key: Option<String>,
    /// Print what the API answers, as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Remote {
    /// Make, list, revoke and rotate API keys
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
        #[command(flatten)]
        connection: Connection,
    },
    /// Whether a gateway lives: the exit code says it, as health checks of containers want it
    Health(HealthArgs),
    /// What was used, and what it cost
    Usage {
        #[command(flatten)]
        arguments: UsageArgs,
        #[command(flatten)]
        connection: Connection,
    },
}

pub fn run(command: Remote) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Remote::Health(arguments) => health::run(&arguments).await,
            Remote::Keys { command, connection } => {
                keys::run(command, &connection.client()?, connection.json).await
            }
            Remote::Usage { arguments, connection } => {
                usage::run(arguments, &connection.client()?, connection.json).await
            }
        }
    })
}

impl Connection {
    fn client(&self) -> anyhow::Result<Client> {
        let mut builder = Client::builder();
        if let Some(url) = self.base_url.as_ref().filter(|url| !url.trim().is_empty()) {
            builder = builder.base_url(url);
        }
        let key = self.api_key.as_ref().filter(|key| !key.trim().is_empty());
        let key = key.context("no API key: set NOVAI_API_KEY, or pass --api-key")?;
        Ok(builder.api_key(key).build()?)
    }
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}
