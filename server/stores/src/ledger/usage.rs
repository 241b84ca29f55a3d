//! Usage queries as SQL that SQLite and PostgreSQL read alike. They sum `usage_daily`, never the ledger: a month of
//! millions of requests is some hundred rows there.

use std::sync::Arc;

use novai_core::TokenUsage;
use novai_core::money::{Day, UsageGroup, UsagePage, UsageQuery, UsageRow, Usd};

use super::rows::{signed, unsigned};

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// `INTEGER` in PostgreSQL.
    Day(i32),
    Number(i64),
    Text(String),
}

/// One row of the answer as the database gives it.
pub(super) struct RawRow {
    pub day: Option<i32>,
    pub key_id: Option<String>,
    pub model: Option<String>,
    /// Requests, prompt, cached, completion, reasoning, cost. Null where there is nothing to sum.
    pub sums: [Option<i64>; 6],
}

/// Columns: day, key, model, then the six sums. Placeholders are numbered in the order in which they stand.
pub(super) fn sql(query: &UsageQuery) -> (String, Vec<Value>) {
    let mut values = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let groups: Vec<&str> =
        [(query.group_by.day, "day"), (query.group_by.key, "key_id"), (query.group_by.model, "model")]
            .into_iter()
            .filter_map(|(wanted, column)| wanted.then_some(column))
            .collect();
    let mut conditions = vec![
        format!("day >= {}", place(Value::Day(day_number(query.from)))),
        format!("day <= {}", place(Value::Day(day_number(query.to)))),
    ];
    for (column, wanted) in [("key_id", &query.key_id), ("tenant", &query.tenant), ("model", &query.model)] {
        if let Some(wanted) = wanted {
            conditions.push(format!("{column} = {}", place(Value::Text(wanted.to_string()))));
        }
    }
    if let Some(after) = query.after.as_ref().filter(|_| !groups.is_empty()) {
        let text = |text: &Option<Arc<str>>| Value::Text(text.as_deref().unwrap_or_default().to_owned());
        let row: Vec<String> = groups
            .iter()
            .map(|group| {
                place(match *group {
                    "day" => Value::Day(day_number(after.day.unwrap_or_default())),
                    "key_id" => text(&after.key_id),
                    _ => text(&after.model),
                })
            })
            .collect();
        conditions.push(format!("({}) > ({})", groups.join(", "), row.join(", ")));
    }
    let column = |name: &str, null: &str| {
        if groups.contains(&name) { name.to_owned() } else { format!("CAST(NULL AS {null}) AS {name}") }
    };
    let sums = [
        "requests",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "reasoning_tokens",
        "cost_nano_usd",
    ]
    .map(|name| format!("CAST(sum({name}) AS BIGINT)"));
    let mut text = format!(
        "SELECT {}, {}, {}, {} FROM usage_daily WHERE {}",
        column("day", "INTEGER"),
        column("key_id", "TEXT"),
        column("model", "TEXT"),
        sums.join(", "),
        conditions.join(" AND "),
    );
    if !groups.is_empty() {
        let groups = groups.join(", ");
        text.push_str(&format!(" GROUP BY {groups} ORDER BY {groups}"));
    }
    // One more than asked for tells whether there is more.
    let rows_max = signed(query.rows_max as u64).saturating_add(1);
    text.push_str(&format!(" LIMIT {}", place(Value::Number(rows_max))));
    (text, values)
}

pub(super) fn page(query: &UsageQuery, rows: Vec<RawRow>) -> UsagePage {
    let has_more = rows.len() > query.rows_max;
    let rows = rows.into_iter().take(query.rows_max).filter_map(row).collect();
    UsagePage { rows, has_more }
}

/// `None` for the sum of nothing.
fn row(raw: RawRow) -> Option<UsageRow> {
    let [requests, prompt, cached, completion, reasoning, cost] = raw.sums;
    let requests = unsigned(requests?);
    let count = |sum: Option<i64>| unsigned(sum.unwrap_or(0));
    let (prompt, completion) = (count(prompt), count(completion));
    Some(UsageRow {
        group: UsageGroup {
            day: raw.day.map(|day| Day(u32::try_from(day).unwrap_or(0))),
            key_id: raw.key_id.map(Arc::from),
            model: raw.model.map(Arc::from),
        },
        requests,
        tokens: TokenUsage {
            prompt,
            cached_prompt: count(cached),
            completion,
            reasoning: count(reasoning),
            total: prompt.saturating_add(completion),
            ..TokenUsage::default()
        },
        cost: Usd::from_nano(count(cost)),
    })
}

fn day_number(day: Day) -> i32 {
    i32::try_from(day.0).unwrap_or(i32::MAX)
}
