//! One run in client mode: the call as a line to the adapter, and what its SDK made of the answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::adapter::AdapterPool;
use crate::call::{model_of, model_params};
use crate::observation;
use crate::scenario::model::{Case, Op};
use crate::upstream::ScriptedUpstream;

pub const API_KEY: &str = "sk-novai-conformance";

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

pub async fn run(
    case: &Case,
    adapters: &AdapterPool,
    upstream: &ScriptedUpstream,
    patience: Duration,
) -> Result<Value> {
    let request = &case.body.request;
    let model = model_of(case);
    let params = match request.op {
        Op::ChatCreate | Op::ChatStream | Op::EmbeddingsCreate => model_params(request, &model),
        Op::ModelsList | Op::ModelsRetrieve => request.params.clone(),
        Op::Http => bail!("`op: http` is for server mode only"),
    };
    let line = json!({
        "id": NEXT_ID.fetch_add(1, Ordering::Relaxed),
        "op": request.op.name(),
        "base_url": match &request.options.base_url {
            Some(url) => url.replace("${upstream}", &upstream.address.to_string()),
            None => upstream.base_url(),
        },
        "api_key": request.options.api_key.clone().unwrap_or_else(|| json!(API_KEY)),
        "params": params,
        "headers": request.headers,
        "times": request.times,
        "pause_ms": request.pause_ms,
        "abandon_after_events": request.abandon_after_events,
        "abandon_after_ms": request.abandon_after_ms,
        "options": request.options,
    });
    let started = Instant::now();
    let answer = adapters.call(&line, patience).await?;
    let ended = Instant::now();
    let mut results =
        answer.get("results").and_then(Value::as_array).context("no `results` in the answer")?.clone();
    if results.len() != request.times {
        bail!("{} results for {} calls", results.len(), request.times);
    }
    // One failure in a row of good answers must show.
    let failed = results.iter().position(|result| result.get("error").is_some_and(|error| !error.is_null()));
    let shown = failed.unwrap_or(results.len() - 1);
    let Value::Object(result) = results.swap_remove(shown) else { bail!("a result is no object") };

    let mut observed: Map<String, Value> = result.into_iter().filter(|(_, value)| !value.is_null()).collect();
    // The adapter answers right after it has dropped the stream.
    let left_at = case.body.abandons().then_some(ended);
    if case.body.awaits_leaving() {
        upstream.wait_until_left().await;
    }
    observed.insert("duration_ms".into(), json!(observation::milliseconds(ended - started)));
    observed.insert("upstream".into(), observation::of_upstream(&upstream.seen(), left_at));
    Ok(Value::Object(observed))
}
