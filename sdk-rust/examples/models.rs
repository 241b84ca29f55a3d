//! Lists the models that the key may use.
//!
//! `cargo run --example models`, with `NOVAI_API_KEY` and, unless the gateway is on this machine, `NOVAI_BASE_URL` set.

use novai::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let models = client.models().list().await?;
    for model in &models.data {
        println!("{}\t{}", model.id, model.owned_by.as_deref().unwrap_or("-"));
    }
    if let Some(first) = models.data.first() {
        let model = client.models().retrieve(&first.id).await?.into_inner();
        println!("the first again, by its id: {model:?}");
    }
    Ok(())
}
