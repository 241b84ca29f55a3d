//! The binary `novai`: arguments, configuration, wiring, signals.
//!
//! Start at [`serve`]; [`commands`] has what talks to a gateway that runs already. **Invariant:** nothing is decided about a request here.

mod banner;
mod cli;
mod clocks;
mod commands;
mod config;
mod logging;
mod signals;
mod wiring;
mod worker;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use novai_core::Gateway;
use novai_http::listener::{self, Cores, Phase, Shutdown};
use novai_http::{App, Front, Ports, Surface};
use novai_rpc::Pool;
use novai_stores::database::{Database, Location};
use novai_stores::keys::{Keys, Opened};
use tokio::net::TcpListener;

use banner::Addresses;
use cli::{CheckConfig, Cli, Serve, Task};
use clocks::Clocks;
use config::{Config, Overrides, Problem, Problems};

/// With glibc's allocator a small request takes 1 to 2 µs of some 35 more.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().into_task() {
        Task::Serve(arguments) => run(arguments),
        Task::Worker(arguments) => worker::run(arguments),
        Task::CheckConfig(arguments) => check(arguments),
        Task::Remote(command) => commands::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("novai: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Serve) -> anyhow::Result<()> {
    let clock_file = arguments.clock_file.clone();
    let config = configuration(arguments)?;
    let logs = logging::start(&config.log)?;
    // Requests run on the cores; what nobody waits for (health watches, exports, the admin listener) runs in the runtime.
    let cores =
        Arc::new(Cores::start(config.threads).context("cannot start the threads that serve connections")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clocks = Clocks::choose(clock_file.as_deref())?;
    let served = runtime.block_on(serve(config, clocks, Arc::clone(&cores), logs.access));
    // What is still running holds the log; it ends here, and then the log's last lines are written.
    drop(cores);
    runtime.shutdown_background();
    drop(logs.writer);
    served
}

/// As a start would read it, environment included.
fn check(arguments: CheckConfig) -> anyhow::Result<()> {
    let CheckConfig { serve, json } = arguments;
    let name = serve.config.as_ref().map(|path| path.display().to_string());
    let checked = configuration(serve);
    if json {
        println!("{}", checked_json(name.as_deref(), checked.as_ref().err()));
        return checked.map(drop);
    }
    let config = checked?;
    println!("{} is valid", name.as_deref().unwrap_or("the configuration without a file"));
    banner::summary(&mut std::io::stdout(), &config)?;
    Ok(())
}

fn checked_json(name: Option<&str>, error: Option<&anyhow::Error>) -> serde_json::Value {
    let problems = match error.map(|error| (error, error.downcast_ref::<Problems>())) {
        None => Vec::new(),
        Some((_, Some(Problems(problems)))) => problems.clone(),
        Some((error, None)) => vec![Problem {
            place: name.unwrap_or_default().to_owned(),
            key: String::new(),
            rule: format!("{error:#}"),
            fix: String::new(),
        }],
    };
    serde_json::json!({ "valid": error.is_none(), "file": name, "problems": problems })
}

fn configuration(arguments: Serve) -> anyhow::Result<Config> {
    let file = read_file(arguments.config.as_deref())?;
    let overrides = Overrides {
        listen: arguments.listen,
        data_dir: arguments.data_dir,
        upstream: arguments.upstream,
        inference_urls: arguments.inference_url,
        log: arguments.log,
    };
    let file = file.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    Ok(config::load(file, overrides, &|name| std::env::var(name).ok())?)
}

/// Its name, and its text.
fn read_file(path: Option<&Path>) -> anyhow::Result<Option<(String, String)>> {
    let Some(path) = path else { return Ok(None) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {name}"))?;
    Ok(Some((name, text)))
}

/// Redis takes milliseconds; one that is gone must not keep a gateway from ending.
const DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

async fn serve(
    config: Config,
    clocks: Clocks,
    cores: Arc<Cores>,
    access_log: Arc<dyn novai_http::access_log::LineSink>,
) -> anyhow::Result<()> {
    // Before the banner: who reads that may send a signal at once, and without a handler it would kill.
    let shutdown = Shutdown::default();
    signals::watch(shutdown.clone());
    // Everything that can fail comes before the key is made and the banner printed.
    let tls = config.tls.as_ref().map(listener::TlsFiles::acceptor).transpose()?;
    let socket = bind(config.listen).await?;
    let admin_socket = match config.admin_listen {
        None => None,
        Some(address) => Some(bind(address).await?),
    };
    let addresses = Addresses {
        public: socket.local_addr()?,
        admin: admin_socket.as_ref().map(TcpListener::local_addr).transpose()?,
    };
    let database = match config.database_url.clone() {
        Some(url) => Location::Postgres(Box::new(url)),
        None => Location::in_dir(&config.data_dir),
    };
    let opening = async {
        let database = Database::open(database).await?;
        let wall = || Arc::clone(&clocks.wall);
        let till = wiring::till(config.ledger, config.budgets.clone(), &database, wall()).await?;
        let replays = wiring::replays(config.replays, &database, wall()).await?;
        let keys = Keys::open(database, &config.data_dir, config.bootstrap_key.as_ref(), wall()).await?;
        anyhow::Ok((till, replays, keys))
    };
    // A database that does not answer must not keep a start from being stopped.
    let (till, replays, Opened { keys, created }) = tokio::select! {
        opened = opening => opened?,
        () = shutdown.reached(Phase::Draining) => return Ok(()),
    };
    let ledger = Arc::clone(till.ledger());
    banner::print(&mut std::io::stdout(), &config, addresses, created.as_ref())?;
    drop(created);

    let tokens = match config.tokens {
        None => None,
        Some(settings) => Some(wiring::tokens(settings, Arc::clone(&clocks.wall))?),
    };
    let names = wiring::names(&config.providers, &config.models);
    let workers = config.inference.map(Pool::new).transpose().context("inference_url")?;
    let catalog =
        wiring::catalog(config.providers, &config.models, config.prices, &clocks.wall, workers.as_ref())?;
    let limits = wiring::limits(config.rate_limits, clocks.steady)?;
    let telemetry = wiring::telemetry(&config.telemetry, names)?;
    let routing = wiring::routing(config.routing, telemetry.events())?;
    let mut gateway = Gateway::new(catalog).routed_by(routing).limited_by(limits).paid_through(till);
    if let Some(settings) = config.tools {
        gateway = gateway.with_tools(wiring::toolbox(settings)?);
    }
    let gateway = Arc::new(gateway);
    let metrics = wiring::metrics_page(&telemetry, config.telemetry.metrics_token, &gateway);
    let ports = Ports {
        gateway: Arc::clone(&gateway),
        keys: Arc::clone(&keys) as _,
        key_admin: Arc::clone(&keys) as _,
        tokens,
        replays: Arc::clone(&replays),
        observer: Arc::new(telemetry.clone()),
        metrics,
    };
    let app = Arc::new(App::new(ports, config.options, shutdown.clone()));
    let surface = if admin_socket.is_some() { Surface::Public } else { Surface::All };
    let admin = match admin_socket {
        None => None,
        Some(socket) => {
            let log = Arc::clone(&access_log);
            let front = Front::new(Arc::clone(&app), Surface::Admin, config.cors.clone(), log).await?;
            let served = listener::serve(
                socket,
                Arc::default(),
                tls.clone(),
                config.limits.clone(),
                Arc::new(front),
                shutdown.clone(),
            );
            Some(tokio::spawn(served))
        }
    };
    let front = Arc::new(Front::new(app, surface, config.cors, access_log).await?);
    let upkeep = tokio::spawn(Arc::clone(&keys).keep_up());
    tracing::info!(address = %addresses.public, tls = tls.is_some(), "serving");
    listener::serve(socket, cores, tls, config.limits, front, shutdown).await;
    if let Some(admin) = admin {
        admin.await?;
    }
    upkeep.abort();
    if let Err(error) = keys.write_uses().await {
        tracing::warn!(%error, "when keys were last used could not be written");
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, gateway.drained()).await.is_err() {
        tracing::warn!(
            "the limits' Redis did not learn of every ended request; what they reserved expires within a minute"
        );
    }
    if tokio::time::timeout(DRAIN_TIMEOUT, replays.flush()).await.is_err() {
        tracing::warn!("the last answers under idempotency keys could not be written");
    }
    // What is not written by now is in the journal; the next start would settle it.
    if let Err(error) = ledger.flush().await {
        tracing::error!(%error, "the ledger could not be written to the end");
    }
    if let Some(tracer) = &telemetry.tracer {
        tracer.flush().await;
    }
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: is another program using it?"))
}
