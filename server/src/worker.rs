//! `novai worker`: providers behind gRPC, for gateways that name it in `inference_url`.

use std::io::{self, Write};
use std::net::SocketAddr;

use novai_http::listener::{Phase, Shutdown};
use novai_rpc::{Providers, ServerTls, worker};

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
    print(&mut io::stdout(), &config, address)?;
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "anybody who can connect may spend the providers' money: see [worker] client_ca_file");
    }
    let providers: Providers = wiring::providers(config.providers)?.into_iter().collect();
    let shutdown = Shutdown::default();
    signals::watch(shutdown.clone());
    tracing::info!(%address, tls = tls.is_some(), "serving");
    let draining = shutdown.reached(Phase::Draining);
    let closed = shutdown.reached(Phase::Closed);
    worker::serve(socket, tls, providers, config.limits, draining, closed).await?;
    tracing::info!("stopped");
    Ok(())
}

fn print(out: &mut impl Write, config: &WorkerConfig, address: SocketAddr) -> io::Result<()> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    writeln!(out, "novai {} worker listens on {scheme}://{address}", env!("CARGO_PKG_VERSION"))?;
    for provider in &config.providers {
        writeln!(out, "  {}", banner::provider(provider))?;
    }
    if config.providers.is_empty() {
        writeln!(out, "  no provider is configured: only the simulator answers (model `novai-sim`).")?;
    }
    out.flush()
}
