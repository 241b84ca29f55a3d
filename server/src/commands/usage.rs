//! `novai usage`: the ledger's sums.

use clap::Args;
use novai_sdk::Client;
use novai_sdk::resources::RetrieveUsageParams;
use novai_sdk::types::{UsageGrouping, UsageRow};

use super::{print_json, table};

#[derive(Debug, Args)]
pub struct UsageArgs {
    /// First day, as 2026-11-01 in UTC [default: 29 days before the last]
    #[arg(long, value_name = "DAY")]
    start_date: Option<String>,
    /// Last day [default: today]
    #[arg(long, value_name = "DAY")]
    end_date: Option<String>,
    /// What each row sums up: day, model or key
    #[arg(long, value_name = "WHAT", default_value = "day")]
    group_by: String,
    /// Only what this key used, by its id
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
}

pub async fn run(arguments: UsageArgs, client: &Client, json: bool) -> anyhow::Result<()> {
    let mut rows: Vec<UsageRow> = Vec::new();
    let mut after = None;
    loop {
        let mut params = RetrieveUsageParams::default();
        params.start_date.clone_from(&arguments.start_date);
        params.end_date.clone_from(&arguments.end_date);
        params.group_by = Some(UsageGrouping::from(arguments.group_by.clone()));
        params.key_id.clone_from(&arguments.key_id);
        params.after = after;
        let page = client.usage().retrieve(params).await?.into_inner();
        rows.extend(page.data);
        match page.next_cursor {
            Some(cursor) if page.has_more => after = Some(cursor),
            _ => break,
        }
    }
    if json {
        return print_json(&rows);
    }
    let about = arguments.group_by.to_uppercase();
    let head = [&*about, "REQUESTS#", "PROMPT#", "CACHED#", "COMPLETION#", "REASONING#", "USD#"];
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    table::print(&head, &cells)?;
    Ok(())
}

fn cells(row: &UsageRow) -> Vec<String> {
    let about = row.day.as_ref().or(row.model.as_ref()).or(row.key_id.as_ref());
    let numbers =
        [row.requests, row.prompt_tokens, row.cached_tokens, row.completion_tokens, row.reasoning_tokens];
    let mut cells = vec![about.cloned().unwrap_or_default()];
    cells.extend(numbers.map(|number| number.to_string()));
    cells.push(row.cost_usd.clone());
    cells
}
