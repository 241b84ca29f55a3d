//! Brings finished spans to a collector, in batches and from a task of its own: a collector that is slow or gone costs
//! requests nothing.

use std::time::Duration;

use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Some 300 requests that wait for a collector. Beyond that, spans are dropped and counted.
const QUEUE_MAX: usize = 2048;
const BATCH_MAX: usize = 512;
/// Longest wait of the first span of a batch for more.
const BATCH_DELAY: Duration = Duration::from_secs(2);
/// At the end of the gateway.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) struct Queue {
    spans: mpsc::Sender<Message>,
    dropped: Counter,
}

enum Message {
    /// Of one request: they go together or not at all.
    Spans(Vec<SpanData>),
    Flush(oneshot::Sender<()>),
}

/// Why traces cannot be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("telemetry.otlp_endpoint: {0}")]
pub struct ExporterError(#[from] opentelemetry_otlp::ExporterBuildError);

impl Queue {
    /// `endpoint` with its path. Needs a tokio runtime.
    pub(super) fn start(endpoint: &str, service: &str, dropped: Counter) -> Result<Self, ExporterError> {
        // Headers, time-out and the service's other attributes come from OTEL_* variables, as the library reads them.
        let exporter =
            SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint);
        let mut exporter = exporter.build()?;
        let resource = Resource::builder()
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_service_name(service.to_owned())
            .build();
        exporter.set_resource(&resource);
        let (spans, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(exporter, queue, dropped.clone()));
        Ok(Queue { spans, dropped })
    }

    pub(super) fn send(&self, spans: Vec<SpanData>) {
        let count = spans.len() as u64;
        if self.spans.try_send(Message::Spans(spans)).is_err() {
            self.dropped.inc_by(count);
        }
    }

    /// Resolves when what was sent before is out, or cannot be brought out.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let asked = async {
            if self.spans.send(Message::Flush(done)).await.is_ok() {
                let _ = flushed.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, asked).await;
    }
}

async fn run(exporter: SpanExporter, mut queue: mpsc::Receiver<Message>, dropped: Counter) {
    let mut batch: Vec<SpanData> = Vec::new();
    let mut is_failing = false;
    while let Some(first) = queue.recv().await {
        let mut waiting = None;
        let send_at = Instant::now() + BATCH_DELAY;
        let mut next = Some(first);
        loop {
            match next.take() {
                Some(Message::Spans(spans)) => batch.extend(spans),
                Some(Message::Flush(done)) => waiting = Some(done),
                None => {}
            }
            if waiting.is_some() || batch.len() >= BATCH_MAX {
                break;
            }
            tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => next = Some(message),
                    None => break,
                },
                () = sleep_until(send_at) => break,
            }
        }
        let spans = std::mem::take(&mut batch);
        let count = spans.len() as u64;
        if count > 0 {
            match exporter.export(spans).await {
                Ok(()) => {
                    if std::mem::replace(&mut is_failing, false) {
                        tracing::info!("the collector takes traces again");
                    }
                }
                Err(error) => {
                    dropped.inc_by(count);
                    // Once per trouble, not once per batch.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "the collector does not take traces");
                    }
                }
            }
        }
        if let Some(done) = waiting {
            let _ = done.send(());
        }
    }
}
