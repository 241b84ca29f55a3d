//! Builds the gateway from its configuration: the only place that knows every layer.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use novai_core::limits::{LimitStore, Limits, MemoryStore, SteadyClock};
use novai_core::money::{BudgetPolicy, Ledger, PriceTable, Pricing, Till};
use novai_core::replays::ReplayStore;
use novai_core::routing::{Random, Routing};
use novai_core::{
    Catalog, Clock, Deadlines, Gateway, KeySetSource, Provider, RouteEvents, RoutingPolicy, Secret,
    TargetSpec, Toolbox,
};
use novai_http::MetricsPage;
use novai_http::tokens::{KeySet, Tokens};
use novai_providers::anthropic::Anthropic;
use novai_providers::gemini::Gemini;
use novai_providers::jwks::{JwksFile, JwksUrl};
use novai_providers::openai::OpenAi;
use novai_providers::sim::Sim;
use novai_providers::tokens::Tokenizers;
use novai_rpc::{Pool, Remote, ToolServers};
use novai_stores::database::Database;
use novai_stores::ledger::{PostgresLedger, Recovered, SqliteLedger};
use novai_stores::redis::RedisStore;
use novai_stores::replays::{Bounds, DatabaseReplays};
use novai_telemetry::{GatewayMetrics, Names, Telemetry, Tracer, WorkerMetrics, WorkerTelemetry};

use crate::config::{
    KeySource, LedgerSettings, ModelSettings, ProviderKind, ProviderSettings, RateLimits, Store,
    TargetSettings, TelemetrySettings, TokenSettings, ToolSettings,
};

/// What answers where nothing is configured, and its only model.
const SIM: &str = "sim";
const SIM_MODEL: &str = "novai-sim";

pub fn catalog(
    providers: Vec<ProviderSettings>,
    models: &[ModelSettings],
    prices: PriceTable,
    clock: &Arc<dyn Clock>,
    workers: Option<&Arc<Pool>>,
) -> anyhow::Result<Catalog> {
    let mut catalog = Catalog::new();
    let prices = Arc::new(prices);
    let created = clock.unix_time().as_secs();
    if providers.is_empty() {
        catalog.add_discovery(provider(SIM, ProviderKind::Sim, workers)?, Pricing::Free);
    }
    let mut by_name: HashMap<String, Arc<dyn Provider>> = HashMap::new();
    for settings in providers {
        let name = settings.name;
        let provider =
            provider(&name, settings.kind, workers).with_context(|| format!("provider {name:?}"))?;
        // A provider that no [[models]] entry names is served whole.
        if !models.iter().flat_map(|model| &model.targets).any(|target| target.provider == name) {
            let pricing = if settings.is_free { Pricing::Free } else { Pricing::Table(Arc::clone(&prices)) };
            catalog.add_discovery(Arc::clone(&provider), pricing);
        }
        by_name.insert(name, provider);
    }
    for model in models {
        let target = |settings: &TargetSettings| {
            let provider = by_name.get(&settings.provider).map(Arc::clone);
            Ok(TargetSpec {
                // The configuration has seen to it.
                provider: provider
                    .with_context(|| format!("no provider is called {:?}", settings.provider))?,
                upstream_model: Arc::from(&*settings.upstream_id),
                tariff: settings.tariff,
                weight: settings.weight,
            })
        };
        let targets = model.targets.iter().map(target).collect::<anyhow::Result<_>>()?;
        catalog.add_route(&*model.id, created, targets, model.card.clone())?;
    }
    Ok(catalog)
}

/// `events` hear of every request.
pub fn routing(policy: RoutingPolicy, events: Arc<dyn RouteEvents>) -> anyhow::Result<Routing> {
    Ok(Routing::new(policy, Random::new(random()?), events))
}

fn random() -> anyhow::Result<u64> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).context("this machine has no randomness")?;
    Ok(u64::from_ne_bytes(random))
}

/// Tools that the gateway runs by itself. Needs the runtime: whoever has them is asked from now on.
pub fn toolbox(settings: ToolSettings) -> anyhow::Result<Toolbox> {
    let ToolSettings { servers, policy } = settings;
    let servers = ToolServers::start(servers, policy.output_bytes_max).context("tool_servers")?;
    Ok(Toolbox::new(Arc::new(servers), policy))
}

/// Opens the books, and settles what an earlier process left.
pub async fn till(
    settings: LedgerSettings,
    budgets: BudgetPolicy,
    database: &Database,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Till> {
    let random = random()?;
    let (ledger, recovered): (Arc<dyn Ledger>, Recovered) = match database {
        _ if !settings.is_enabled => (Arc::new(()), Recovered::default()),
        Database::Sqlite(sqlite) => {
            let (ledger, recovered) =
                SqliteLedger::open(sqlite.clone(), settings.durability, Arc::clone(&clock)).await?;
            (Arc::new(ledger), recovered)
        }
        Database::Postgres(postgres) => {
            let (ledger, recovered) =
                PostgresLedger::open(postgres.clone(), Arc::clone(&clock), random).await?;
            (Arc::new(ledger), recovered)
        }
    };
    if recovered != Recovered::default() {
        tracing::warn!(
            settled = recovered.settled,
            orphans = recovered.orphans,
            "an earlier process did not end as it should: its requests are settled now"
        );
    }
    Ok(Till::new(ledger, clock, budgets, random))
}

/// Answers under idempotency keys.
pub async fn replays(
    bounds: Option<Bounds>,
    database: &Database,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn ReplayStore>> {
    let Some(bounds) = bounds else { return Ok(Arc::new(())) };
    let store = DatabaseReplays::open(database.clone(), bounds, clock, random()?).await?;
    Ok(Arc::new(store))
}

/// What tokens are checked with. A document of keys is read from now on, again and again.
pub fn tokens(settings: TokenSettings, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<Tokens>> {
    let TokenSettings { policy, keys } = settings;
    let source: Arc<dyn KeySetSource> = match keys {
        KeySource::Fixed(keys) => return Ok(Arc::new(Tokens::new(policy, keys, clock))),
        KeySource::File(path) => Arc::new(JwksFile::new(path)),
        KeySource::Url { url, ca_file } => {
            let failed = || format!("jwt.jwks_url {url}");
            Arc::new(JwksUrl::new(&url, ca_file.as_deref()).with_context(failed)?)
        }
    };
    let tokens = Arc::new(Tokens::new(policy, KeySet::empty(), clock));
    tokio::spawn(Arc::clone(&tokens).keep_fresh(source));
    Ok(tokens)
}

/// The labels of what is counted: models and providers as the configuration names them.
pub fn names(providers: &[ProviderSettings], models: &[ModelSettings]) -> Names {
    if providers.is_empty() {
        return Names { models: vec![Arc::from(SIM_MODEL)], providers: vec![Arc::from(SIM)] };
    }
    Names {
        models: models.iter().map(|model| Arc::from(&*model.id)).collect(),
        providers: providers.iter().map(|provider| Arc::from(&*provider.name)).collect(),
    }
}

/// Whoever watches. Needs the runtime: traces are sent from it.
pub fn telemetry(settings: &TelemetrySettings, names: Names) -> anyhow::Result<Telemetry> {
    let metrics = Arc::new(GatewayMetrics::new(names));
    let tracer = match settings.traces.clone() {
        None => None,
        Some(traces) => Some(Arc::new(Tracer::start(traces, random()?, metrics.spans_dropped())?)),
    };
    Ok(Telemetry { metrics: settings.has_metrics.then_some(metrics), tracer })
}

/// Whoever watches a worker. Needs the runtime, too.
pub fn worker_telemetry(
    settings: &TelemetrySettings,
    providers: Vec<Arc<str>>,
) -> anyhow::Result<WorkerTelemetry> {
    let providers = if providers.is_empty() { vec![Arc::from(SIM)] } else { providers };
    let metrics = Arc::new(WorkerMetrics::new(providers));
    let tracer = match settings.traces.clone() {
        None => None,
        Some(traces) => Some(Tracer::start(traces, random()?, metrics.spans_dropped())?),
    };
    Ok(WorkerTelemetry { metrics, tracer })
}

/// What `/metrics` shows, if anything is counted.
pub fn metrics_page(
    telemetry: &Telemetry,
    token: Option<Secret>,
    gateway: &Arc<Gateway>,
) -> Option<MetricsPage> {
    let source = telemetry.metrics.clone()?;
    source.watch(gateway);
    Some(MetricsPage { source, token })
}

/// What a worker serves.
pub fn providers(settings: Vec<ProviderSettings>) -> anyhow::Result<Vec<Arc<dyn Provider>>> {
    if settings.is_empty() {
        return Ok(vec![provider(SIM, ProviderKind::Sim, None)?]);
    }
    let made = settings.into_iter().map(|settings| {
        let name = settings.name;
        provider(&name, settings.kind, None).with_context(|| format!("provider {name:?}"))
    });
    made.collect()
}

/// In this process; or in a worker's, if there are workers.
fn provider(
    name: &str,
    kind: ProviderKind,
    workers: Option<&Arc<Pool>>,
) -> anyhow::Result<Arc<dyn Provider>> {
    if let Some(pool) = workers {
        let deadlines = match kind {
            ProviderKind::OpenAi(config) => config.upstream.deadlines,
            ProviderKind::Anthropic(config) => config.upstream.deadlines,
            ProviderKind::Gemini(config) => config.upstream.deadlines,
            ProviderKind::Sim => Deadlines::default(),
        };
        return Ok(Arc::new(Remote::new(name, Arc::clone(pool), deadlines)));
    }
    Ok(match kind {
        ProviderKind::OpenAi(config) => Arc::new(OpenAi::new(*config)?),
        ProviderKind::Anthropic(config) => Arc::new(Anthropic::new(*config)?),
        ProviderKind::Gemini(config) => Arc::new(Gemini::new(*config)?),
        ProviderKind::Sim => Arc::new(Sim::new(name)),
    })
}

/// Needs the runtime: Redis is asked from it.
pub fn limits(settings: RateLimits, clock: Arc<dyn SteadyClock>) -> anyhow::Result<Limits> {
    let store: Arc<dyn LimitStore> = match settings.store {
        Store::Memory { scopes_max } => Arc::new(MemoryStore::new(clock, scopes_max)),
        Store::Redis(redis) => Arc::new(RedisStore::new(&redis, clock).context("limits.store")?),
    };
    Ok(Limits::new(settings.policy, store, Arc::new(Tokenizers::default())))
}
