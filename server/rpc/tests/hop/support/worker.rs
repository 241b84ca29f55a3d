//! A worker on a free port, in a runtime of its own: it can be stopped as by SIGTERM, and killed as by SIGKILL.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use novai_core::Provider;
use novai_rpc::worker::{Limits, serve};
use novai_rpc::{Providers, ServerTls};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub struct Worker {
    pub address: SocketAddr,
    scheme: &'static str,
    runtime: Option<Runtime>,
    drain: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(provider: impl Provider) -> Self {
        Worker::start_with(Arc::new(provider), None, Limits::default())
    }

    pub fn start_with(provider: Arc<dyn Provider>, tls: Option<ServerTls>, limits: Limits) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Worker::start_on(listener, provider, tls, limits)
    }

    pub fn start_on(
        listener: std::net::TcpListener,
        provider: Arc<dyn Provider>,
        tls: Option<ServerTls>,
        limits: Limits,
    ) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let acceptor = tls.map(|tls| tls.acceptor().unwrap());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (drain, draining) = oneshot::channel::<()>();
        let served = runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let providers: Providers = [provider].into_iter().collect();
            let draining = async {
                // A worker whose handle is gone is killed, not stopped.
                if draining.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let (events, closed) = (Arc::new(()), std::future::pending());
            serve(listener, acceptor, providers, events, limits, draining, closed).await.unwrap();
        });
        Worker { address, scheme, runtime: Some(runtime), drain: Some(drain), served: Some(served) }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// As SIGTERM.
    pub fn drain(&mut self) {
        self.drain.take().unwrap().send(()).unwrap();
    }

    /// Resolves when it has ended by itself.
    pub async fn ended(&mut self) {
        super::within("the worker's end", self.served.take().unwrap()).await.unwrap();
    }

    /// As SIGKILL: its sockets close, and it says nothing.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(60));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
