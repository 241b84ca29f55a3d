//! Embeddings by `batchEmbedContents`, a hundred texts at a time.
//!
//! Google takes text only, and says how many tokens it was only for some models; where it does not, the gateway estimates.

use bytes::Bytes;
use novai_core::{Completion, EmbeddingCall, Error, TokenUsage};
use novai_types::{EmbeddingInput, EmbeddingRequest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::VENDOR;
use crate::client::{Outgoing, RequestHead};
use crate::embeddings::answer::{counts, list};
use crate::embeddings::vector::{Encoding, normalized};
use crate::embeddings::{Batch, Batches};
use crate::translate::refuse;
use crate::upstream::Upstream;

/// "at most 100 requests can be in one batch", says its 400.
const INPUTS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    embeddings: Vec<Embedding>,
    #[serde(default)]
    usage_metadata: Option<UsageMetadata>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageMetadata {
    #[serde(default)]
    prompt_token_count: Option<u64>,
}

pub(super) async fn embed(
    upstream: &Upstream,
    head: &RequestHead,
    call: &EmbeddingCall,
) -> Result<Completion, Error> {
    check(&call.request)?;
    let answered = Batches::of(&call.request.input, INPUTS_MAX)
        .ask(|batch| async move {
            let body = body(call, &batch)?;
            let outgoing = Outgoing { head, headers: &[], body, deadline: call.deadline };
            let (headers, json) = upstream.json(outgoing).await?;
            let answer = read(&json, batch.len(), call.request.dimensions);
            Ok((answer.map_err(|reason| upstream.errors.malformed(reason))?, upstream.meta(&headers)))
        })
        .await?;
    let (answers, mut metas): (Vec<_>, Vec<_>) = answered.into_iter().unzip();
    let usage: Option<TokenUsage> = answers
        .iter()
        .map(|answer| answer.usage_metadata.as_ref()?.prompt_token_count)
        .try_fold(0_u64, |sum, tokens| Some(sum.saturating_add(tokens?)))
        .map(counts);
    let mut vectors: Vec<Vec<f32>> =
        answers.into_iter().flat_map(|answer| answer.embeddings).map(|embedding| embedding.values).collect();
    if call.request.dimensions.is_some() {
        // Gemini cuts longer vectors off and leaves them short; OpenAI's have unit length at any size.
        vectors = vectors.into_iter().map(normalized).collect();
    }
    let encoding = Encoding::asked(&call.request);
    let json = list(&call.upstream_model, vectors.iter().map(Vec::as_slice), encoding, usage);
    Ok(Completion { json, usage, meta: metas.pop().unwrap_or_default() })
}

fn check(request: &EmbeddingRequest) -> Result<(), Error> {
    if request.user.is_some() {
        let reason = format!("user has no counterpart in {VENDOR}'s API for embeddings: leave it out");
        return Err(refuse("user", reason));
    }
    match &request.input {
        EmbeddingInput::Text(_) | EmbeddingInput::Texts(_) => Ok(()),
        EmbeddingInput::Tokens(_) | EmbeddingInput::TokenLists(_) | EmbeddingInput::Unknown(_) => {
            Err(refuse("input", format!("input must be text for {VENDOR}'s models: they take no tokens")))
        }
    }
}

fn body(call: &EmbeddingCall, batch: &Batch<'_>) -> Result<Bytes, Error> {
    let texts: &[String] = match batch {
        Batch::Texts(texts) => texts,
        Batch::Whole(EmbeddingInput::Texts(texts)) => texts,
        Batch::Whole(EmbeddingInput::Text(text)) => std::slice::from_ref(text),
        Batch::Whole(_) | Batch::TokenLists(_) => &[],
    };
    let model = call.upstream_model.strip_prefix("models/").unwrap_or(&call.upstream_model);
    // Vendor options that we do not know go first: what the caller said in OpenAI's words wins.
    let mut shared = Map::from(call.request.extra.clone());
    shared.insert("model".into(), format!("models/{model}").into());
    if let Some(dimensions) = call.request.dimensions {
        shared.insert("outputDimensionality".into(), dimensions.into());
    }
    let requests: Vec<Value> = texts
        .iter()
        .map(|text| {
            let mut request = shared.clone();
            request.insert("content".into(), json!({"parts": [{"text": text}]}));
            Value::Object(request)
        })
        .collect();
    serde_json::to_vec(&json!({"requests": requests}))
        .map(Bytes::from)
        .map_err(|error| refuse("", format!("the request cannot be written as JSON: {error}")))
}

fn read(json: &[u8], inputs: usize, dimensions: Option<u64>) -> Result<Answer, String> {
    let answer: Answer = serde_json::from_slice(json).map_err(|_| "its answer has an unknown shape")?;
    let vectors = &answer.embeddings;
    if vectors.len() != inputs {
        return Err(format!("it sent {} vectors for {inputs} inputs", vectors.len()));
    }
    let length = vectors.first().map_or(0, |first| first.values.len() as u64);
    let expected = dimensions.unwrap_or(length);
    for Embedding { values } in vectors {
        if values.is_empty() || values.len() as u64 != expected {
            return Err(format!("it sent a vector of {} numbers where {expected} belong", values.len()));
        }
    }
    Ok(answer)
}
