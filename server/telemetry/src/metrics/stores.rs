//! What stores count themselves and how targets stand, read when somebody looks.

use std::sync::{Arc, OnceLock, Weak};

use novai_core::latency::{BOUNDS, LatencySnapshot};
use novai_core::limits::StoreReport;
use novai_core::{BreakerState, Gateway};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

pub(super) struct Stores {
    pub gateway: Arc<OnceLock<Weak<Gateway>>>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores")
    }
}

impl Collector for Stores {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let gateway = self.gateway.get().and_then(Weak::upgrade);
        let gateway = gateway.as_deref();
        let limits = gateway.and_then(Gateway::limits_report);
        limits_store(&mut encoder, &limits.unwrap_or_default())?;
        let latencies = [
            ("limits", limits.map(|report| report.latency)),
            ("ledger", gateway.and_then(|gateway| gateway.ledger().write_latency())),
        ];
        let mut family = encoder.encode_descriptor(
            "novai_store_duration",
            "Decisions of the limits' Redis, and transactions of the ledger's database.",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (store, latency) in latencies {
            if let Some(latency) = latency {
                histogram(family.encode_family(&[("store", store)])?, &latency)?;
            }
        }
        breakers(&mut encoder, gateway)
    }
}

/// One series per target and state, so that none has to be known by number: 1 for the state that it is in.
fn breakers(encoder: &mut DescriptorEncoder<'_>, gateway: Option<&Gateway>) -> std::fmt::Result {
    let mut family = encoder.encode_descriptor(
        "novai_upstream_breaker",
        "How the configured targets stand.",
        None,
        MetricType::Gauge,
    )?;
    let mut targets = gateway.map(Gateway::breakers).unwrap_or_default();
    targets.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)));
    for (provider, model, now) in &targets {
        for state in BreakerState::ALL {
            let labels = [("provider", &**provider), ("upstream_model", &**model), ("state", state.name())];
            ConstGauge::new(i64::from(state == *now)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// All there, also while limits are kept in memory: an alert on a metric that does not exist never fires.
fn limits_store(encoder: &mut DescriptorEncoder<'_>, report: &StoreReport) -> std::fmt::Result {
    let degraded = encoder.encode_descriptor(
        "novai_limits_degraded",
        "1 while limits are decided without their store, and for a minute after.",
        None,
        MetricType::Gauge,
    )?;
    ConstGauge::new(i64::from(report.is_degraded)).encode(degraded)?;
    for (name, help, value) in [
        ("novai_limits_store_asked", "Decisions that the limits' store was asked for.", report.asked),
        ("novai_limits_store_failed", "Those that it did not answer.", report.failed),
        ("novai_limits_decided_alone", "Decisions without the store.", report.decided_alone),
        ("novai_limits_outages", "How often the store was lost, or came back empty.", report.outages),
        (
            "novai_limits_settlements_lost",
            "Ended requests that the store was never told of.",
            report.settlements_lost,
        ),
    ] {
        let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(counter)?;
    }
    Ok(())
}

fn histogram(mut encoder: MetricEncoder<'_>, latency: &LatencySnapshot) -> std::fmt::Result {
    let bounds = BOUNDS.iter().map(std::time::Duration::as_secs_f64).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(latency.counts).collect();
    let count = latency.counts.iter().sum();
    encoder.encode_histogram::<NoLabelSet>(latency.sum.as_secs_f64(), count, &buckets, None)
}
