//! `[budgets]`, `[ledger]`, and where the database is.

use std::path::PathBuf;
use std::sync::Arc;

use novai_core::money::{BudgetPolicy, BudgetSpec};
use novai_stores::database::PostgresUrl;
use novai_stores::ledger::Durability;

use super::Env;
use super::prices::usd;
use super::problem::Problem;
use super::reader::{At, Reference, Section};

pub const DATABASE_URL: &str = "NOVAI_DATABASE_URL";
const URL_EXAMPLE: &str = "postgres://novai@db.example/novai";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerSettings {
    pub is_enabled: bool,
    pub durability: Durability,
}

pub fn ledger(mut section: Section<'_>) -> LedgerSettings {
    let is_enabled = section.boolean("enabled", true);
    let durability = match section.string("durability", "process") {
        None => Durability::Process,
        Some(at) => match at.value.as_str() {
            "process" => Durability::Process,
            "power" => Durability::Power,
            other => {
                section.report(at.problem(
                    format!("must be \"process\" or \"power\", but is {other:?}"),
                    "write durability = \"process\"",
                ));
                Durability::Process
            }
        },
    };
    section.finish();
    LedgerSettings { is_enabled, durability }
}

pub fn budgets(mut section: Section<'_>) -> BudgetPolicy {
    let mut policy =
        BudgetPolicy { global: spec(&mut section, "usd_per_day", "usd_per_month"), ..Default::default() };
    policy.key_default = spec(&mut section, "key_usd_per_day", "key_usd_per_month");
    policy.tenant_default = spec(&mut section, "tenant_usd_per_day", "tenant_usd_per_month");
    for mut tenant in section.sections("tenants") {
        match tenant.string("name", "acme") {
            None => {
                tenant.report(tenant.reference("name").problem("is required", "write name = \"acme\""));
            }
            Some(name) if policy.tenants.contains_key(&*name.value) => tenant.report(name.problem(
                format!("is taken: another tenant is called {:?} too", name.value),
                "write both budgets in one section",
            )),
            Some(name) => {
                let spec = spec(&mut tenant, "usd_per_day", "usd_per_month").or(policy.tenant_default);
                policy.tenants.insert(Arc::from(name.value), spec);
            }
        }
        tenant.finish();
    }
    section.finish();
    policy
}

fn spec(section: &mut Section<'_>, per_day: &'static str, per_month: &'static str) -> BudgetSpec {
    BudgetSpec {
        day_nano_usd: usd(section, per_day).map(|usd| usd.nano),
        month_nano_usd: usd(section, per_month).map(|usd| usd.nano),
    }
}

/// What the file says of the database.
pub struct DatabaseKeys {
    url: Option<At<String>>,
    ca_file: Option<PathBuf>,
}

impl DatabaseKeys {
    pub fn take(root: &mut Section<'_>) -> Self {
        DatabaseKeys {
            url: root.string("database_url", URL_EXAMPLE),
            ca_file: root.string("database_ca_file", "/etc/novai/ca.pem").map(|at| PathBuf::from(at.value)),
        }
    }

    /// `None` for the file in the data directory. The variable wins; neither is ever repeated: it may hold a password.
    pub fn url(self, env: Env<'_>) -> Result<Option<PostgresUrl>, Problem> {
        let (url, reference) = match (env(DATABASE_URL), self.url) {
            (Some(url), _) => (url, Reference { key: String::new(), place: DATABASE_URL.to_owned() }),
            (None, Some(at)) => (at.value.clone(), at.reference().clone()),
            (None, None) => return Ok(None),
        };
        match PostgresUrl::parse(&url, self.ca_file) {
            Ok(url) => Ok(Some(url)),
            Err(error) => Err(reference.problem(error.to_string(), format!("write {URL_EXAMPLE}"))),
        }
    }
}
