//! Tag Keys: API keys are made, shown, changed and revoked. The scope `admin` is asked for before this.
//!
//! A caller who belongs to a tenant deals with that tenant's keys only: others do not exist for them.

use std::sync::Arc;

use dropshot::Body;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Response, StatusCode};
use novai_api::body::JsonBody;
use novai_api::{
    DeleteKeyPath, ListKeysQuery, PathParams, QueryParams, RetrieveKeyPath, RotateKeyPath, UpdateKeyPath,
};
use novai_core::keys::{KeyChange, KeyError, KeyInfo, KeySettings, MadeKey, Position};
use novai_core::money::Usd;
use novai_core::{BudgetSpec, LimitSpec, Scope, Scopes};
use novai_types as wire;
use serde::Serialize;

use crate::codes::Code;
use crate::exchange::{Exchange, checked, encoded};
use crate::problem::Problem;

const PAGE_KEYS_DEFAULT: u64 = 100;
/// What a key may do unless it is said otherwise: everything but to make keys.
const SCOPES_DEFAULT: [Scope; 2] = [Scope::Inference, Scope::Usage];

/// Written straight from `core`'s view; the shape is the spec's `Key`, and with `key` its `KeyWithSecret`.
#[derive(Serialize)]
struct Key<'a> {
    id: &'a str,
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    name: &'a str,
    prefix: &'a str,
    tenant: Option<&'a str>,
    scopes: Vec<&'static str>,
    models: Option<&'a [Box<str>]>,
    limits: wire::KeyLimits,
    budget: wire::KeyBudget,
    created_at: u64,
    expires_at: Option<u64>,
    last_used_at: Option<u64>,
}

#[derive(Serialize)]
struct KeyPage<'a> {
    object: &'static str,
    data: Vec<Key<'a>>,
    has_more: bool,
    next_cursor: Option<String>,
}

impl<'a> Key<'a> {
    fn of(info: &'a KeyInfo, key: Option<&'a str>) -> Self {
        let KeySettings { limits, budget, .. } = info.settings;
        let usd = |nano: Option<u64>| nano.map(|nano| Usd::from_nano(nano).to_string());
        Key {
            id: &info.id,
            object: "key",
            key,
            name: &info.settings.name,
            prefix: &info.prefix,
            tenant: info.settings.tenant.as_deref(),
            scopes: info.settings.scopes.iter().map(Scope::name).collect(),
            models: info.settings.models.as_deref(),
            limits: wire::KeyLimits {
                rpm: limits.rpm,
                tpm: limits.tpm,
                concurrent: limits.concurrent,
                ..Default::default()
            },
            budget: wire::KeyBudget {
                usd_per_day: usd(budget.day_nano_usd),
                usd_per_month: usd(budget.month_nano_usd),
                ..Default::default()
            },
            created_at: info.created_at_unix_s,
            expires_at: info.settings.expires_at_unix_s,
            last_used_at: info.last_used_at_unix_s,
        }
    }
}

pub(crate) async fn create(
    exchange: Exchange,
    body: JsonBody<wire::KeyCreateRequest>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let request = body.decoded(exchange.app.options.body_limits()).await?.value;
    let tenant = match (&caller.tenant, request.tenant.as_deref()) {
        (Some(own), Some(other)) if **own != *other => {
            let mut problem = Problem::new(
                Code::PermissionDenied,
                format!("tenant must be `{own}`, to which the credential belongs, but is `{other}`"),
            );
            problem.param = Some("tenant".to_owned());
            return Err(problem);
        }
        (Some(own), _) => Some(Arc::clone(own)),
        (None, wanted) => wanted.map(Arc::from),
    };
    let settings = KeySettings {
        name: request.name.clone(),
        tenant,
        scopes: request.scopes.as_deref().map_or_else(|| SCOPES_DEFAULT.into_iter().collect(), scopes),
        models: request.models.as_deref().map(models),
        limits: request.limits.as_ref().map(limit_spec).unwrap_or_default(),
        budget: request.budget.as_ref().map_or(Ok(BudgetSpec::default()), budget_spec)?,
        expires_at_unix_s: request.expires_at,
    };
    let made = exchange.app.key_admin.create(settings).await?;
    let mut response = shown_once(&made)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

pub(crate) async fn list(
    exchange: Exchange,
    query: QueryParams<ListKeysQuery>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let query = checked(query.checked())?;
    let after = match query.after.as_deref() {
        None => None,
        Some(cursor) => Some(Position::parse(cursor).ok_or_else(|| {
            let mut problem = Problem::bad_request(format!(
                "after must be the `next_cursor` of a page of keys, but is `{cursor}`"
            ));
            problem.param = Some("after".to_owned());
            problem
        })?),
    };
    let limit = usize::try_from(query.limit.unwrap_or(PAGE_KEYS_DEFAULT)).unwrap_or(usize::MAX);
    let listing = exchange.app.key_admin.list(caller.tenant.as_deref(), after, limit).await?;
    let next = listing.has_more.then(|| listing.keys.last().map(|key| Position::of(key).to_string()));
    encoded(&KeyPage {
        object: "list",
        data: listing.keys.iter().map(|info| Key::of(info, None)).collect(),
        has_more: listing.has_more,
        next_cursor: next.flatten(),
    })
}

pub(crate) async fn retrieve(
    exchange: Exchange,
    path: PathParams<RetrieveKeyPath>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let id = checked(path.checked())?.id;
    let info = exchange.app.key_admin.get(caller.tenant.as_deref(), &id).await?;
    encoded(&Key::of(&info, None))
}

pub(crate) async fn update(
    exchange: Exchange,
    path: PathParams<UpdateKeyPath>,
    body: JsonBody<wire::KeyUpdateRequest>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let id = checked(path.checked())?.id;
    let decoded = body.decoded(exchange.app.options.body_limits()).await?;
    let request = &decoded.value;
    // Absent and null differ, and the decoded value no longer tells.
    let named: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&decoded.raw).unwrap_or_default();
    let change = KeyChange {
        name: request.name.clone(),
        scopes: request.scopes.as_deref().map(scopes),
        models: named.contains_key("models").then(|| request.models.as_deref().map(models)),
        limits: request.limits.as_ref().map(limit_spec),
        budget: request.budget.as_ref().map(budget_spec).transpose()?,
        expires_at_unix_s: named.contains_key("expires_at").then_some(request.expires_at),
    };
    let info = exchange.app.key_admin.update(caller.tenant.as_deref(), &id, change).await?;
    encoded(&Key::of(&info, None))
}

pub(crate) async fn delete(
    exchange: Exchange,
    path: PathParams<DeleteKeyPath>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let id = checked(path.checked())?.id;
    exchange.app.key_admin.delete(caller.tenant.as_deref(), &id).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

pub(crate) async fn rotate(
    exchange: Exchange,
    path: PathParams<RotateKeyPath>,
) -> Result<Response<Body>, Problem> {
    let caller = exchange.principal()?;
    let id = checked(path.checked())?.id;
    shown_once(&exchange.app.key_admin.rotate(caller.tenant.as_deref(), &id).await?)
}

/// With the key itself; nobody on the way may keep it.
fn shown_once(made: &MadeKey) -> Result<Response<Body>, Problem> {
    let mut response = encoded(&Key::of(&made.info, Some(made.secret.expose())))?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The schema's check has let through only those that there are.
fn scopes(names: &[wire::Scope]) -> Scopes {
    names.iter().filter_map(|name| Scope::from_name(name.as_str())).collect()
}

fn models(ids: &[String]) -> Arc<[Box<str>]> {
    ids.iter().map(|id| Box::from(id.as_str())).collect()
}

fn limit_spec(limits: &wire::KeyLimits) -> LimitSpec {
    LimitSpec { rpm: limits.rpm, tpm: limits.tpm, concurrent: limits.concurrent }
}

fn budget_spec(budget: &wire::KeyBudget) -> Result<BudgetSpec, Problem> {
    let nano_usd = |name: &str, amount: &Option<String>| match amount {
        None => Ok(None),
        Some(text) => text.parse::<Usd>().map(|usd| Some(usd.nano)).map_err(|error| {
            let mut problem = Problem::bad_request(format!("budget.{name} {error}, but is `{text}`"));
            problem.param = Some(format!("budget.{name}"));
            problem
        }),
    };
    Ok(BudgetSpec {
        day_nano_usd: nano_usd("usd_per_day", &budget.usd_per_day)?,
        month_nano_usd: nano_usd("usd_per_month", &budget.usd_per_month)?,
    })
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let code = match &error {
            KeyError::NotFound { .. } => Code::NotFound,
            KeyError::Full { .. } => Code::Conflict,
            KeyError::Expired { .. } => Code::InvalidRequest,
            KeyError::Unavailable(source) => {
                tracing::error!(error = %source, "the keys cannot be read or written");
                Code::StoreUnavailable
            }
        };
        let mut problem = Problem::new(code, error.to_string());
        problem.param = match error {
            KeyError::NotFound { .. } => Some("id".to_owned()),
            KeyError::Expired { .. } => Some("expires_at".to_owned()),
            KeyError::Full { .. } | KeyError::Unavailable(_) => None,
        };
        problem
    }
}
