//! A gateway's end of tool servers, in front of real ones.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use novai_core::{Principal, Scopes, ToolFailure, ToolFault, ToolRun, ToolRunner, TraceContext};
use novai_rpc::v1::execute_response::Result as Done;
use novai_rpc::v1::tool_execution_service_server::{ToolExecutionService, ToolExecutionServiceServer};
use novai_rpc::v1::{
    ExecuteRequest, ExecuteResponse, ListToolsRequest, ListToolsResponse, ToolDefinition, ToolError,
    ToolErrorReason,
};
use novai_rpc::{ClientTls, PoolConfig, ToolServerConfig, ToolServers, WorkerUrl};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

use crate::support::authority::Authority;
use crate::support::provider::{Dropped, once};
use crate::support::{TRACEPARENT, within};

const OUTPUT_BYTES_MAX: usize = 1000;

/// Does what the called tool's name says.
struct Tools {
    offered: Vec<ToolDefinition>,
    asked: Arc<Mutex<Vec<Request<ExecuteRequest>>>>,
    dropped: Arc<Mutex<Option<Dropped>>>,
}

#[tonic::async_trait]
impl ToolExecutionService for Tools {
    async fn list_tools(&self, _: Request<ListToolsRequest>) -> Result<Response<ListToolsResponse>, Status> {
        Ok(Response::new(ListToolsResponse { tools: self.offered.clone() }))
    }

    async fn execute(&self, request: Request<ExecuteRequest>) -> Result<Response<ExecuteResponse>, Status> {
        let name = request.get_ref().name.clone();
        let arguments = request.get_ref().arguments.clone();
        self.asked.lock().unwrap().push(request);
        let error = |reason: ToolErrorReason, message: &str| {
            Some(Done::Error(ToolError { reason: reason.into(), message: message.to_owned() }))
        };
        let result = match name.as_str() {
            "echo" => Some(Done::Output(String::from_utf8(arguments.to_vec()).unwrap())),
            "refuse" => error(ToolErrorReason::PermissionDenied, "not for you"),
            "newer" => Some(Done::Error(ToolError { reason: 99, message: "who knows".to_owned() })),
            "nothing" => None,
            "long" => Some(Done::Output("x".repeat(OUTPUT_BYTES_MAX + 100_000))),
            "hang" => {
                let _dropped = self.dropped.lock().unwrap().take();
                std::future::pending().await
            }
            _ => return Err(Status::internal("password=hunter2")),
        };
        Ok(Response::new(ExecuteResponse { result }))
    }
}

struct Running {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request<ExecuteRequest>>>>,
    dropped: oneshot::Receiver<()>,
    runtime: Option<Runtime>,
}

fn tool(name: &str) -> ToolDefinition {
    ToolDefinition { name: name.to_owned(), ..ToolDefinition::default() }
}

/// A server of these tools, in a runtime of its own, so that it can be killed.
fn serve(address: &str, offered: Vec<ToolDefinition>) -> Running {
    serve_by(Server::builder(), address, offered)
}

fn serve_by(mut builder: Server, address: &str, offered: Vec<ToolDefinition>) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (dropped, is_dropped) = Dropped::new();
    let asked = Arc::default();
    let tools = Tools { offered, asked: Arc::clone(&asked), dropped: once(dropped) };
    let incoming = {
        let _inside = runtime.enter();
        TcpIncoming::bind(address.parse().unwrap()).unwrap()
    };
    let address = incoming.local_addr().unwrap();
    let (health, health_service) = tonic_health::server::health_reporter();
    runtime.spawn(async move {
        health.set_serving::<ToolExecutionServiceServer<Tools>>().await;
        let server = builder.add_service(health_service);
        server
            .add_service(ToolExecutionServiceServer::new(tools))
            .serve_with_incoming(incoming)
            .await
            .unwrap();
    });
    Running { address, asked, dropped: is_dropped, runtime: Some(runtime) }
}

impl Running {
    async fn kill(&mut self) {
        let runtime = self.runtime.take().unwrap();
        let killed = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(60)));
        killed.await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn servers(addresses: &[SocketAddr]) -> ToolServers {
    let config = |address: &SocketAddr| config(format!("http://{address}"), ClientTls::default());
    ToolServers::start(addresses.iter().map(config).collect(), OUTPUT_BYTES_MAX).unwrap()
}

fn config(url: String, tls: ClientTls) -> ToolServerConfig {
    let urls = vec![WorkerUrl::parse(&url).unwrap()];
    let pool = PoolConfig { urls, tls, connect_timeout: Duration::from_secs(10) };
    ToolServerConfig { pool, timeout: Duration::from_secs(30) }
}

async fn offering(servers: &ToolServers, expected: &[&str]) {
    let waiting = async {
        while !servers.is_complete()
            || servers.names().iter().map(|name| &**name).ne(expected.iter().copied())
        {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{expected:?}"), waiting).await;
}

fn run(servers: &ToolServers, name: &str, timeout: Duration) -> ToolRun {
    ToolRun {
        tool: servers.find(name).unwrap(),
        call_id: "call_1".to_owned(),
        arguments: r#"{"a": 1}"#.to_owned(),
        principal: Arc::new(Principal {
            tenant: Some("acme".into()),
            ..Principal::new("key_1", Scopes::all())
        }),
        request_id: "request-1".into(),
        trace: TraceContext::parse(TRACEPARENT),
        deadline: Instant::now() + timeout,
    }
}

/// Until the server has the call.
async fn begun(running: &Running, call: &mut BoxFuture<'_, Result<String, ToolFailure>>) {
    while running.asked.lock().unwrap().is_empty() {
        tokio::select! {
            biased;
            done = &mut *call => panic!("{done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_a_tool_answers_arrives_and_what_it_is_told_as_well() {
    let names = ["echo", "refuse", "newer", "nothing", "long", "crash"];
    let running = serve("127.0.0.1:0", names.map(tool).to_vec());
    let servers = servers(&[running.address]);
    offering(&servers, &names).await;
    let done = within("an output", servers.run(run(&servers, "echo", MINUTE))).await;
    assert_eq!(done.unwrap(), r#"{"a": 1}"#, "to the byte");
    let asked = running.asked.lock().unwrap().remove(0);
    let of = |name: &str| asked.metadata().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!((of("x-request-id"), of("traceparent")), ("request-1".to_owned(), TRACEPARENT.to_owned()));
    assert!(asked.metadata().contains_key("grpc-timeout"));
    let message = asked.get_ref();
    let caller = message.caller.as_ref().unwrap();
    assert_eq!((&*message.call_id, &*caller.key_id, caller.tenant()), ("call_1", "key_1", "acme"));
    for (name, fault, message) in [
        ("refuse", ToolFault::PermissionDenied, "not for you"),
        ("newer", ToolFault::Failed, "who knows"),
        ("nothing", ToolFault::Failed, "it answered nothing"),
        ("long", ToolFault::OutputTooLarge, "its output is larger than 1000 bytes: ask it for less"),
        ("crash", ToolFault::Failed, "it failed, and did not say why"),
    ] {
        let failure = within(name, servers.run(run(&servers, name, MINUTE))).await.unwrap_err();
        assert_eq!((failure.fault, &*failure.message), (fault, message), "{name}");
    }
}

#[tokio::test]
async fn both_ends_show_a_certificate() {
    let authority = Authority::new();
    let read = |file: &PathBuf| std::fs::read(file).unwrap();
    let (certificate, key) = authority.certify("tools.internal");
    let server = ServerTlsConfig::new()
        .identity(Identity::from_pem(read(&certificate), read(&key)))
        .client_ca_root(Certificate::from_pem(read(&authority.ca_file())));
    let builder = Server::builder().tls_config(server).unwrap();
    let running = serve_by(builder, "127.0.0.1:0", vec![tool("echo")]);
    let tls = ClientTls {
        ca_file: Some(authority.ca_file()),
        identity: Some(authority.certify("gateway.internal")),
        server_name: Some("tools.internal".to_owned()),
    };
    let url = format!("https://{}", running.address);
    let servers = ToolServers::start(vec![config(url, tls)], OUTPUT_BYTES_MAX).unwrap();
    offering(&servers, &["echo"]).await;
    let done = within("an output", servers.run(run(&servers, "echo", MINUTE))).await;
    assert_eq!(done.unwrap(), r#"{"a": 1}"#);
    let asked = running.asked.lock().unwrap().remove(0);
    assert_eq!(asked.peer_certs().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled_and_so_is_one_that_is_late() {
    for is_dropped in [true, false] {
        let mut running = serve("127.0.0.1:0", vec![tool("hang")]);
        let servers = servers(&[running.address]);
        offering(&servers, &["hang"]).await;
        let timeout = if is_dropped { MINUTE } else { Duration::from_millis(200) };
        let mut call = servers.run(run(&servers, "hang", timeout));
        within("the call's beginning", begun(&running, &mut call)).await;
        if is_dropped {
            drop(call);
        } else {
            let failure = within("the call's end", call).await.unwrap_err();
            assert_eq!(failure.fault, ToolFault::TimedOut, "{failure:?}");
        }
        within("the tool's end", &mut running.dropped).await.unwrap();
    }
}

#[tokio::test]
async fn of_a_server_that_dies_in_mid_call_a_model_hears_that_it_may_have_done_it() {
    let mut running = serve("127.0.0.1:0", vec![tool("hang")]);
    let servers = servers(&[running.address]);
    offering(&servers, &["hang"]).await;
    let mut call = servers.run(run(&servers, "hang", MINUTE));
    within("the call's beginning", begun(&running, &mut call)).await;
    running.kill().await;
    let failure = within("the call's end", call).await.unwrap_err();
    assert_eq!(failure.fault, ToolFault::Unavailable, "{failure:?}");
    assert!(failure.message.contains("it may have done what it was called for"), "{failure:?}");
}

#[tokio::test]
async fn a_server_that_is_back_is_asked_again() {
    let mut running = serve("127.0.0.1:0", vec![tool("hang"), tool("echo")]);
    let address = running.address;
    let servers = servers(&[address]);
    offering(&servers, &["hang", "echo"]).await;
    running.kill().await;
    let failure = within("a refusal", servers.run(run(&servers, "echo", MINUTE))).await.unwrap_err();
    assert_eq!(failure.fault, ToolFault::Unavailable, "{failure:?}");
    let _back = serve(&address.to_string(), vec![tool("echo"), tool("newer")]);
    offering(&servers, &["echo", "newer"]).await;
    within("an output", servers.run(run(&servers, "echo", MINUTE))).await.unwrap();
}

#[tokio::test]
async fn of_two_with_one_name_the_first_has_it_and_what_is_no_tool_is_left_out() {
    let with = |name: &str, parameters: &'static str| ToolDefinition {
        parameters: parameters.as_bytes().into(),
        ..tool(name)
    };
    let first = serve(
        "127.0.0.1:0",
        vec![
            tool("echo"),
            tool("echo"),
            tool(""),
            tool("not a name"),
            with("list", "[]"),
            with("text", "nope"),
            with("type", r#"{"type":"nothing"}"#),
            with("far", r#"{"$ref":"https://example.com/schema.json"}"#),
            with(
                "good",
                r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"integer"}}}"##,
            ),
        ],
    );
    let second = serve("127.0.0.1:0", vec![tool("refuse"), tool("echo")]);
    let servers = servers(&[first.address, second.address]);
    offering(&servers, &["echo", "good", "refuse", "echo"]).await;
    within("an output", servers.run(run(&servers, "echo", MINUTE))).await.unwrap();
    assert_eq!((first.asked.lock().unwrap().len(), second.asked.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn a_server_that_was_never_reached_is_not_taken_for_one_without_tools() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let servers = servers(&[free]);
    assert!(!servers.is_complete() && servers.names().is_empty());
}
