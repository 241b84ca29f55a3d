//! Tools that the gateway runs, as operators and callers meet them: the binary, the simulator, and a tool server without a health
//! service.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use novai_rpc::v1::execute_response::Result as Done;
use novai_rpc::v1::tool_execution_service_server::{ToolExecutionService, ToolExecutionServiceServer};
use novai_rpc::v1::{ExecuteRequest, ExecuteResponse, ListToolsRequest, ListToolsResponse, ToolDefinition};
use serde_json::Value;
use support::{Novai, start_with};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const KEY: &str = "operators-own-key-0123456789";
const SCHEMA: &str =
    r#"{"type":"object","properties":{"city":{"type":"string","minLength":1}},"required":["city"]}"#;
const PROVIDER: &str = r#"
[[providers]]
name = "simulator"
kind = "sim"
[[models]]
id = "m"
provider = "simulator"
upstream_id = "novai-sim"
price = { input = "1.00", output = "2.00" }
"#;

struct Weather {
    asked: Arc<Mutex<Vec<ExecuteRequest>>>,
}

#[tonic::async_trait]
impl ToolExecutionService for Weather {
    async fn list_tools(&self, _: Request<ListToolsRequest>) -> Result<Response<ListToolsResponse>, Status> {
        let tool = ToolDefinition {
            name: "get_weather".to_owned(),
            description: "Current weather of a city.".to_owned(),
            parameters: SCHEMA.as_bytes().into(),
        };
        Ok(Response::new(ListToolsResponse { tools: vec![tool] }))
    }

    async fn execute(&self, request: Request<ExecuteRequest>) -> Result<Response<ExecuteResponse>, Status> {
        self.asked.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExecuteResponse { result: Some(Done::Output("-3 degrees".to_owned())) }))
    }
}

struct Tools {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<ExecuteRequest>>>,
    _runtime: tokio::runtime::Runtime,
}

fn tools() -> Tools {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let asked = Arc::default();
    let weather = Weather { asked: Arc::clone(&asked) };
    let incoming = {
        let _inside = runtime.enter();
        TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    };
    let address = incoming.local_addr().unwrap();
    let service = ToolExecutionServiceServer::new(weather);
    runtime.spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    Tools { address, asked, _runtime: runtime }
}

fn gateway(dir: &Path, more: &str) -> Novai {
    std::fs::write(dir.join("novai.toml"), format!("{PROVIDER}{more}")).unwrap();
    start_with(dir, &["--config", "novai.toml"], &[("NOVAI_BOOTSTRAP_KEY", KEY)])
}

fn ask(novai: &Novai, tool: &str, more: &str) -> String {
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"Weather?"}}],"tools":[{{"type":"novai_tool","name":"{tool}"}}]{more}}}"#
    );
    let authorization = format!("Authorization: Bearer {KEY}");
    let headers = [authorization.as_str(), "Content-Type: application/json"];
    novai.send("POST", "/v1/chat/completions", &headers, &body)
}

/// Until the gateway has been told which tools there are.
fn ask_a_ready_one(novai: &Novai) -> String {
    let started_at = Instant::now();
    loop {
        let answer = ask(novai, "get_weather", "");
        let is_early = answer.starts_with("HTTP/1.1 503") && answer.contains("tools_unavailable");
        if !is_early {
            return answer;
        }
        assert!(started_at.elapsed() < Duration::from_secs(60), "{answer}");
    }
}

fn json_of(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).unwrap()
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with(name)).unwrap();
    line.split_once(": ").unwrap().1
}

#[test]
fn a_tool_is_run_and_the_caller_sees_one_answer_and_the_sum() {
    let dir = tempfile::tempdir().unwrap();
    let tools = tools();
    let novai = gateway(dir.path(), &format!("[[tool_servers]]\nurl = \"http://{}\"\n", tools.address));
    assert!(
        novai.banner.contains(&format!("runs the tools of http://{}", tools.address)),
        "{}",
        novai.banner
    );

    let whole = ask_a_ready_one(&novai);
    let answer = json_of(&whole);
    let choice = &answer["choices"][0];
    assert_eq!((&choice["finish_reason"], choice["message"].get("tool_calls")), (&"stop".into(), None));
    assert!(choice["message"]["content"].as_str().unwrap().contains("Weather?"), "{answer}");
    let tokens = answer["usage"]["total_tokens"].as_u64().unwrap();
    assert_eq!(header(&whole, "x-tokens-used"), tokens.to_string());
    let asked = tools.asked.lock().unwrap().remove(0);
    let arguments: Value = serde_json::from_slice(&asked.arguments).unwrap();
    assert!(!arguments["city"].as_str().unwrap().is_empty(), "{arguments}");
    let caller = asked.caller.unwrap();
    assert!(asked.name == "get_weather" && !asked.call_id.is_empty() && caller.key_id.starts_with("key_"));

    let streamed = ask(&novai, "get_weather", r#","stream":true,"stream_options":{"include_usage":true}"#);
    assert!(streamed.starts_with("HTTP/1.1 200") && !streamed.contains("tool_calls"), "{streamed}");
    assert_eq!(streamed.matches("data: [DONE]").count(), 1, "{streamed}");
    assert_eq!(streamed.matches("\"finish_reason\":\"stop\"").count(), 1, "{streamed}");
    assert!(streamed.contains(&format!("\"total_tokens\":{tokens}")), "{tokens}: {streamed}");
    assert_eq!(tools.asked.lock().unwrap().len(), 1);

    // Two requests of two calls each, and not a token lost.
    let usage = json_of(&novai.get("/v1/usage", KEY));
    let row = &usage["data"][0];
    assert_eq!(row["requests"], 4, "{usage}");
    let total = row["prompt_tokens"].as_u64().unwrap() + row["completion_tokens"].as_u64().unwrap();
    assert_eq!(total, 2 * tokens, "{usage}");

    let refused = ask(&novai, "get_time", "");
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains("registered are: get_weather"),
        "{refused}"
    );
    let log = novai.stop();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let counted = lines.iter().filter(|line| line["target"] == "novai::access" && line["tool_calls"] == 1);
    assert_eq!(counted.filter(|line| line["prompt_tokens"].as_u64() > Some(0)).count(), 2, "{log}");
    assert!(!log.contains("degrees") && !log.contains("city"), "{log}");
}

#[test]
fn without_a_server_there_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let novai = gateway(dir.path(), "");
    let refused = ask(&novai, "get_weather", "");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("[[tool_servers]]"), "{refused}");
    novai.stop();
}
