//! The shape of docker-compose.yml on one machine: two gateways and two workers of the built binary with that file's configuration, a
//! real Redis and a real PostgreSQL, and a scripted upstream that counts. `cargo xtask cluster` runs it and shows the table.
//!
//! Start at [`the_deployed_shape`]: its steps are the rows.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "../support/http.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod http;
#[path = "../../stores/tests/server/mod.rs"]
mod postgres;
#[path = "../support/process.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod process;
#[path = "../shape/mod.rs"]
mod shape;
#[path = "../crash/upstream.rs"]
mod upstream;

mod books;
mod client;
mod gateway;
mod outage;
mod redis;
mod steps;
mod table;
mod twins;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use gateway::{Gateway, Worker};
use redis::Redis;
use shape::Compose;
use table::Table;
use upstream::Upstream;

fn repository_file(name: &str) -> String {
    let path = format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Everything that runs.
struct Cluster {
    upstream: Upstream,
    redis: Redis,
    postgres: postgres::Server,
    database_url: String,
    workers: Vec<Worker>,
    gateways: Vec<Gateway>,
    compose: Compose,
    dir: tempfile::TempDir,
    /// What callers were told, by request id.
    seen: Arc<Mutex<HashMap<String, client::Seen>>>,
}

impl Cluster {
    /// `None` where there is no Redis or no PostgreSQL; said on the terminal.
    async fn start() -> Option<Self> {
        let redis = Redis::start()?;
        let postgres = postgres::Server::own()?;
        let database_url = postgres.new_url().await;
        let upstream = Upstream::start();
        let dir = tempfile::tempdir().unwrap();
        let mut cluster = Cluster {
            upstream,
            redis,
            postgres,
            database_url,
            workers: Vec::new(),
            gateways: Vec::new(),
            compose: Compose::read(),
            dir,
            seen: Arc::default(),
        };
        for service in ["worker-1", "worker-2"] {
            let worker = cluster.worker(service, 0);
            cluster.workers.push(worker);
        }
        for service in ["gateway-1", "gateway-2"] {
            let gateway = cluster.gateway(service);
            cluster.gateways.push(gateway);
        }
        Some(cluster)
    }

    /// One more gateway, as the service says.
    fn gateway(&self, service: &str) -> Gateway {
        let environment = self.compose.environment(service, |name| {
            Some(match name {
                "NOVAI_BOOTSTRAP_KEY" => gateway::OPERATOR_KEY.to_owned(),
                "NOVAI_METRICS_TOKEN" => gateway::METRICS_TOKEN.to_owned(),
                "REDIS_PASSWORD" => redis::PASSWORD.to_owned(),
                _ => "0123456789abcdef".to_owned(),
            })
        });
        // Names that only compose's network knows.
        let environment = environment.into_iter().map(|(name, value)| match name.as_str() {
            "NOVAI_DATABASE_URL" => (name, self.database_url.clone()),
            "NOVAI_REDIS_URL" => {
                let here = format!("127.0.0.1:{}", self.redis.port);
                assert!(value.contains("redis:6379"), "{value}");
                (name, value.replace("redis:6379", &here))
            }
            "NOVAI_INFERENCE_URL" => {
                let urls: Vec<String> = self.workers.iter().map(|worker| worker.url()).collect();
                (name, urls.join(","))
            }
            _ => (name, value),
        });
        Gateway::start(&self.dir.path().join(service), &self.config(), environment.collect())
    }

    /// On a port of its own, or the one that it had.
    fn worker(&self, service: &str, port: u16) -> Worker {
        let environment = self.compose.environment(service, |_| Some("0123456789abcdef".to_owned()));
        Worker::start(&self.dir.path().join(service), &self.config(), environment, port)
    }

    /// That of docker-compose.yml, with addresses of this machine.
    fn config(&self) -> String {
        let config = self.compose.config("gateway");
        let config =
            config.replace("https://api.openai.com/v1", &format!("http://{}/v1", self.upstream.address));
        config.replace("0.0.0.0:8081", "127.0.0.1:0")
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute: `cargo xtask cluster` runs it"]
async fn the_deployed_shape() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let mut table = Table::default();
    steps::health(&cluster, &mut table);
    let key = steps::keys(&cluster, &mut table);
    steps::limits(&cluster, &key, &mut table);
    steps::usage(&cluster, &key, &mut table);
    steps::metrics(&cluster, &mut table);
    twins::asked_at_once(&cluster, &mut table).await;
    steps::worker_killed(&mut cluster, &mut table);
    steps::gateway_killed(&mut cluster, &mut table).await;
    outage::postgres_gone(&mut cluster, &mut table).await;
    steps::redis_gone(&mut cluster, &mut table);
    steps::stopped(cluster, &mut table);
    println!("{table}");
}
