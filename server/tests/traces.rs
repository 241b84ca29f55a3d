//! Traces from a caller through the gateway to an upstream and a collector, all over sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use support::http::{Asked, answer, serve};
use support::process::Process;

const KEY: &str = "operators-own-key-0123456789";
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Answers every request with `answer`, and tells of each.
fn server(answer: String) -> (String, mpsc::Receiver<Asked>) {
    let (tell, told) = mpsc::channel();
    let address = serve(move |asked, mut socket| {
        // The test may have ended.
        let _ = tell.send(Asked { head: asked.head.to_lowercase(), body: asked.body.clone() });
        socket.write_all(answer.as_bytes())
    });
    (address.to_string(), told)
}

fn upstream_answer() -> String {
    let chunk = r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    answer("text/event-stream", &format!("data: {chunk}\n\ndata: [DONE]\n\n"))
}

fn config(upstream: &str, telemetry: &str, provider: &str) -> String {
    format!(
        "[telemetry]\n{telemetry}\n[[providers]]\nname = \"up\"\nbase_url = \"http://{upstream}/v1\"\n{provider}\n\
         [[models]]\nid = \"fast\"\nprovider = \"up\"\nupstream_id = \"inner\"\nprice = \"free\"\n"
    )
}

/// One stream, asked with a `traceparent`; what the upstream was sent, and what the collector, if anything.
fn traced(telemetry: &str, provider: &str, ratio: &str) -> (String, Option<Vec<u8>>) {
    let (collector, collected) = server(answer("application/x-protobuf", ""));
    let (upstream, asked) = server(upstream_answer());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("novai.toml"), config(&upstream, telemetry, provider)).unwrap();
    let endpoint = format!("http://{collector}");
    let environment = [
        ("NOVAI_BOOTSTRAP_KEY", KEY),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ("OTEL_SERVICE_NAME", "novai-test"),
    ];
    let novai = support::start_with(dir.path(), &["--config", "novai.toml"], &environment);
    let body = r#"{"model":"fast","messages":[{"role":"user","content":"a secret of mine"}],"stream":true}"#;
    let headers = [
        format!("Authorization: Bearer {KEY}"),
        format!("traceparent: {CALLER}"),
        "Content-Type: application/json".to_owned(),
    ];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let answer = novai.send("POST", "/v1/chat/completions", &headers, body);
    assert!(answer.contains("[DONE]"), "{answer}");
    // What waits is sent before it ends.
    novai.stop();
    (asked.recv().unwrap().head, collected.try_recv().ok().map(|collected| collected.body))
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_callers_trace_is_joined_recorded_and_told_to_the_upstream_as_the_configuration_says() {
    let (head, spans) = traced("join_callers_traces = true", "send_traceparent = true", "0");
    let parent = head.lines().find_map(|line| line.strip_prefix("traceparent: ")).expect("a traceparent");
    assert!(
        parent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && parent.ends_with("-01"),
        "{parent}"
    );
    assert!(!parent.contains("b7ad6b7169203331"), "the parent is the gateway's own span: {parent}");
    let spans = spans.expect("the caller has decided that it is recorded");
    let trace_id = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    let told = u64::from_str_radix(parent.split('-').nth(2).unwrap(), 16).unwrap().to_be_bytes();
    for bytes in [&trace_id[..], &0xb7ad_6b71_6920_3331_u64.to_be_bytes(), &told] {
        assert!(holds(&spans, bytes), "{bytes:x?}");
    }
    for text in
        ["POST /v1/chat/completions", "admit", "chat inner", "first event", "settle", "novai-test", "fast"]
    {
        assert!(holds(&spans, text.as_bytes()), "{text}");
    }
    for secret in ["a secret of mine", KEY, "key_"] {
        assert!(!holds(&spans, secret.as_bytes()), "{secret}");
    }
}

#[test]
fn without_leave_no_caller_decides_and_no_upstream_is_told() {
    let (head, spans) = traced("", "", "0");
    assert!(!head.contains("traceparent"), "{head}");
    assert!(spans.is_none());
    let (head, spans) = traced("", "", "1");
    assert!(!head.contains("traceparent"), "{head}");
    let spans = spans.expect("a trace of its own");
    assert!(!holds(&spans, &0xb7ad_6b71_6920_3331_u64.to_be_bytes()));
}

fn get(address: &str, path: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn spans_in(bytes: &[u8]) -> Vec<Span> {
    let sent = ExportTraceServiceRequest::decode(bytes).unwrap();
    let scopes = sent.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

#[test]
fn a_workers_call_is_a_span_between_the_gateways_and_the_vendors() {
    let (collector, collected) = server(answer("application/x-protobuf", ""));
    let (upstream, asked) = server(upstream_answer());
    let dir = tempfile::tempdir().unwrap();
    let file = config(&upstream, "join_callers_traces = true", "send_traceparent = true");
    std::fs::write(
        dir.path().join("novai.toml"),
        format!("{file}[worker]\nmetrics_listen = \"127.0.0.1:0\"\n"),
    )
    .unwrap();
    let endpoint = format!("http://{collector}");
    let environment = [("NOVAI_BOOTSTRAP_KEY", KEY), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    let arguments = ["worker", "--listen", "127.0.0.1:0", "--config", "novai.toml"];
    let mut worker = Process::start(support::command(dir.path(), &arguments).envs(environment));
    let url = worker.prints("listens on").trim().rsplit(' ').next().unwrap().to_owned();
    let printed = worker.prints("/metrics");
    let metrics = printed.trim().rsplit("http://").next().unwrap().trim_end_matches("/metrics").to_owned();
    let arguments = ["--config", "novai.toml", "--inference-url", &url];
    let novai = support::start_with(dir.path(), &arguments, &environment);
    let authorization = format!("Authorization: Bearer {KEY}");
    let caller = format!("traceparent: {CALLER}");
    let headers = [authorization.as_str(), caller.as_str(), "Content-Type: application/json"];
    let body = r#"{"model":"fast","messages":[{"role":"user","content":"a secret of mine"}],"stream":true}"#;
    let answer = novai.send("POST", "/v1/chat/completions", &headers, body);
    assert!(answer.contains("[DONE]"), "{answer}");

    let started_at = std::time::Instant::now();
    loop {
        let page = get(&metrics, "/metrics");
        if page.contains(r#"novai_worker_calls_total{operation="chat",provider="up",outcome="complete"} 1"#) {
            break;
        }
        assert!(started_at.elapsed() < std::time::Duration::from_secs(60), "{page}");
    }
    novai.stop();
    worker.stop();
    let head = asked.recv().unwrap().head;
    let parent = head.lines().find_map(|line| line.strip_prefix("traceparent: ")).expect("a traceparent");
    let told = u64::from_str_radix(parent.split('-').nth(2).unwrap(), 16).unwrap().to_be_bytes();
    let sent: Vec<Vec<u8>> = collected.try_iter().map(|collected| collected.body).collect();
    assert!(sent.iter().any(|body| holds(body, b"novai-worker")));
    let spans: Vec<Span> = sent.iter().flat_map(|body| spans_in(body)).collect();
    let ours = spans.iter().find(|span| span.span_id == told).expect("the worker's span");
    let asking = spans.iter().find(|span| span.span_id == ours.parent_span_id).expect("the gateway's call");
    assert_eq!((&*ours.name, &*asking.name), ("chat inner", "chat inner"));
    assert_eq!(ours.trace_id, asking.trace_id);
    assert!(ours.events.iter().any(|event| event.name == "first event"), "{ours:?}");
    assert!(!sent.iter().any(|body| holds(body, b"a secret of mine")));
}
