//! A closed loop: so many connections, each sending its next request when the last answer is whole.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{
    http::{Connection, Target, read_whole},
    say,
};

/// Longer than this is not a latency but a hang.
const LATENCY_MAX: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    target: Target,
    #[arg(long)]
    connections: usize,
    /// In all, over every connection.
    #[arg(long)]
    requests: usize,
    /// Requests per second over all connections; without it, as fast as they are answered.
    #[arg(long)]
    rate: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    pub requests: u64,
    pub seconds: f64,
    pub p50_us: u64,
    pub p99_us: u64,
    /// Until the first bytes of the body, such as a stream's first event.
    pub first_p50_us: u64,
    pub first_p99_us: u64,
}

/// When one connection may send next: at even distances, each connection between its neighbours.
struct Pace(tokio::time::Interval);

impl Pace {
    fn new(rate: u32, connections: usize, index: usize) -> Self {
        let distance = Duration::from_secs(1) / rate;
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let first = tokio::time::Instant::now() + distance * u32::try_from(index).unwrap_or(u32::MAX);
        let mut interval = tokio::time::interval_at(first, distance * connections);
        // A slow answer must not be followed by a burst.
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self(interval)
    }

    async fn tick(&mut self) {
        self.0.tick().await;
    }
}

pub async fn run(options: Options) -> Result<()> {
    let latency_max_us = u64::try_from(LATENCY_MAX.as_micros())?;
    let histogram = || Histogram::<u64>::new_with_max(latency_max_us, 3).map(RefCell::new).map(Rc::new);
    let (latencies_us, firsts_us) = (histogram()?, histogram()?);
    let remaining = Rc::new(Cell::new(options.requests));
    let body = options.target.script.request();
    let connections =
        try_join_all((0..options.connections).map(|_| Connection::open(&options.target.address))).await?;

    let started = Instant::now();
    let loops = connections.into_iter().enumerate().map(|(index, mut connection)| {
        let mut pace = options.rate.map(|rate| Pace::new(rate, options.connections, index));
        let (latencies_us, firsts_us) = (Rc::clone(&latencies_us), Rc::clone(&firsts_us));
        let remaining = Rc::clone(&remaining);
        let (target, body) = (&options.target, body.clone());
        async move {
            while let Some(left) = remaining.get().checked_sub(1) {
                remaining.set(left);
                if let Some(pace) = &mut pace {
                    pace.tick().await;
                }
                let sent = Instant::now();
                let response = connection.send(target, body.clone()).await?;
                let answer = read_whole(response, target.script).await?;
                latencies_us.borrow_mut().saturating_record(u64::try_from(sent.elapsed().as_micros())?);
                if let Some(began_at) = answer.began_at {
                    let first = began_at.duration_since(sent);
                    firsts_us.borrow_mut().saturating_record(u64::try_from(first.as_micros())?);
                }
            }
            anyhow::Ok(())
        }
    });
    try_join_all(loops).await?;
    let seconds = started.elapsed().as_secs_f64();

    let (latencies_us, firsts_us) = (latencies_us.borrow(), firsts_us.borrow());
    let outcome = Outcome {
        requests: latencies_us.len(),
        seconds,
        p50_us: latencies_us.value_at_quantile(0.50),
        p99_us: latencies_us.value_at_quantile(0.99),
        first_p50_us: firsts_us.value_at_quantile(0.50),
        first_p99_us: firsts_us.value_at_quantile(0.99),
    };
    say(&serde_json::to_string(&outcome)?)
}
