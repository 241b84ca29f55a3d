//! A running gateway.

use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use novai_core::money::{BudgetPolicy, Ledger, Till};
use novai_core::money::{Price, Tariff};
use novai_core::{Catalog, Gateway, KeyStore, Principal, Scopes, SystemClock};
use novai_http::access_log::LineSink;
use novai_http::cors::Cors;
use novai_http::listener::{self, Cores, Limits, Phase, Shutdown, TlsFiles};
use novai_http::observer::Observer;
use novai_http::tokens::Tokens;
use novai_http::{App, Front, MetricsPage, Options, Ports, Surface};
use novai_stores::keys::Keys;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::provider::{Fake, MODELS, Note};
use super::within;

/// $1.00, $0.10 and $2.00 per million tokens.
pub const TARIFF: Tariff =
    Tariff { price: Price::text(1_000_000_000, 100_000_000, 2_000_000_000), output_tokens_max: None };

pub const GOOD_KEY: &str = "sk-novai-good";

#[derive(Default)]
pub struct Setup {
    /// None, unless a test is about them: what happens on one thread happens in one order.
    pub cores: Arc<Cores>,
    pub options: Options,
    pub limits: Limits,
    /// What callers may use; nothing is limited without.
    pub rate_limits: Option<novai_core::Limits>,
    pub origins: Vec<&'static str>,
    pub tls: Option<TlsFiles>,
    /// Keys that can be made and changed, beside the good one.
    pub keys: Option<Arc<Keys>>,
    pub tokens: Option<Arc<Tokens>>,
    pub ledger: Option<Arc<dyn Ledger>>,
    pub metrics: Option<MetricsPage>,
    pub observer: Option<Arc<dyn Observer>>,
    /// Key management gets a listener of its own.
    pub has_admin_listener: bool,
}

pub struct Running {
    pub address: SocketAddr,
    pub admin_address: Option<SocketAddr>,
    pub shutdown: Shutdown,
    pub log: Arc<Log>,
    /// Lets one waiting stream go on.
    pub release: Arc<tokio::sync::Semaphore>,
    pub notes: mpsc::UnboundedReceiver<Note>,
    /// Requests that reached the provider.
    pub calls: Arc<AtomicUsize>,
    pub served: tokio::task::JoinHandle<()>,
}

impl Setup {
    pub async fn start(self) -> Running {
        let (fake, notes, release) = Fake::new();
        let calls = Arc::clone(&fake.calls);
        let fake = Arc::new(fake);
        let mut catalog = Catalog::new();
        for model in MODELS {
            catalog.add_model(model, fake.clone(), model, 1_700_000_000, TARIFF).unwrap();
        }
        let shutdown = Shutdown::default();
        let mut gateway = Gateway::new(catalog);
        if let Some(limits) = self.rate_limits {
            gateway = gateway.limited_by(limits);
        }
        if let Some(ledger) = self.ledger {
            gateway =
                gateway.paid_through(Till::new(ledger, Arc::new(SystemClock), BudgetPolicy::default(), 0));
        }
        let gateway = Arc::new(gateway);
        let ports = Ports {
            gateway,
            keys: Arc::new(KnownKeys(self.keys.clone())),
            key_admin: match self.keys {
                Some(keys) => keys,
                None => Arc::new(()),
            },
            replays: Arc::new(()),
            tokens: self.tokens,
            observer: self.observer.unwrap_or_else(|| Arc::new(())),
            metrics: self.metrics,
        };
        let app = Arc::new(App::new(ports, self.options, shutdown.clone()));
        let log = Arc::new(Log::default());
        let cors = Cors::new(self.origins.into_iter().map(http::HeaderValue::from_static));
        let tls = self.tls.map(|files| files.acceptor().unwrap());
        let mut admin_address = None;
        let mut surface = Surface::All;
        if self.has_admin_listener {
            surface = Surface::Public;
            let front =
                Front::new(Arc::clone(&app), Surface::Admin, cors.clone(), log.clone()).await.unwrap();
            let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
            admin_address = Some(socket.local_addr().unwrap());
            tokio::spawn(listener::serve(
                socket,
                Arc::default(),
                tls.clone(),
                self.limits.clone(),
                Arc::new(front),
                shutdown.clone(),
            ));
        }
        let front = Arc::new(Front::new(app, surface, cors, log.clone()).await.unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let served =
            tokio::spawn(listener::serve(socket, self.cores, tls, self.limits, front, shutdown.clone()));
        Running { address, admin_address, shutdown, log, release, notes, calls, served }
    }
}

pub async fn start() -> Running {
    Setup::default().start().await
}

impl Running {
    /// Waits until the provider notes exactly this next.
    pub async fn noted(&mut self, expected: Note) {
        let note = within(&format!("{expected:?}"), self.notes.recv()).await;
        assert_eq!(note, Some(expected));
    }

    /// Ends the gateway and gives the lines of its log: by then, all of them are written.
    pub async fn stop(self) -> Vec<serde_json::Value> {
        self.shutdown.advance(Phase::Draining);
        within("the gateway's end", self.served).await.unwrap();
        self.log.lines()
    }
}

struct KnownKeys(Option<Arc<Keys>>);

impl KeyStore for KnownKeys {
    fn principal(&self, presented: &str) -> Option<Arc<Principal>> {
        if presented == GOOD_KEY {
            return Some(Arc::new(Principal::new("key_1", Scopes::all())));
        }
        self.0.as_ref()?.principal(presented)
    }
}

#[derive(Default)]
pub struct Log(Mutex<Vec<u8>>);

impl LineSink for Log {
    fn write_line(&self, line: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(line);
    }
}

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
