//! Tool servers: which tools they have, and how one is run.
//!
//! Start at [`ToolServers::start`]; `listing` learns and keeps what a server offers. A server that has gone keeps its tools: calls
//! of them fail, which the model is told, until it is back.
//!
//! **Invariant:** a tool is run once. Only a call that no server has begun is put to the next one.

mod listing;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use novai_core::{RegisteredTool, ToolFailure, ToolFault, ToolRun, ToolRunner};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::server::NamedService;
use tonic::{Code, Request, Status};

use super::failure;
use super::link::Link;
use super::pool::{ConfigError, Kind, Pool, PoolConfig};
use crate::metadata;
use crate::v1::execute_response::Result as Done;
use crate::v1::tool_execution_service_client::ToolExecutionServiceClient;
use crate::v1::tool_execution_service_server::ToolExecutionServiceServer;
use crate::v1::{ExecuteRequest, ToolCaller, ToolErrorReason};

const KIND: Kind =
    Kind { name: "tool server", service: <ToolExecutionServiceServer<()> as NamedService>::NAME };

/// What a message needs beside its payload.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;
/// A tool's own words about its failure.
const MESSAGE_CHARS_MAX: usize = 2000;

#[derive(Debug, Clone)]
pub struct ToolServerConfig {
    /// Where it is; of several, each has the same tools.
    pub pool: PoolConfig,
    /// How long one call of a tool may take.
    pub timeout: Duration,
}

/// All of them: the first that offers a name has it.
pub struct ToolServers {
    servers: Arc<[Server]>,
    output_bytes_max: usize,
    listings: Vec<JoinHandle<()>>,
}

struct Server {
    pool: Arc<Pool>,
    /// Of all its addresses, for people.
    urls: String,
    timeout: Duration,
    /// `None` until it has told them once.
    tools: RwLock<Option<Arc<[Arc<RegisteredTool>]>>>,
}

impl Server {
    fn tools(&self) -> Option<Arc<[Arc<RegisteredTool>]>> {
        self.tools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, name: &str) -> Option<Arc<RegisteredTool>> {
        self.tools()?.iter().find(|tool| &*tool.name == name).cloned()
    }
}

impl ToolServers {
    /// Needs the runtime: each server is asked for its tools from now on, and watched. `output_bytes_max` is what one result may
    /// have.
    pub fn start(configs: Vec<ToolServerConfig>, output_bytes_max: usize) -> Result<Self, ConfigError> {
        let servers = configs.into_iter().map(|ToolServerConfig { pool, timeout }| {
            let urls: Vec<String> = pool.urls.iter().map(ToString::to_string).collect();
            let pool = Pool::of(pool, &KIND)?;
            Ok(Server { pool, urls: urls.join(", "), timeout, tools: RwLock::default() })
        });
        let servers: Arc<[Server]> = servers.collect::<Result<_, ConfigError>>()?;
        let listings = (0..servers.len())
            .map(|index| tokio::spawn(listing::keep(Arc::clone(&servers), index)))
            .collect();
        Ok(ToolServers { servers, output_bytes_max, listings })
    }

    /// Asks one address of a server after another, until one has begun.
    async fn execute(&self, server: &Server, run: ToolRun) -> Result<String, ToolFailure> {
        let limit = run.deadline.saturating_duration_since(Instant::now());
        let message = ExecuteRequest {
            call_id: run.call_id,
            name: run.tool.name.to_string(),
            arguments: Bytes::from(run.arguments),
            caller: Some(ToolCaller {
                key_id: run.principal.id.to_string(),
                tenant: run.principal.tenant.as_ref().map(ToString::to_string),
            }),
        };
        let mut tried = Vec::new();
        while let Some(flight) = server.pool.choose(&tried) {
            let mut request = Request::new(message.clone());
            metadata::write_request_id(request.metadata_mut(), &run.request_id);
            metadata::write_trace(request.metadata_mut(), run.trace);
            request.set_timeout(run.deadline.saturating_duration_since(Instant::now()));
            let mut client = self.client(flight.worker.link.clone());
            let status = match tokio::time::timeout_at(run.deadline, client.execute(request)).await {
                Ok(Ok(answer)) => return told(answer.into_inner().result),
                Ok(Err(status)) => status,
                Err(_elapsed) => return Err(ToolFailure::timed_out(limit)),
            };
            let reason = failure::described(&status);
            if failure::was_not_begun(&status) {
                flight.worker.suspect(&reason);
                tried.push(Arc::clone(&flight.worker));
                continue;
            }
            tracing::warn!(
                request_id = &*run.request_id,
                tool = &*run.tool.name,
                server = flight.worker.url,
                reason,
                "a tool server failed a call"
            );
            return Err(self.fault(&status, limit));
        }
        let message = "it cannot be reached now".to_owned();
        Err(ToolFailure::new(ToolFault::Unavailable, message))
    }

    /// What a model hears of a server's own failure: nothing of its words.
    fn fault(&self, status: &Status, limit: Duration) -> ToolFailure {
        match status.code() {
            Code::DeadlineExceeded | Code::Cancelled => ToolFailure::timed_out(limit),
            // What tonic calls an answer that is larger than the client takes.
            Code::OutOfRange => ToolFailure::too_large(self.output_bytes_max),
            // Only what failed at this end has a source: the connection broke.
            _ if std::error::Error::source(status).is_some() => {
                let message = "the connection to it broke: it may have done what it was called for, or not";
                ToolFailure::new(ToolFault::Unavailable, message)
            }
            Code::Unavailable | Code::Unimplemented => {
                ToolFailure::new(ToolFault::Unavailable, "it cannot be reached now")
            }
            _ => ToolFailure::new(ToolFault::Failed, "it failed, and did not say why"),
        }
    }

    fn client(&self, link: Link) -> ToolExecutionServiceClient<Link> {
        ToolExecutionServiceClient::new(link)
            .max_decoding_message_size(self.output_bytes_max.saturating_add(ENVELOPE_BYTES_MAX))
    }
}

fn told(done: Option<Done>) -> Result<String, ToolFailure> {
    let error = match done {
        Some(Done::Output(output)) => return Ok(output),
        Some(Done::Error(error)) => error,
        None => return Err(ToolFailure::new(ToolFault::Failed, "it answered nothing")),
    };
    let fault = match error.reason() {
        ToolErrorReason::InvalidArguments => ToolFault::InvalidArguments,
        ToolErrorReason::NotFound => ToolFault::NotFound,
        ToolErrorReason::PermissionDenied => ToolFault::PermissionDenied,
        ToolErrorReason::Unspecified | ToolErrorReason::Failed => ToolFault::Failed,
    };
    let message: String = error.message.chars().take(MESSAGE_CHARS_MAX).collect();
    Err(ToolFailure::new(fault, message))
}

impl ToolRunner for ToolServers {
    fn find(&self, name: &str) -> Option<Arc<RegisteredTool>> {
        self.servers.iter().find_map(|server| server.find(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let tools = self.servers.iter().filter_map(Server::tools);
        tools.flat_map(|tools| tools.iter().map(|tool| Arc::clone(&tool.name)).collect::<Vec<_>>()).collect()
    }

    fn is_complete(&self) -> bool {
        self.servers.iter().all(|server| server.tools().is_some())
    }

    fn run(&self, run: ToolRun) -> BoxFuture<'_, Result<String, ToolFailure>> {
        Box::pin(async move {
            match self.servers.iter().find(|server| server.find(&run.tool.name).is_some()) {
                Some(server) => self.execute(server, run).await,
                // It was offered when the request began.
                None => Err(ToolFailure::new(ToolFault::Unavailable, "it is offered no longer")),
            }
        })
    }
}

impl Drop for ToolServers {
    fn drop(&mut self) {
        self.listings.iter().for_each(JoinHandle::abort);
    }
}
