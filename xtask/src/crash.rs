//! `cargo xtask crash`: the gateway killed hundreds of times, then the books compared with what the upstream counted. The
//! test suite has a shorter run of the same test.

use anyhow::Result;

use crate::{process, repo::Repo};

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Repeats a run's plan, as far as the machine's timing lets it.
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let mut test = process::cargo(repo);
    test.args(["test", "--package", "novai-server", "--test", "crash", "--", "--nocapture"]);
    test.env("NOVAI_CRASH_KILLS", options.kills.to_string());
    if let Some(seed) = options.seed {
        test.env("NOVAI_CRASH_SEED", seed.to_string());
    }
    process::run(&mut test)
}
