//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// Log level or filter [default: info]
    #[arg(long, value_name = "FILTER", env = "NOVAI_LOG")]
    pub log: Option<String>,
}

impl Cli {
    pub fn into_serve(self) -> Serve {
        match self.command {
            Some(Command::Serve(serve)) => serve,
            None => self.serve,
        }
    }
}
