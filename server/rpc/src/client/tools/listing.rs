//! What a tool server offers: asked at start until it answers, when it is back, and every minute.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use novai_core::RegisteredTool;
use tonic::Request;

use super::Server;
use crate::client::failure;
use crate::v1::tool_execution_service_client::ToolExecutionServiceClient;
use crate::v1::{ListToolsRequest, ToolDefinition};

/// For servers whose tools change while they run, and for those that tell nothing of their health.
const REFRESH: Duration = Duration::from_secs(60);
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// Of one server. OpenAI's API takes 128 tools in a request.
const TOOLS_MAX: usize = 256;

/// Never ends; whoever has the servers aborts it.
pub(super) async fn keep(servers: Arc<[Server]>, index: usize) {
    let Some(server) = servers.get(index) else { return };
    let mut delay = RETRY_MIN;
    let mut is_known = true;
    loop {
        let pause = match list(server).await {
            Ok(told) => {
                delay = RETRY_MIN;
                is_known = true;
                take(&servers, index, &told);
                REFRESH
            }
            Err(reason) => {
                // Told once, not at every attempt.
                if std::mem::replace(&mut is_known, false) {
                    tracing::warn!(server = server.urls, reason, "the tool server does not tell its tools");
                }
                let pause = delay;
                delay = (delay * 2).min(RETRY_MAX);
                pause
            }
        };
        tokio::select! {
            () = server.pool.served() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn list(server: &Server) -> Result<Vec<ToolDefinition>, String> {
    let Some(flight) = server.pool.choose(&[]) else { return Err("it has no address".to_owned()) };
    let mut client = ToolExecutionServiceClient::new(flight.worker.link.clone());
    let mut request = Request::new(ListToolsRequest {});
    request.set_timeout(LIST_TIMEOUT);
    match tokio::time::timeout(LIST_TIMEOUT, client.list_tools(request)).await {
        Ok(Ok(answer)) => Ok(answer.into_inner().tools),
        Ok(Err(status)) => {
            let reason = failure::described(&status);
            if failure::was_not_begun(&status) {
                flight.worker.suspect(&reason);
            }
            Err(reason)
        }
        Err(_) => Err(format!("it did not answer within {} ms", LIST_TIMEOUT.as_millis())),
    }
}

/// What cannot be registered is left out, and said.
fn take(servers: &[Server], index: usize, told: &[ToolDefinition]) {
    let Some(server) = servers.get(index) else { return };
    let before = server.tools();
    let mut tools: Vec<Arc<RegisteredTool>> = Vec::new();
    let mut refused: Vec<String> = Vec::new();
    for ToolDefinition { name, description, parameters } in told {
        // Never the whole of it: nobody has checked it.
        let shown: String = name.chars().take(80).collect();
        if tools.len() == TOOLS_MAX {
            refused.push(format!("{shown:?}: a server may offer {TOOLS_MAX} tools"));
            break;
        }
        if tools.iter().any(|tool| *tool.name == **name) {
            refused.push(format!("{shown:?}: it is offered twice"));
            continue;
        }
        match RegisteredTool::new(name, description, parameters, server.timeout) {
            Ok(tool) => tools.push(Arc::new(tool)),
            Err(error) => refused.push(format!("{shown:?}: {error}")),
        }
    }
    let names = |tools: &[Arc<RegisteredTool>]| -> Vec<Arc<str>> {
        tools.iter().map(|tool| Arc::clone(&tool.name)).collect()
    };
    if before.as_deref().map(names).as_ref() != Some(&names(&tools)) {
        let listed: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
        tracing::info!(server = server.urls, tools = listed.join(", "), "the tool server has told its tools");
        for reason in refused {
            tracing::warn!(server = server.urls, reason, "a tool is not registered");
        }
        for (other, earlier) in servers.iter().enumerate().filter(|(other, _)| *other != index) {
            for tool in tools.iter().filter(|tool| earlier.find(&tool.name).is_some()) {
                let first = if other < index { &earlier.urls } else { &server.urls };
                tracing::warn!(
                    tool = &*tool.name,
                    server = first,
                    "two tool servers offer it: this one is asked"
                );
            }
        }
    }
    *server.tools.write().unwrap_or_else(PoisonError::into_inner) = Some(tools.into());
}
