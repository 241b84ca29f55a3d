//! `novai worker`: providers behind gRPC, for gateways that name it in `inference_url`.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use novai_http::listener::{self, Phase, Shutdown};
use novai_http::{MetricsPage, MetricsServer};
use novai_rpc::{Providers, ServerTls, worker};
use tokio::net::TcpListener;

use crate::cli::Worker;
use crate::config::{WorkerConfig, WorkerOverrides, load_worker};
use crate::{banner, bind, logging, read_file, signals, wiring};

pub fn run(arguments: Worker) -> anyhow::Result<()> {
    let file = read_file(arguments.config.as_deref())?;
    let overrides =
        WorkerOverrides { listen: arguments.listen, upstream: arguments.upstream, log: arguments.log };
    let file = file.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    let config = load_worker(file, overrides, &|name| std::env::var(name).ok())?;
    let logs = logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(config));
    // What is still running holds the log; it ends here, and then the log's last lines are written.
    runtime.shutdown_background();
    drop(logs.writer);
    served
}

async fn serve(config: WorkerConfig) -> anyhow::Result<()> {
    let tls = config.tls.as_ref().map(ServerTls::acceptor).transpose()?;
    let socket = bind(config.listen).await?;
    let address = socket.local_addr()?;
    let metrics_socket = match config.metrics_listen {
        None => None,
        Some(address) => Some(bind(address).await?),
    };
    let metrics_address = metrics_socket.as_ref().map(TcpListener::local_addr).transpose()?;
    print(&mut io::stdout(), &config, address, metrics_address)?;
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "anybody who can connect may spend the providers' money: see [worker] client_ca_file");
    }
    let names = config.providers.iter().map(|provider| Arc::from(&*provider.name)).collect();
    let telemetry = Arc::new(wiring::worker_telemetry(&config.telemetry, names)?);
    let providers: Providers = wiring::providers(config.providers)?.into_iter().collect();
    let shutdown = Shutdown::default();
    signals::watch(shutdown.clone());
    if let Some(socket) = metrics_socket {
        let source = Arc::clone(&telemetry.metrics);
        let page = MetricsServer::new(MetricsPage { source, token: config.telemetry.metrics_token });
        let limits = listener::Limits::default();
        tokio::spawn(listener::serve(socket, Arc::default(), None, limits, Arc::new(page), shutdown.clone()));
    }
    tracing::info!(%address, tls = tls.is_some(), "serving");
    let draining = shutdown.reached(Phase::Draining);
    let closed = shutdown.reached(Phase::Closed);
    let events = Arc::clone(&telemetry);
    worker::serve(socket, tls, providers, events, config.limits, draining, closed).await?;
    if let Some(tracer) = &telemetry.tracer {
        tracer.flush().await;
    }
    tracing::info!("stopped");
    Ok(())
}

fn print(
    out: &mut impl Write,
    config: &WorkerConfig,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
) -> io::Result<()> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    writeln!(out, "novai {} worker listens on {scheme}://{address}", env!("CARGO_PKG_VERSION"))?;
    if let Some(metrics) = metrics {
        writeln!(out, "  metrics on http://{metrics}/metrics")?;
    }
    for provider in &config.providers {
        writeln!(out, "  {}", banner::provider(provider))?;
    }
    if config.providers.is_empty() {
        writeln!(out, "  no provider is configured: only the simulator answers (model `novai-sim`).")?;
    }
    out.flush()
}
