//! The gateway's configuration: defaults, then the file, then the environment, then the flags; all checked before
//! anything starts.
//!
//! Start at [`load`]. [`reader`] turns TOML into values with line numbers; [`sections`], [`providers`] and [`models`] say what the
//! keys mean. `novai.example.toml` documents them for operators.

mod limits;
mod models;
mod money;
mod prices;
mod problem;
mod providers;
mod reader;
mod replays;
mod routing;
mod sections;
mod telemetry;
mod tokens;
mod tools;
mod workers;

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use novai_core::money::{BudgetPolicy, PriceTable};
use novai_core::{RoutingPolicy, Secret};
use novai_http::cors::Cors;
use novai_http::listener::{Limits, TlsFiles};
use novai_rpc::PoolConfig;
use novai_stores::database::PostgresUrl;
use novai_stores::keys::chosen;
use novai_stores::replays::Bounds;

pub use limits::{RateLimits, Store};
pub use models::{ModelSettings, TargetSettings};
pub use money::LedgerSettings;
pub use problem::{Problem, Problems};
pub use providers::{ProviderKind, ProviderSettings};
use reader::Reader;
pub use sections::{LogSettings, LogTarget};
pub use telemetry::TelemetrySettings;
pub use tokens::{KeySource, TokenSettings};
pub use tools::ToolSettings;
pub use workers::{WorkerConfig, WorkerOverrides, load_worker};

pub const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
pub const DATA_DIR_DEFAULT: &str = "novai-data";
pub const BOOTSTRAP_KEY: &str = "NOVAI_BOOTSTRAP_KEY";
const ADMIN_LISTEN_EXAMPLE: &str = "127.0.0.1:8081";
const OPENAI_API_KEY: &str = "OPENAI_API_KEY";

/// Everything that a start needs, checked.
pub struct Config {
    pub listen: SocketAddr,
    /// Where key management lives, if not with everything else.
    pub admin_listen: Option<SocketAddr>,
    pub data_dir: PathBuf,
    pub bootstrap_key: Option<Secret>,
    /// That serve connections.
    pub threads: NonZeroUsize,
    pub limits: Limits,
    pub rate_limits: RateLimits,
    pub options: novai_http::Options,
    pub cors: Cors,
    pub tls: Option<TlsFiles>,
    /// JSON Web Tokens, if they are taken.
    pub tokens: Option<TokenSettings>,
    pub log: LogSettings,
    pub telemetry: TelemetrySettings,
    pub providers: Vec<ProviderSettings>,
    /// The workers that call the providers, if this process does not.
    pub inference: Option<PoolConfig>,
    /// The tools that the gateway runs by itself, if it does.
    pub tools: Option<ToolSettings>,
    pub models: Vec<ModelSettings>,
    pub routing: RoutingPolicy,
    /// Of models that no `[[models]]` names.
    pub prices: PriceTable,
    pub budgets: BudgetPolicy,
    pub ledger: LedgerSettings,
    /// Of answers under idempotency keys; `None` keeps them in memory only.
    pub replays: Option<Bounds>,
    /// `None`: a file in the data directory.
    pub database_url: Option<PostgresUrl>,
}

/// What stands above the file. Flags win over variables of the same meaning; clap has sorted that out.
#[derive(Debug, Default)]
pub struct Overrides {
    pub listen: Option<String>,
    pub data_dir: Option<PathBuf>,
    pub upstream: Option<String>,
    pub inference_urls: Vec<String>,
    pub log: Option<String>,
}

/// The process's environment, or a test's.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// `file` is the name that problems give, and the text.
pub fn load(file: Option<(&str, &str)>, overrides: Overrides, env: Env<'_>) -> Result<Config, Problems> {
    // A variable set to nothing is what `FOO= novai` and many compose files mean by "not set".
    let env = &|name: &str| env(name).filter(|value| !value.trim().is_empty());
    let (name, text) = file.unwrap_or(("", ""));
    let reader = Reader::new(name, text);
    let mut root = reader.root();

    let listen_in_file = root.string("listen", LISTEN_DEFAULT);
    let admin_listen_in_file = root.string("admin_listen", ADMIN_LISTEN_EXAMPLE);
    let data_dir = root.string("data_dir", DATA_DIR_DEFAULT).map(|at| PathBuf::from(at.value));
    let (threads, limits, options) = sections::server(root.section("server"));
    let cors = sections::cors(root.section("cors"));
    let tls = sections::tls(root.section("tls"));
    let mut log = sections::log(root.section("log"));
    let telemetry = telemetry::telemetry(root.section("telemetry"), env, "novai");
    let rate_limits = limits::limits(root.section("limits"), env);
    let inference_urls = root.one_or_more("inference_url", workers::INFERENCE_URL_EXAMPLE);
    let has_workers = !inference_urls.is_empty() || !overrides.inference_urls.is_empty();
    let keys: Env<'_> = if has_workers { &workers::keys_are_elsewhere } else { env };
    let mut providers = providers::providers(root.sections("providers"), keys);
    let mut inference_problems = Vec::new();
    let inference = workers::inference(
        inference_urls,
        overrides.inference_urls,
        root.section("inference"),
        &mut inference_problems,
    );
    workers::worker(root.section("worker"));
    let tool_servers = root.sections("tool_servers");
    let tools = tools::tools(tool_servers, root.section("tools"));
    let mut prices = PriceTable::default();
    let mut price_problems = prices::read_table(&mut prices, "prices.toml", prices::SHIPPED);
    if let Some(at) = root.string("prices_file", "prices.toml") {
        match std::fs::read_to_string(&at.value) {
            Ok(text) => price_problems.extend(prices::read_table(&mut prices, &at.value, &text)),
            Err(error) => {
                price_problems.push(at.problem(format!("cannot be read: {error}"), "correct the path"))
            }
        }
    }
    let models = models::models(root.sections("models"), &providers, &prices);
    let unnamed = providers::unnamed(&providers, &models);
    let routing = routing::routing(root.section("routing"));
    let budgets = money::budgets(root.section("budgets"));
    let tokens = tokens::tokens(&mut root, env);
    let ledger = money::ledger(root.section("ledger"));
    let replays = replays::replays(root.section("idempotency"));
    let database = money::DatabaseKeys::take(&mut root);
    root.finish();
    let mut problems = reader.problems();
    problems.extend(price_problems);
    problems.extend(inference_problems);
    problems.extend(unnamed);
    let database_url = database.url(env).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });

    let listen = match (overrides.listen, listen_in_file) {
        (Some(flag), _) => address(&flag).ok_or_else(|| Problem {
            place: "--listen".to_owned(),
            key: String::new(),
            rule: format!("must be an address and a port, but is {flag:?}"),
            fix: format!("write --listen {LISTEN_DEFAULT}"),
        }),
        (None, Some(at)) => address(&at.value).ok_or_else(|| {
            at.problem(
                format!("must be an address and a port, but is {:?}", at.value),
                format!("write listen = {LISTEN_DEFAULT:?}"),
            )
        }),
        (None, None) => Ok(SocketAddr::from(([127, 0, 0, 1], 8080))),
    };
    let admin_listen = admin_listen_in_file.and_then(|at| {
        let address = address(&at.value);
        if address.is_none() {
            problems.push(at.problem(
                format!("must be an address and a port, but is {:?}", at.value),
                format!("write admin_listen = {ADMIN_LISTEN_EXAMPLE:?}"),
            ));
        }
        address
    });
    let bootstrap_key = match env(BOOTSTRAP_KEY).map(chosen).transpose() {
        Ok(key) => key,
        Err(error) => {
            problems.push(Problem {
                place: BOOTSTRAP_KEY.to_owned(),
                key: String::new(),
                rule: error.to_string(),
                fix: String::new(),
            });
            None
        }
    };
    match overrides.upstream {
        Some(url) => match providers::upstream(&url) {
            Ok(provider) => providers.push(provider),
            Err(problem) => problems.push(problem),
        },
        // Only if nobody said anything else: a key in the environment must not send prompts to a company that the
        // configuration does not name.
        None if providers.is_empty() && problems.is_empty() => {
            if let Some(key) = env(OPENAI_API_KEY) {
                providers.push(providers::openai(key));
            }
        }
        None => {}
    }
    if let Some(filter) = overrides.log {
        log.filter = filter;
    }
    problems.extend(log.problem());

    let listen = match listen {
        Ok(listen) => listen,
        Err(problem) => {
            problems.push(problem);
            return Err(Problems(problems));
        }
    };
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    Ok(Config {
        listen,
        admin_listen,
        data_dir: overrides.data_dir.or(data_dir).unwrap_or_else(|| Path::new(DATA_DIR_DEFAULT).to_owned()),
        bootstrap_key,
        threads,
        limits,
        rate_limits,
        options,
        cors,
        tls,
        tokens,
        log,
        telemetry,
        providers,
        inference,
        tools,
        models,
        routing,
        prices,
        budgets,
        ledger,
        replays,
        database_url,
    })
}

/// Names are looked up once, at start.
fn address(text: &str) -> Option<SocketAddr> {
    text.to_socket_addrs().ok()?.next()
}

#[cfg(test)]
mod tests;
