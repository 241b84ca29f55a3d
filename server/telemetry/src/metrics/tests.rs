use std::time::Duration;

use http::StatusCode;
use novai_core::TokenUsage;
use novai_core::money::Usd;
use novai_http::observer::Outcome;

use super::*;

fn metrics() -> GatewayMetrics {
    let names = Names { models: vec!["fast".into()], providers: vec!["openai".into()] };
    GatewayMetrics::new(names)
}

fn answered(model: &str) -> RequestEnded<'_> {
    RequestEnded {
        operation: observer::operation_ids().position(|id| id == "createChatCompletion"),
        model: Some(model),
        provider: Some("openai"),
        status: Some(StatusCode::OK),
        outcome: Outcome::Ok,
        cause: None,
        failures: 0,
        is_streaming: false,
        duration: Duration::from_millis(30),
        time_to_first_event: None,
        usage: Some(TokenUsage {
            prompt: 10,
            cached_prompt: 4,
            completion: 5,
            total: 15,
            ..Default::default()
        }),
        cost: Some(Usd::from_nano(1_500_000)),
        trace: None,
    }
}

fn tell(metrics: &GatewayMetrics, ended: &RequestEnded<'_>) {
    metrics.request_began();
    if ended.is_streaming {
        metrics.stream_began();
    }
    metrics.request_ended(ended);
}

#[track_caller]
fn check(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|have| have == *line), "missing: {line}\nin:\n{page}");
    }
}

#[test]
fn an_answer_is_counted_under_its_names() {
    let metrics = metrics();
    tell(&metrics, &answered("fast"));
    let mut streamed = answered("fast");
    streamed.is_streaming = true;
    streamed.time_to_first_event = Some(Duration::from_millis(10));
    tell(&metrics, &streamed);
    check(
        &metrics.page(),
        &[
            r#"novai_requests_total{operation="createChatCompletion",model="fast",status="200",outcome="ok"} 2"#,
            r#"novai_tokens_total{model="fast",provider="openai",type="input"} 20"#,
            r#"novai_tokens_total{model="fast",provider="openai",type="cached_input"} 8"#,
            r#"novai_tokens_total{model="fast",provider="openai",type="output"} 10"#,
            r#"novai_cost_usd_total{model="fast",provider="openai"} 0.003"#,
            r#"novai_limit_decisions_total{decision="admitted",limit="",scope=""} 2"#,
            r#"gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="fast",gen_ai_token_type="input"} 20.0"#,
            r#"gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="fast",error_type=""} 2"#,
            r#"gen_ai_server_time_to_first_token_seconds_bucket{le="0.01",gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="fast"} 1"#,
            // 20 ms for the four tokens after the first.
            r#"gen_ai_server_time_per_output_token_seconds_sum{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="fast"} 0.005"#,
            "novai_requests_in_flight 0",
            "novai_streams_in_flight 0",
            "novai_limits_degraded 0",
        ],
    );
}

#[test]
fn what_went_wrong_is_counted_by_what_it_was() {
    let metrics = metrics();
    let refused = Cause::Refused { limit: "requests", scope: "key" };
    let mut limited = answered("fast");
    (limited.status, limited.outcome) = (Some(StatusCode::TOO_MANY_REQUESTS), Outcome::Rejected);
    (limited.provider, limited.usage, limited.cost, limited.cause) = (None, None, None, Some(&refused));
    tell(&metrics, &limited);
    let broken = Cause::Upstream { provider: "openai".to_owned(), fault: "timeout" };
    let mut failed = answered("fast");
    (failed.status, failed.outcome) = (Some(StatusCode::GATEWAY_TIMEOUT), Outcome::Failed);
    (failed.provider, failed.usage, failed.cost, failed.cause) = (None, None, None, Some(&broken));
    tell(&metrics, &failed);
    check(
        &metrics.page(),
        &[
            r#"novai_limit_decisions_total{decision="refused",limit="requests",scope="key"} 1"#,
            r#"novai_limit_decisions_total{decision="admitted",limit="",scope=""} 1"#,
            r#"novai_upstream_errors_total{provider="openai",model="fast",error_type="timeout"} 1"#,
            r#"gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="fast",error_type="timeout"} 1"#,
            r#"novai_requests_total{operation="createChatCompletion",model="fast",status="429",outcome="rejected"} 1"#,
        ],
    );
}

#[test]
fn no_request_makes_a_series_of_its_own() {
    let metrics = metrics();
    let series = |metrics: &GatewayMetrics| metrics.page().lines().count();
    tell(&metrics, &answered("made up"));
    let before = series(&metrics);
    for number in 0..1000 {
        tell(&metrics, &answered(&format!("made up {number}\"}} evil_metric 1")));
    }
    assert_eq!(series(&metrics), before);
    let page = metrics.page();
    assert!(!page.contains("made up"), "{page}");
    check(
        &page,
        &[
            r#"novai_requests_total{operation="createChatCompletion",model="other",status="200",outcome="ok"} 1001"#,
        ],
    );
}

/// docs/operations.md lists what there is: name and type.
#[test]
fn the_documented_metrics_are_those_that_there_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    let document = std::fs::read_to_string(path).unwrap();
    let mut documented: Vec<(String, String)> = document
        .lines()
        .filter(|line| line.starts_with("| `novai_") || line.starts_with("| `gen_ai_"))
        .map(|line| {
            let cell = |index: usize| line.split('|').nth(index).unwrap().trim().trim_matches('`').to_owned();
            (cell(1), cell(2))
        })
        .collect();
    // A family shows once it has a series.
    let metrics = metrics();
    let timeout = Cause::Upstream { provider: "openai".to_owned(), fault: "timeout" };
    let first = Some(Duration::from_millis(10));
    let seen = RequestEnded { is_streaming: true, time_to_first_event: first, ..answered("fast") };
    tell(&metrics, &RequestEnded { cause: Some(&timeout), ..seen });
    tell(&metrics, &RequestEnded { failures: 1, ..answered("fast") });
    metrics.tool_ended("get_weather", "ok", Duration::from_millis(10));
    let worker = WorkerMetrics::new(Vec::new());
    worker.began();
    worker.ended(&novai_core::CallEnded {
        operation: "chat",
        provider: "made up",
        upstream_model: "m",
        request_id: "",
        span: None,
        started_at: std::time::SystemTime::UNIX_EPOCH,
        duration: Duration::from_millis(10),
        time_to_first_event: None,
        outcome: novai_core::CallOutcome::Failed("timeout"),
    });
    let of_worker = worker.page();
    check(
        &of_worker,
        &[
            r#"novai_worker_calls_total{operation="chat",provider="other",outcome="failed"} 1"#,
            r#"gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="other",error_type="timeout"} 1"#,
            "novai_worker_calls_in_flight 0",
        ],
    );
    let page = metrics.page() + &of_worker;
    // As they are asked for in queries: a counter's samples end in `_total`, an info's in `_info`.
    let mut there: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => (format!("{name}_total"), kind.to_owned()),
            "info" => (format!("{name}_info"), kind.to_owned()),
            _ => (name.to_owned(), kind.to_owned()),
        })
        .collect();
    documented.sort();
    there.sort();
    // Some are the gateway's and the worker's.
    there.dedup();
    assert_eq!(documented, there, "correct the table under `## Metrics` in docs/operations.md");
}
