//! Prints what was used and what it cost, by model: every row of every page.
//!
//! `cargo run --example usage`, with `NOVAI_API_KEY` and, unless the gateway is on this machine, `NOVAI_BASE_URL` set. The
//! key needs the scope `usage`.

use novai::resources::RetrieveUsageParams;
use novai::types::UsageGrouping;
use novai::{Client, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    // Small pages, to show that it does not matter where one ends.
    let params = RetrieveUsageParams::default().group_by(UsageGrouping::Model).limit(2);
    let mut rows = client.usage().retrieve_all(params);
    while let Some(row) = rows.next().await {
        let row = row?;
        println!("{}\t{} requests\t{} USD", row.model.as_deref().unwrap_or("-"), row.requests, row.cost_usd);
    }
    Ok(())
}
