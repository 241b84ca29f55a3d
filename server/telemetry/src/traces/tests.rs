//! Spans as a collector gets them: over a socket, as OTLP's protobuf.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use novai_core::TokenUsage;
use novai_http::observer::{Cause, Mark, Outcome, RequestEnded, Span, TraceFacts};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Takes so many batches and answers each with the status.
async fn collector(status: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (bodies, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let bodies = bodies.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(count @ 1..) = socket.read(&mut buffer).await {
                    bytes.extend_from_slice(&buffer[..count]);
                    while let Some((head, body)) = request(&bytes) {
                        assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
                        assert!(
                            head.to_lowercase().contains("content-type: application/x-protobuf"),
                            "{head}"
                        );
                        let (used, body) = (head.len() + 4 + body.len(), body.to_vec());
                        bytes.drain(..used);
                        // The test may have ended.
                        let _ = bodies.send(body);
                        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    (endpoint, received)
}

/// The first whole request.
fn request(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length: usize = head.to_lowercase().split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
    Some((head, bytes.get(end + 4..end + 4 + length)?))
}

fn settings(endpoint: String) -> TraceSettings {
    TraceSettings { endpoint, service: "novai-test".into(), sampling_ratio: 1.0, joins_callers: true }
}

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn marks(marks: &[(u64, Mark)]) -> Vec<(Duration, Mark)> {
    marks.iter().map(|(ms, mark)| (Duration::from_millis(*ms), mark.clone())).collect()
}

fn facts(span: Span, marks: &[(Duration, Mark)]) -> TraceFacts<'_> {
    TraceFacts {
        span,
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_315_435),
        method: &Method::POST,
        route: Some("/v1/chat/completions"),
        request_id: "r-1",
        marks,
    }
}

fn ended<'a>(outcome: Outcome, status: StatusCode, cause: Option<&'a Cause>) -> RequestEnded<'a> {
    RequestEnded {
        operation: None,
        model: Some("fast"),
        provider: Some("openai"),
        status: Some(status),
        outcome,
        cause,
        failures: 0,
        is_streaming: true,
        duration: Duration::from_millis(50),
        time_to_first_event: None,
        usage: Some(TokenUsage { prompt: 10, completion: 5, total: 15, ..TokenUsage::default() }),
        cost: None,
        trace: None,
    }
}

fn asked(provider: &str, model: &str) -> Mark {
    Mark::Asked { provider: Arc::from(provider), model: Arc::from(model) }
}

fn decoded(body: &[u8]) -> Vec<Sent> {
    let batch = ExportTraceServiceRequest::decode(body).unwrap();
    let [resource] = &batch.resource_spans[..] else { panic!("{batch:?}") };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert!(format!("{attributes:?}").contains("novai-test"), "{attributes:?}");
    resource.scope_spans.iter().flat_map(|scope| scope.spans.clone()).collect()
}

fn ms(span: &Sent) -> (u64, u64) {
    let start = 1_795_315_435_000_000_000;
    ((span.start_time_unix_nano - start) / 1_000_000, (span.end_time_unix_nano - start) / 1_000_000)
}

#[tokio::test]
async fn a_request_with_a_fallback_is_a_tree_of_spans_in_its_callers_trace() {
    let (endpoint, mut received) = collector("200 OK").await;
    let tracer = Tracer::start(settings(endpoint), 1, Counter::default()).unwrap();
    let span = tracer.begin(Some(CALLER));
    let marks = marks(&[
        (2, Mark::Admitted),
        (3, asked("openai", "gpt-4o-mini")),
        (10, Mark::Failed { fault: "timeout" }),
        (11, asked("google", "gemini-2.5-flash")),
        (20, Mark::FirstEvent),
        (45, Mark::Settling),
        (46, Mark::Settled),
    ]);
    let trace = facts(span, &marks);
    tracer.end(&trace, &ended(Outcome::Ok, StatusCode::OK, None));
    tracer.flush().await;
    let spans = decoded(&received.recv().await.unwrap());
    let shown: Vec<_> = spans.iter().map(|span| (span.name.as_str(), ms(span))).collect();
    assert_eq!(
        shown,
        [
            ("admit", (0, 2)),
            ("chat gpt-4o-mini", (3, 10)),
            ("chat gemini-2.5-flash", (11, 45)),
            ("settle", (45, 46)),
            ("POST /v1/chat/completions", (0, 50)),
        ]
    );
    let root = spans.last().unwrap();
    assert_eq!(root.kind, SpanKind::Server as i32);
    assert_eq!(root.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    for (number, span) in spans.iter().enumerate() {
        assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
        assert!(number == spans.len() - 1 || span.parent_span_id == root.span_id, "{span:?}");
    }
    // What an upstream is told as its parent is the span of the call.
    assert_eq!(spans[1].span_id, trace.span.context.call(0).span_id.to_be_bytes());
    assert_eq!(spans[2].span_id, trace.span.context.call(1).span_id.to_be_bytes());
    assert_eq!(spans[2].events[0].name, "first event");
    assert!(format!("{:?}", spans[1].attributes).contains("timeout"));
}

#[tokio::test]
async fn a_refusal_ends_in_admission() {
    let (endpoint, mut received) = collector("200 OK").await;
    let tracer = Tracer::start(settings(endpoint), 1, Counter::default()).unwrap();
    let trace = facts(tracer.begin(None), &[]);
    let cause = Cause::Refused { limit: "requests", scope: "key" };
    tracer.end(&trace, &ended(Outcome::Rejected, StatusCode::TOO_MANY_REQUESTS, Some(&cause)));
    tracer.flush().await;
    let spans = decoded(&received.recv().await.unwrap());
    assert_eq!(
        spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["admit", "POST /v1/chat/completions"]
    );
    assert!(spans[1].parent_span_id.iter().all(|byte| *byte == 0), "a trace of its own");
}

#[tokio::test]
async fn what_nobody_records_is_not_sent_and_a_collector_that_refuses_is_counted() {
    let (endpoint, mut received) = collector("400 Bad Request").await;
    let dropped = Counter::default();
    let settings = TraceSettings { sampling_ratio: 0.0, ..settings(endpoint) };
    let tracer = Tracer::start(settings, 1, dropped.clone()).unwrap();
    let end = |span| tracer.end(&facts(span, &[]), &ended(Outcome::Ok, StatusCode::OK, None));
    end(tracer.begin(None));
    tracer.flush().await;
    assert!(received.try_recv().is_err());
    assert_eq!(dropped.get(), 0);
    end(tracer.begin(Some(CALLER)));
    tracer.flush().await;
    assert!(received.try_recv().is_ok());
    assert_eq!(dropped.get(), 1);
}
