//! Tag Usage: what was used and what it cost, from the ledger's sums.
//!
//! A caller sees what their own key used; with the scope `admin`, what everybody's did, or everybody's of their tenant.

use std::sync::Arc;
use std::time::SystemTime;

use dropshot::Body;
use http::Response;
use novai_api::{QueryParams, RetrieveUsageQuery};
use novai_core::money::{self, Day, GroupBy, LedgerError, UsageGroup, UsageQuery};
use novai_core::{Principal, Scope};
use novai_types::UsageGrouping;
use serde::Serialize;

use crate::codes::Code;
use crate::exchange::{Exchange, checked, encoded};
use crate::problem::Problem;

/// The days that are summed unless it is said otherwise: the last one and 29 before it.
const DAYS_DEFAULT: u32 = 30;
/// A leap year.
const DAYS_MAX: u32 = 366;
const PAGE_ROWS_DEFAULT: u64 = 100;

/// Written straight from the ledger's view; the shape is the spec's `UsageRow`.
#[derive(Serialize)]
struct Row<'a> {
    object: &'static str,
    day: Option<String>,
    model: Option<&'a str>,
    key_id: Option<&'a str>,
    requests: u64,
    prompt_tokens: u64,
    cached_tokens: u64,
    completion_tokens: u64,
    reasoning_tokens: u64,
    cost_usd: String,
}

#[derive(Serialize)]
struct Page<'a> {
    object: &'static str,
    data: Vec<Row<'a>>,
    has_more: bool,
    next_cursor: Option<String>,
}

impl<'a> From<&'a money::UsageRow> for Row<'a> {
    fn from(row: &'a money::UsageRow) -> Self {
        Row {
            object: "usage",
            day: row.group.day.map(|day| day.to_string()),
            model: row.group.model.as_deref(),
            key_id: row.group.key_id.as_deref(),
            requests: row.requests,
            prompt_tokens: row.tokens.prompt,
            cached_tokens: row.tokens.cached_prompt,
            completion_tokens: row.tokens.completion,
            reasoning_tokens: row.tokens.reasoning,
            cost_usd: row.cost.to_string(),
        }
    }
}

pub(crate) async fn retrieve(
    exchange: Exchange,
    query: QueryParams<RetrieveUsageQuery>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let asked = checked(query.checked())?;
    let group_by = asked.group_by.clone().unwrap_or(UsageGrouping::Day);
    let query = question(&caller, &asked, &group_by, today())?;
    let answer = exchange.app.gateway.ledger().usage(query).await?;
    let last = answer.rows.last().filter(|_| answer.has_more);
    let page = Page {
        object: "list",
        data: answer.rows.iter().map(Row::from).collect(),
        has_more: answer.has_more,
        next_cursor: last.map(|row| cursor(&row.group)),
    };
    encoded(&page)
}

fn question(
    caller: &Principal,
    asked: &RetrieveUsageQuery,
    group_by: &UsageGrouping,
    today: Day,
) -> Result<UsageQuery, Problem> {
    let to = match &asked.end_date {
        Some(text) => day("end_date", text)?,
        None => today,
    };
    let from = match &asked.start_date {
        Some(text) => day("start_date", text)?,
        None => Day(to.0.saturating_sub(DAYS_DEFAULT - 1)),
    };
    if from > to {
        return Err(wrong("start_date", format!("must not be after end_date ({to}), but is {from}")));
    }
    if to.0 - from.0 > DAYS_MAX {
        return Err(wrong(
            "start_date",
            format!("must be at most {DAYS_MAX} days before end_date ({to}), but is {from}"),
        ));
    }
    let after = asked.after.as_deref().map(|cursor| group(group_by, cursor)).transpose()?;
    let rows_max = usize::try_from(asked.limit.unwrap_or(PAGE_ROWS_DEFAULT)).unwrap_or(usize::MAX);
    Ok(UsageQuery {
        from,
        to,
        key_id: whose(caller, asked.key_id.as_deref())?,
        tenant: caller.tenant.clone(),
        model: None,
        group_by: GroupBy {
            day: *group_by == UsageGrouping::Day,
            model: *group_by == UsageGrouping::Model,
            key: *group_by == UsageGrouping::Key,
        },
        after,
        rows_max,
    })
}

/// `None` is everybody.
fn whose(caller: &Principal, asked: Option<&str>) -> Result<Option<Arc<str>>, Problem> {
    match asked {
        asked if caller.scopes.has(Scope::Admin) => Ok(asked.map(Arc::from)),
        Some(other) if *other != *caller.id => {
            let message =
                "key_id must be the caller's own: the usage of other keys takes the scope `admin`".to_owned();
            let mut problem = Problem::new(Code::PermissionDenied, message);
            problem.param = Some("key_id".to_owned());
            Err(problem)
        }
        _ => Ok(Some(Arc::clone(&caller.id))),
    }
}

/// Where a page ended: the value that its rows are grouped by.
fn cursor(group: &UsageGroup) -> String {
    let UsageGroup { day, key_id, model } = group;
    match (day, model, key_id) {
        (Some(day), ..) => day.to_string(),
        (None, Some(text), _) | (None, None, Some(text)) => text.to_string(),
        (None, None, None) => String::new(),
    }
}

fn group(group_by: &UsageGrouping, cursor: &str) -> Result<UsageGroup, Problem> {
    let text = || Some(Arc::from(cursor));
    Ok(match group_by {
        UsageGrouping::Model => UsageGroup { model: text(), ..UsageGroup::default() },
        UsageGrouping::Key => UsageGroup { key_id: text(), ..UsageGroup::default() },
        _ => UsageGroup { day: Some(day("after", cursor)?), ..UsageGroup::default() },
    })
}

fn day(param: &str, text: &str) -> Result<Day, Problem> {
    Day::parse(text).ok_or_else(|| {
        wrong(param, format!("must be a day that there is, as `YYYY-MM-DD`, but is `{text:.20}`"))
    })
}

fn wrong(param: &str, rule: String) -> Problem {
    let mut problem = Problem::bad_request(format!("{param} {rule}"));
    problem.param = Some(param.to_owned());
    problem
}

fn today() -> Day {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Day::of_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let LedgerError::Unavailable(source) = &error;
        tracing::error!(error = %source, "the ledger cannot be read");
        Problem::new(Code::StoreUnavailable, "the ledger cannot be read")
    }
}

#[cfg(test)]
mod tests {
    use novai_core::Scopes;

    use super::*;

    const TODAY: &str = "2026-11-22";

    fn caller(scopes: &[Scope]) -> Principal {
        Principal::new("key_own", scopes.iter().copied().collect::<Scopes>())
    }

    fn asked(start: Option<&str>, end: Option<&str>, key_id: Option<&str>) -> RetrieveUsageQuery {
        let text = |text: Option<&str>| text.map(str::to_owned);
        RetrieveUsageQuery {
            start_date: text(start),
            end_date: text(end),
            group_by: None,
            key_id: text(key_id),
            limit: None,
            after: None,
        }
    }

    fn ask(caller: &Principal, asked: &RetrieveUsageQuery) -> Result<UsageQuery, String> {
        let answer = question(caller, asked, &UsageGrouping::Day, Day::parse(TODAY).unwrap());
        answer.map_err(|problem| problem.message.into_owned())
    }

    #[test]
    fn days() {
        let own = caller(&[Scope::Usage]);
        let of = |start, end| {
            ask(&own, &asked(start, end, None)).map(|query| (query.from.to_string(), query.to.to_string()))
        };
        let range = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(of(None, None), range("2026-10-24", TODAY));
        assert_eq!(of(Some("2026-11-22"), None), range(TODAY, TODAY));
        assert_eq!(of(None, Some("2026-03-01")), range("2026-01-31", "2026-03-01"));
        assert_eq!(of(Some("2025-11-21"), None), range("2025-11-21", TODAY));
        for (start, end, message) in [
            (Some("2026-11-23"), None, "start_date must not be after end_date (2026-11-22)"),
            (Some("2025-11-20"), None, "start_date must be at most 366 days before"),
            (None, Some("2026-02-30"), "end_date must be a day that there is"),
        ] {
            assert!(of(start, end).unwrap_err().contains(message), "{message}");
        }
    }

    #[test]
    fn callers_see_their_own_usage_and_admins_everybodys() {
        let (own, admin) = (caller(&[Scope::Usage, Scope::Inference]), caller(&[Scope::Admin]));
        let of = |caller: &Principal, key_id| {
            ask(caller, &asked(None, None, key_id)).map(|query| query.key_id.map(|id| id.to_string()))
        };
        assert_eq!(of(&own, None), Ok(Some("key_own".to_owned())));
        assert_eq!(of(&own, Some("key_own")), Ok(Some("key_own".to_owned())));
        assert!(of(&own, Some("key_other")).unwrap_err().contains("takes the scope `admin`"));
        assert_eq!(of(&admin, None), Ok(None));
        assert_eq!(of(&admin, Some("key_other")), Ok(Some("key_other".to_owned())));
        let of_tenant = Principal { tenant: Some("acme".into()), ..admin };
        let query = ask(&of_tenant, &asked(None, None, Some("key_other"))).unwrap();
        assert_eq!(query.tenant.as_deref(), Some("acme"), "another tenant's key has no rows there");
    }

    #[test]
    fn cursors_go_both_ways() {
        for (group_by, text) in [
            (UsageGrouping::Day, "2026-11-20"),
            (UsageGrouping::Model, "a/b"),
            (UsageGrouping::Key, "jwt:x|y"),
        ] {
            assert_eq!(cursor(&group(&group_by, text).unwrap()), text);
        }
        assert!(group(&UsageGrouping::Day, "key_1").is_err());
    }
}
