//! The calls, written as a user of the SDK would write them.

use std::time::Duration;

use novai::{Client, Error, Options, Response, Timeouts};
use serde::Serialize;
use serde_json::Value;

use crate::outcome::{Outcome, error_json, rate_limit_json};
use crate::protocol::{Op, Request};

/// All calls of one request, with one client.
pub async fn all(request: &Request) -> Vec<Outcome> {
    let client = match client(request) {
        Ok(client) => client,
        Err(error) => return (0..request.times).map(|_| Outcome::failed(&error)).collect(),
    };
    let mut outcomes = Vec::new();
    for call in 0..request.times {
        if call > 0 && request.pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(request.pause_ms)).await;
        }
        let mut outcome = Outcome::default();
        let work = one(&client, request, &mut outcome);
        match request.abandon_after_ms {
            // Leaving is dropping the call.
            Some(limit_ms) => {
                let _left = tokio::time::timeout(Duration::from_millis(limit_ms), work).await;
            }
            None => work.await,
        }
        outcomes.push(outcome);
    }
    outcomes
}

async fn one(client: &Client, request: &Request, outcome: &mut Outcome) {
    match request.op {
        Op::ChatCreate => *outcome = create(client, request).await,
        Op::EmbeddingsCreate => *outcome = embed(client, request).await,
        Op::ChatStream => stream(client, request, outcome).await,
        Op::ModelsList => *outcome = answered(client.models().list().await),
        Op::ModelsRetrieve => {
            let model = request.params.get("model").and_then(Value::as_str).unwrap_or_default();
            *outcome = answered(client.models().retrieve(model).await);
        }
    }
}

fn client(request: &Request) -> Result<Client, Error> {
    let mut builder = Client::builder().base_url(&request.base_url).options(|given| options(request, given));
    if let Some(api_key) = &request.api_key {
        builder = builder.api_key(api_key);
    }
    // What belongs to one call is given to the call.
    let client = builder.build()?;
    Ok(client.with_options(|mut options| {
        for (name, value) in &request.headers {
            options = options.header(name, value);
        }
        match &request.options.idempotency_key {
            Some(key) => options.idempotency_key(key),
            None => options,
        }
    }))
}

fn options(request: &Request, options: Options) -> Options {
    let mut timeouts = Timeouts::default();
    for (deadline, milliseconds) in &request.options.timeouts_ms {
        let limit = Duration::from_millis(*milliseconds);
        match deadline.as_str() {
            "connect" => timeouts.connect = limit,
            "first_event" => timeouts.first_event = limit,
            "idle" => timeouts.idle = limit,
            "total" => timeouts.total = limit,
            // The runner's schema admits no other.
            _ => {}
        }
    }
    let options = options.max_retries(request.options.max_retries).timeouts(timeouts);
    match request.options.retry_delay_max_ms {
        Some(milliseconds) => options.retry_delay_max(Duration::from_millis(milliseconds)),
        None => options,
    }
}

async fn create(client: &Client, request: &Request) -> Outcome {
    match serde_json::from_value(request.params.clone()) {
        Ok(params) => answered(client.chat().completions().create(params).await),
        Err(error) => Outcome::foreign(error),
    }
}

async fn embed(client: &Client, request: &Request) -> Outcome {
    match serde_json::from_value(request.params.clone()) {
        Ok(params) => answered(client.embeddings().create(params).await),
        Err(error) => Outcome::foreign(error),
    }
}

fn answered<T: Serialize>(answer: Result<Response<T>, Error>) -> Outcome {
    match answer {
        Ok(response) => Outcome {
            request_id: response.request_id().map(str::to_owned),
            rate_limit: response.rate_limit().map(rate_limit_json),
            result: encoded(&*response),
            ..Outcome::default()
        },
        Err(error) => Outcome::failed(&error),
    }
}

async fn stream(client: &Client, request: &Request, outcome: &mut Outcome) {
    let params = match serde_json::from_value(request.params.clone()) {
        Ok(params) => params,
        Err(error) => return *outcome = Outcome::foreign(error),
    };
    // No event yet; that is an empty list, not an unknown one.
    let events = outcome.events.insert(Vec::new());
    let mut stream = match client.chat().completions().stream(params).await {
        Ok(stream) => stream,
        Err(error) => return outcome.error = Some(error_json(&error)),
    };
    outcome.request_id = stream.request_id().map(str::to_owned);
    outcome.rate_limit = stream.rate_limit().map(rate_limit_json);
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.extend(encoded(&event)),
            Err(error) => return outcome.error = Some(error_json(&error)),
        }
        if request.abandon_after_events.is_some_and(|limit| events.len() >= limit) {
            return;
        }
    }
    match stream.final_completion().await {
        Ok(completion) => outcome.result = encoded(&completion),
        Err(error) => outcome.error = Some(error_json(&error)),
    }
}

fn encoded(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}
