//! `cargo xtask cluster`: the shape of docker-compose.yml on this machine, without containers: two gateways of the built binary,
//! Redis and PostgreSQL, each step of its test as a row of a table. `cargo xtask test` runs it, too.

use anyhow::{Result, bail};

use crate::{postgres, process, redis, repo::Repo};

#[derive(clap::Args, Default)]
pub struct Options {}

pub fn run(repo: &Repo, _: &Options) -> Result<()> {
    match tested(repo)? {
        None => Ok(()),
        Some(absent) => bail!("there is no {absent}, and none could be downloaded"),
    }
}

/// What is absent, if it could not be run.
pub fn tested(repo: &Repo) -> Result<Option<&'static str>> {
    let Some(redis_server) = redis::server(repo) else { return Ok(Some("redis-server")) };
    let Some(binaries) = postgres::binaries(repo) else { return Ok(Some("PostgreSQL")) };
    let mut test = process::cargo(repo);
    test.args([
        "test",
        "--quiet",
        "--package",
        "novai-server",
        "--test",
        "cluster",
        "--",
        "--ignored",
        "--nocapture",
    ]);
    test.env(redis::VARIABLE, redis_server).env(postgres::VARIABLE, binaries);
    process::run(&mut test)?;
    Ok(None)
}
