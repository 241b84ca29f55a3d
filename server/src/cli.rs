//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::Remote;

/// An OpenAI-compatible gateway in front of every language model.
#[derive(Debug, Parser)]
#[command(name = "novai", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API. What `novai` does without a command.
    Serve(Serve),
    /// Call providers for gateways that name this worker in `inference_url`
    Worker(Worker),
    /// Look at a configuration without starting anything
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    #[command(flatten)]
    Remote(Remote),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with a configuration, all of it, or what it amounts to
    Check(CheckConfig),
}

/// What was asked for.
pub enum Task {
    Serve(Serve),
    Worker(Worker),
    CheckConfig(CheckConfig),
    Remote(Remote),
}

#[derive(Debug, Args)]
pub struct CheckConfig {
    #[command(flatten)]
    pub serve: Serve,
    /// As JSON on stdout: whether it is valid, and every problem with its place, key, rule and fix
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file (TOML); novai.example.toml lists every key.
    #[arg(long, value_name = "FILE", env = "NOVAI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "NOVAI_LISTEN")]
    pub listen: Option<String>,
    /// Where keys are kept [default: novai-data]
    #[arg(long, value_name = "DIR", env = "NOVAI_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// An OpenAI-compatible server whose models are served, such as http://127.0.0.1:9200/v1
    #[arg(long, value_name = "URL", env = "NOVAI_UPSTREAM")]
    pub upstream: Option<String>,
    /// A worker that calls the providers, such as http://127.0.0.1:9300; several, separated by commas
    #[arg(long, value_name = "URL", env = "NOVAI_INFERENCE_URL", value_delimiter = ',')]
    pub inference_url: Vec<String>,
    /// Log level or filter [default: info]
    #[arg(long, value_name = "FILTER", env = "NOVAI_LOG")]
    pub log: Option<String>,
    /// For tests: the time is what this file says, in microseconds since 1970.
    #[arg(long, value_name = "FILE", hide = true)]
    pub clock_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Worker {
    /// Configuration file (TOML), the gateways' own: a worker reads [worker], [[providers]] and [log].
    #[arg(long, value_name = "FILE", env = "NOVAI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:9300]
    #[arg(long, value_name = "ADDR", env = "NOVAI_WORKER_LISTEN")]
    pub listen: Option<String>,
    /// An OpenAI-compatible server, as the provider `upstream`
    #[arg(long, value_name = "URL", env = "NOVAI_UPSTREAM")]
    pub upstream: Option<String>,
    /// Log level or filter [default: info]
    #[arg(long, value_name = "FILTER", env = "NOVAI_LOG")]
    pub log: Option<String>,
}

impl Cli {
    pub fn into_task(self) -> Task {
        match self.command {
            Some(Command::Serve(serve)) => Task::Serve(serve),
            Some(Command::Worker(worker)) => Task::Worker(worker),
            Some(Command::Config { command: ConfigCommand::Check(check) }) => Task::CheckConfig(check),
            Some(Command::Remote(remote)) => Task::Remote(remote),
            None => Task::Serve(self.serve),
        }
    }
}
