//! Watches one worker through `grpc.health.v1`: a worker that stops says so, and one that dies ends the watch at once.

use std::sync::Arc;
use std::time::Duration;

use tonic::server::NamedService;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::endpoint::WorkerUrl;
use super::failure;
use super::pool::{State, Worker};
use crate::tls::{ClientTls, TlsError};
use crate::v1::inference_service_server::InferenceServiceServer;

/// A worker that is started again serves after about this long, at the latest after the longest.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Asks once whether the worker at `url` serves: for health checks.
pub async fn probe(url: &WorkerUrl, tls: &ClientTls, timeout: Duration) -> Result<(), ProbeError> {
    let mut client = HealthClient::new(url.link(tls, timeout)?);
    let service = <InferenceServiceServer<()> as NamedService>::NAME.to_owned();
    let asked = client.check(HealthCheckRequest { service });
    let answer = tokio::time::timeout(timeout, asked).await.map_err(|_| ProbeError::Silent(timeout))?;
    match answer {
        Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
        Ok(_) => Err(ProbeError::NotServing),
        Err(status) => Err(ProbeError::Failed(failure::described(&status))),
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("it did not answer within {} ms", .0.as_millis())]
    Silent(Duration),
    #[error("it says that it does not serve")]
    NotServing,
    #[error("it cannot be asked: {0}")]
    Failed(String),
}

/// Never ends; the pool aborts it.
pub(super) async fn watch(worker: Arc<Worker>) {
    let mut delay = RETRY_MIN;
    loop {
        let reason = match follow(&worker, &mut delay).await {
            Ok(reason) => reason.to_owned(),
            // What speaks no health protocol is judged by its calls.
            Err(status) if status.code() == Code::Unimplemented => {
                worker.set(State::Serving, "");
                return;
            }
            Err(status) => failure::described(&status),
        };
        worker.set(State::Down, &reason);
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(RETRY_MAX);
    }
}

/// Until it serves no longer, a call failed, or it cannot be asked. Leaves the watch then, so that a worker that drains is not
/// kept from ending.
async fn follow(worker: &Worker, delay: &mut Duration) -> Result<&'static str, Status> {
    let mut client = HealthClient::new(worker.link.clone());
    let asked = HealthCheckRequest { service: worker.kind.service.to_owned() };
    let mut answers = client.watch(asked).await?.into_inner();
    loop {
        let answer = tokio::select! {
            answer = answers.message() => answer?,
            () = worker.suspicion.notified() => return Ok("a call could not be begun"),
        };
        match answer.map(|answer| answer.status()) {
            Some(ServingStatus::Serving) => {
                *delay = RETRY_MIN;
                worker.set(State::Serving, "");
            }
            _ => return Ok("it is stopping"),
        }
    }
}
