//! Reads streams with the Rust SDK, so that its CPU per chunk can be measured from outside.
//!
//! Arguments: base URL, key, model, number of streams to warm up, number of streams in a lap. Warms up and says `ready`; then
//! makes a lap for each line that it is given, and says `done CHUNKS`, until its input ends. Every SDK's client speaks so.

use std::{env, io};

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use novai::{
    Client,
    types::{ChatCompletionRequest, Message},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [base_url, key, model, warm_up, streams] = &arguments[..] else {
        anyhow::bail!("usage: bench-client-rust BASE_URL KEY MODEL WARM_UP STREAMS");
    };
    let warm_up: usize = warm_up.parse().context("WARM_UP is no number")?;
    let streams: usize = streams.parse().context("STREAMS is no number")?;
    let client = Client::builder().api_key(key).base_url(base_url).build()?;

    for _ in 0..warm_up {
        read(&client, model).await?;
    }
    println!("ready");
    while is_asked_for_more()? {
        let mut chunks = 0;
        for _ in 0..streams {
            chunks += read(&client, model).await?;
        }
        println!("done {chunks}");
    }
    Ok(())
}

async fn read(client: &Client, model: &str) -> Result<usize> {
    let request = ChatCompletionRequest::new(model, vec![Message::user("Tell me about foxes.")]);
    let mut stream = client.chat().completions().stream(request).await?;
    let mut chunks = 0;
    while let Some(chunk) = stream.try_next().await? {
        std::hint::black_box(&chunk);
        chunks += 1;
    }
    Ok(chunks)
}

fn is_asked_for_more() -> Result<bool> {
    Ok(io::stdin().read_line(&mut String::new())? > 0)
}
