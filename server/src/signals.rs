//! SIGTERM and SIGINT: the first drains, the second closes.

use novai_http::listener::{Phase, Shutdown};

/// The handlers are in place when this returns; what waits for them runs until the process ends.
pub fn watch(shutdown: Shutdown) {
    match Signals::new() {
        Ok(signals) => drop(tokio::spawn(follow(signals, shutdown))),
        Err(error) => {
            tracing::error!(%error, "cannot watch for signals: only a kill will stop the gateway");
        }
    }
}

async fn follow(mut signals: Signals, shutdown: Shutdown) {
    let name = signals.next().await;
    tracing::info!(signal = name, "shutting down: open requests and streams may end");
    shutdown.advance(Phase::Draining);
    let name = signals.next().await;
    tracing::warn!(signal = name, "second signal: closing what is still open");
    shutdown.advance(Phase::Closed);
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) -> &'static str {
        // An error here means that the console is gone, and with it whoever could ask for anything else.
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
