//! The calls, written as a user of the SDK would write them.

use std::time::Duration;

use novai::{Client, Error, Response, Timeouts};
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
        outcomes.push(match request.op {
            Op::ChatCreate => create(&client, request).await,
            Op::ChatStream => stream(&client, request).await,
            Op::ModelsList => answered(client.models().list().await),
            Op::ModelsRetrieve => {
                let model = request.params.get("model").and_then(Value::as_str).unwrap_or_default();
                answered(client.models().retrieve(model).await)
            }
        });
    }
    outcomes
}

fn client(request: &Request) -> Result<Client, Error> {
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
    Client::builder()
        .base_url(&request.base_url)
        .api_key(&request.api_key)
        .options(|options| options.max_retries(request.options.max_retries).timeouts(timeouts))
        .build()
}

async fn create(client: &Client, request: &Request) -> Outcome {
    match serde_json::from_value(request.params.clone()) {
        Ok(params) => answered(client.chat().completions().create(params).await),
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

async fn stream(client: &Client, request: &Request) -> Outcome {
    let params = match serde_json::from_value(request.params.clone()) {
        Ok(params) => params,
        Err(error) => return Outcome::foreign(error),
    };
    let mut stream = match client.chat().completions().stream(params).await {
        Ok(stream) => stream,
        // No event came before; that is an empty list, not an unknown one.
        Err(error) => return Outcome { events: Some(Vec::new()), ..Outcome::failed(&error) },
    };
    let mut outcome = Outcome {
        request_id: stream.request_id().map(str::to_owned),
        rate_limit: stream.rate_limit().map(rate_limit_json),
        ..Outcome::default()
    };
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.extend(encoded(&event)),
            Err(error) => {
                outcome.error = Some(error_json(&error));
                outcome.events = Some(events);
                return outcome;
            }
        }
        if request.abandon_after_events.is_some_and(|limit| events.len() >= limit) {
            outcome.events = Some(events);
            return outcome;
        }
    }
    outcome.events = Some(events);
    match stream.final_completion().await {
        Ok(completion) => outcome.result = encoded(&completion),
        Err(error) => outcome.error = Some(error_json(&error)),
    }
    outcome
}

fn encoded(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}
