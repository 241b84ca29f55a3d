//! One run in server mode: a raw HTTP request to the gateway, and what came back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use base64::Engine;
use serde_json::{Value, json};

use super::process::API_KEY;
use crate::call::{model_of, model_params};
use crate::observation;
use crate::scenario::model::{Case, Op};
use crate::upstream::ScriptedUpstream;
use crate::wire::http::{self, Answer, Leave};

/// Safety net for a gateway that hangs. Longer than its own keep-alive interval, so that a silent stream shows as such.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

pub struct ServerRun {
    pub observed: Value,
    /// The last answer, for the snapshot.
    pub answer: Answer,
}

pub async fn run(case: &Case, gateway: SocketAddr, upstream: &ScriptedUpstream) -> Result<ServerRun> {
    let request = request_bytes(case, gateway, upstream.address)?;
    let started = Instant::now();
    let mut answer = exchange(case, gateway, &request).await?;
    for _ in 1..case.body.request.times {
        // One bad answer in a row of good ones must show: it is the one that is compared.
        if answer.status == 200 && !is_whole(&answer) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(case.body.request.pause_ms)).await;
        answer = exchange(case, gateway, &request).await?;
    }
    let duration = started.elapsed();
    if case.body.awaits_leaving() {
        upstream.wait_until_left().await;
    }
    let mut observed = observation::of_answer(&answer);
    observed.insert("duration_ms".into(), json!(observation::milliseconds(duration)));
    observed.insert("upstream".into(), observation::of_upstream(&upstream.seen(), answer.abandoned_at));
    Ok(ServerRun { observed: Value::Object(observed), answer })
}

async fn exchange(case: &Case, gateway: SocketAddr, request: &[u8]) -> Result<Answer> {
    let leave = Leave {
        after_events: case.body.request.abandon_after_events,
        after: case.body.request.abandon_after_ms.map(Duration::from_millis),
    };
    http::exchange(gateway, request, leave, PATIENCE).await
}

fn is_whole(answer: &Answer) -> bool {
    answer.complete && (!answer.is_event_stream() || answer.body.ends_with(b"data: [DONE]\n\n"))
}

pub(super) fn request_bytes(case: &Case, gateway: SocketAddr, upstream: SocketAddr) -> Result<Vec<u8>> {
    let request = &case.body.request;
    let model = model_of(case);
    let (method, path) = match request.op {
        Op::ChatCreate | Op::ChatStream => ("POST", "/v1/chat/completions".to_owned()),
        Op::EmbeddingsCreate => ("POST", "/v1/embeddings".to_owned()),
        Op::ModelsList => ("GET", "/v1/models".to_owned()),
        Op::ModelsRetrieve => {
            let id = request.params.get("model").and_then(Value::as_str).unwrap_or(&model);
            ("GET", format!("/v1/models/{id}"))
        }
        Op::Http => ("GET", "/".to_owned()),
    };
    let method = request.method.as_deref().unwrap_or(method);
    let path = request.path.clone().unwrap_or(path);
    let body = body(case, &model, upstream)?;

    let mut headers = vec![
        ("host".to_owned(), gateway.to_string()),
        ("authorization".to_owned(), format!("Bearer {API_KEY}")),
        ("accept".to_owned(), "*/*".to_owned()),
    ];
    if let Some(body) = &body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.push(("content-length".to_owned(), body.len().to_string()));
    }
    for (name, value) in &request.headers {
        headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            headers.push((name.clone(), value.clone()));
        }
    }
    let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_deref().unwrap_or_default());
    Ok(bytes)
}

fn body(case: &Case, model: &str, upstream: SocketAddr) -> Result<Option<Vec<u8>>> {
    let request = &case.body.request;
    if let Some(text) = &request.body {
        return Ok(Some(text.repeat(request.body_times).into_bytes()));
    }
    if let Some(text) = &request.body_base64 {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).context("body_base64")?;
        return Ok(Some(bytes));
    }
    Ok(match request.op {
        Op::ChatCreate | Op::ChatStream | Op::EmbeddingsCreate => {
            let text = Value::Object(model_params(request, model)).to_string();
            Some(text.replace("${upstream}", &upstream.to_string()).into_bytes())
        }
        Op::ModelsList | Op::ModelsRetrieve | Op::Http => None,
    })
}
