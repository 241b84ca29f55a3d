//! The SDKs' floor: the same streams read by hyper, split into events and thrown away.
//!
//! Speaks as every client of `clients/` does: `ready`, and `done CHUNKS` for each line from the parent.

use anyhow::Result;

use super::{
    http::{Connection, Target, read_whole},
    is_asked_for_more, say,
};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    warm_up: usize,
    #[arg(long)]
    streams: usize,
}

pub async fn run(options: Options) -> Result<()> {
    let mut connection = Connection::open(&options.target.address).await?;
    let body = options.target.script.request();
    let script = options.target.script;
    for _ in 0..options.warm_up {
        read_whole(connection.send(&options.target, body.clone()).await?, script).await?;
    }
    say("ready")?;
    while is_asked_for_more().await? {
        let mut chunks = 0;
        for _ in 0..options.streams {
            chunks += read_whole(connection.send(&options.target, body.clone()).await?, script).await?.events;
        }
        say(&format!("done {chunks}"))?;
    }
    Ok(())
}
