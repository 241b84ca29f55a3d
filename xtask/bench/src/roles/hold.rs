//! Opens streams, reads the first event of each, and holds them until the parent says so.

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{
    http::{Connection, Tail, Target},
    is_asked_for_more, say,
};

/// More at once would measure the listener's backlog.
const OPENING_MAX: usize = 64;

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    streams: usize,
}

pub async fn run(options: Options) -> Result<()> {
    let body = options.target.script.request();
    let target = &options.target;
    let held: Vec<(Connection, Incoming)> = stream::iter(0..options.streams)
        .map(|_| {
            let body = body.clone();
            async move {
                let mut connection = Connection::open(&target.address).await?;
                let mut stream = connection.send(target, body).await?.into_body();
                let mut tail = Tail::default();
                while let Some(frame) = stream.frame().await {
                    if frame?.into_data().is_ok_and(|data| tail.push(&data) > 0) {
                        return Ok((connection, stream));
                    }
                }
                anyhow::bail!("a stream ended before its first event")
            }
        })
        .buffer_unordered(OPENING_MAX)
        .try_collect()
        .await?;
    say(&format!("open {}", held.len()))?;
    is_asked_for_more().await?;
    Ok(())
}
