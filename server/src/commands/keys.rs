//! `novai keys`: make, list, revoke, rotate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use novai_sdk::Client;
use novai_sdk::resources::ListKeysParams;
use novai_sdk::types::{Key, KeyBudget, KeyCreateRequest, KeyLimits, KeyWithSecret, Scope};
use serde_json::json;

use super::{print_json, table};

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key; it is shown this once
    Create(Box<Create>),
    /// List the keys, without the keys themselves
    List,
    /// Remove a key for good: it is refused from then on
    Revoke {
        /// Id of the key, as `list` shows it
        id: String,
    },
    /// Replace a key by a new one, which is shown this once; all else stays
    Rotate {
        /// Id of the key, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct Create {
    /// What people call it
    #[arg(long)]
    name: String,
    /// Requests in any 60 seconds
    #[arg(long, value_name = "N")]
    rpm: Option<u64>,
    /// Tokens in any 60 seconds
    #[arg(long, value_name = "N")]
    tpm: Option<u64>,
    /// Requests at the same time
    #[arg(long, value_name = "N")]
    concurrent: Option<u64>,
    /// Dollars a day, such as 5.00
    #[arg(long, value_name = "USD")]
    usd_per_day: Option<String>,
    /// Dollars a month
    #[arg(long, value_name = "USD")]
    usd_per_month: Option<String>,
    /// A model that it may call; again for more; all, if none is named
    #[arg(long = "model", value_name = "ID")]
    models: Vec<String>,
    /// inference, usage or admin; again for more [default: inference and usage]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// When it stops working: `30d` from now, `2027-01-01` or `2027-01-01T12:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    expires: Option<u64>,
    /// The organisation that it belongs to
    #[arg(long)]
    tenant: Option<String>,
}

pub async fn run(command: KeysCommand, client: &Client, json: bool) -> anyhow::Result<()> {
    let keys = client.admin().keys();
    match command {
        KeysCommand::Create(create) => show(&keys.create(create.request()).await?.into_inner(), json),
        KeysCommand::Rotate { id } => show(&keys.rotate(&id).await?.into_inner(), json),
        KeysCommand::Revoke { id } => {
            keys.delete(&id).await?;
            if json {
                print_json(&json!({"id": id, "revoked": true}))
            } else {
                println!("{id} is revoked");
                Ok(())
            }
        }
        KeysCommand::List => {
            let all = all(client).await?;
            if json { print_json(&all) } else { Ok(print(&all)?) }
        }
    }
}

impl Create {
    fn request(self) -> KeyCreateRequest {
        let limits =
            KeyLimits { rpm: self.rpm, tpm: self.tpm, concurrent: self.concurrent, ..KeyLimits::default() };
        let budget = KeyBudget {
            usd_per_day: self.usd_per_day,
            usd_per_month: self.usd_per_month,
            ..KeyBudget::default()
        };
        let scopes: Vec<Scope> = self.scopes.into_iter().map(Scope::from).collect();
        KeyCreateRequest {
            limits: (limits != KeyLimits::default()).then_some(limits),
            budget: (budget != KeyBudget::default()).then_some(budget),
            models: (!self.models.is_empty()).then_some(self.models),
            scopes: (!scopes.is_empty()).then_some(scopes),
            expires_at: self.expires,
            tenant: self.tenant,
            ..KeyCreateRequest::new(self.name)
        }
    }
}

/// Every page.
async fn all(client: &Client) -> anyhow::Result<Vec<Key>> {
    let mut all = Vec::new();
    let mut params = ListKeysParams::default();
    loop {
        let page = client.admin().keys().list(params).await?.into_inner();
        all.extend(page.data);
        match page.next_cursor {
            Some(cursor) if page.has_more => params = ListKeysParams::default().after(cursor),
            _ => return Ok(all),
        }
    }
}

fn show(made: &KeyWithSecret, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(made);
    }
    println!("id:   {}", made.id);
    println!("name: {}", made.name);
    println!("key:  {}", made.key);
    println!("This is the only time that the key is shown.");
    Ok(())
}

fn print(keys: &[Key]) -> std::io::Result<()> {
    let number = |limit: Option<u64>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let day = |at: Option<i64>| at.map_or_else(|| "never".to_owned(), date);
    let row = |key: &Key| {
        let scopes: Vec<&str> = key.scopes.iter().map(Scope::as_str).collect();
        vec![
            key.id.clone(),
            key.name.clone(),
            key.prefix.clone(),
            scopes.join(","),
            key.models.as_ref().map_or_else(|| "all".to_owned(), |models| models.join(",")),
            number(key.limits.rpm),
            number(key.limits.tpm),
            text(&key.budget.usd_per_day),
            text(&key.budget.usd_per_month),
            day(key.expires_at),
            day(key.last_used_at),
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    let head = [
        "ID",
        "NAME",
        "KEY",
        "SCOPES",
        "MODELS",
        "RPM#",
        "TPM#",
        "USD/DAY#",
        "USD/MONTH#",
        "EXPIRES",
        "LAST USED",
    ];
    table::print(&head, &rows)
}

fn date(unix_s: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_s).unwrap_or(0));
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// `30d`, a day, or a time.
fn moment(text: &str) -> anyhow::Result<u64> {
    let at = if let Ok(from_now) = humantime::parse_duration(text) {
        SystemTime::now().checked_add(from_now).context("that is too far away")?
    } else {
        let whole =
            if text.len() == "2027-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
        match humantime::parse_rfc3339(&whole) {
            Ok(at) => at,
            Err(_) => bail!("expected `30d`, `2027-01-01` or `2027-01-01T12:00:00Z`"),
        }
    };
    Ok(at.duration_since(UNIX_EPOCH)?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("2027-01-01").unwrap(), 1_798_761_600);
        assert_eq!(moment("2027-01-01T12:00:00Z").unwrap(), 1_798_804_800);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let in_a_month = moment("30d").unwrap();
        assert!((in_a_month - now).abs_diff(30 * 86_400) < 100);
        for wrong in ["", "tomorrow", "2027-13-01", "1798761600"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!(date(1_798_761_600), "2027-01-01");
    }
}
