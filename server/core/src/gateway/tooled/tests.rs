//! Every way a request with registered tools can go, whole and streamed alike.

mod scripted;

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;
use crate::clock::FixedClock;
use crate::error::Deadline;
use crate::gateway::Gateway;
use crate::money::{BudgetPolicy, Price, Settlement, Tariff, Till};
use crate::principal::Principal;
use crate::routing::{NoRouteEvents, Random, Routing, RoutingPolicy};
use crate::stream::StreamEnd;
use crate::testing::{FakeLedger, Writes};
use crate::tools::ToolPolicy;
use scripted::{Bench, Said, Scripted, say};

/// $1 per million in, $2 out.
const TARIFF: Tariff =
    Tariff { price: Price::text(1_000_000_000, 1_000_000_000, 2_000_000_000), output_tokens_max: Some(50) };
const TOOLS: &str = r#""tools":[{"type":"novai_tool","name":"add"},{"type":"novai_tool","name":"slow"},{"type":"novai_tool","name":"broken"},{"type":"novai_tool","name":"big"},{"type":"function","function":{"name":"mine"}}]"#;

/// Names and arguments.
type Calls<'a> = &'a [(&'a str, &'a str)];

struct Setup {
    gateway: Gateway,
    provider: Arc<Scripted>,
    bench: Arc<Bench>,
    ledger: Arc<FakeLedger>,
}

fn setup(rounds: &[Said], policy: ToolPolicy, budget_nano: u64) -> Setup {
    let provider = Arc::new(Scripted::new(rounds));
    let bench = Arc::new(Bench::new());
    let mut catalog = Catalog::new();
    catalog.add_model("m", Arc::clone(&provider) as _, "inner", 0, TARIFF).unwrap();
    let ledger = FakeLedger::new(Writes::AtOnce, budget_nano);
    let clock = Arc::new(FixedClock(Duration::from_secs(1_795_315_435)));
    let till = Till::new(ledger.clone(), clock, BudgetPolicy::default(), 1);
    let toolbox = Toolbox::new(Arc::clone(&bench) as _, policy);
    Setup { gateway: Gateway::new(catalog).paid_through(till).with_tools(toolbox), provider, bench, ledger }
}

fn easy(rounds: &[Said]) -> Setup {
    setup(rounds, ToolPolicy { output_bytes_max: 100, ..ToolPolicy::default() }, u64::MAX)
}

fn chat(options: &str) -> ChatRequest {
    let raw =
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}],"x_new":1.50,{options}}}"#);
    ChatRequest {
        request: Arc::new(serde_json::from_str(&raw).unwrap()),
        raw: raw.into(),
        request_id: "r-1".into(),
        principal: Arc::new(Principal::new("key_1", crate::Scopes::all())),
        observer: None,
        trace: None,
    }
}

/// What a caller was told, in one shape for both.
#[derive(Debug, PartialEq)]
struct Told {
    text: String,
    calls: Vec<String>,
    finish_reason: String,
    usage: Value,
}

async fn whole(setup: &Setup, options: &str) -> Result<Told, Error> {
    let answered = setup.gateway.complete(chat(options)).await?;
    let json: Value = serde_json::from_slice(&answered.completion.json).unwrap();
    assert_eq!(json["usage"]["total_tokens"], answered.charged.usage.total);
    let message = &json["choices"][0]["message"];
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    Ok(Told {
        text: message["content"].as_str().unwrap_or_default().to_owned(),
        calls: calls.map(|call| call["function"]["name"].as_str().unwrap().to_owned()).collect(),
        finish_reason: json["choices"][0]["finish_reason"].as_str().unwrap().to_owned(),
        usage: json["usage"].clone(),
    })
}

async fn streamed(setup: &Setup, options: &str) -> Result<Told, Error> {
    let options = format!(r#"{options},"stream":true,"stream_options":{{"include_usage":true}}"#);
    let mut streamed = setup.gateway.stream(chat(&options)).await?;
    let facts = streamed.events.facts();
    let mut told =
        Told { text: String::new(), calls: Vec::new(), finish_reason: String::new(), usage: Value::Null };
    let mut roles = 0;
    while let Some(event) = streamed.events.next().await {
        let event = event.inspect_err(|_| assert_eq!(facts.end(), StreamEnd::Failed))?;
        let chunk: Value = serde_json::from_slice(&event.json).unwrap();
        assert_eq!(chunk["id"], "chatcmpl-0", "one answer has one id");
        if let Some(usage) = chunk.get("usage") {
            told.usage = usage.clone();
        }
        let Some(choice) = chunk["choices"].get(0) else { continue };
        let delta = &choice["delta"];
        roles += u32::from(delta.get("role").is_some());
        told.text += delta["content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            told.calls.extend(call["function"]["name"].as_str().map(str::to_owned));
        }
        assert!(told.finish_reason.is_empty(), "nothing follows the end: {chunk}");
        told.finish_reason += choice["finish_reason"].as_str().unwrap_or_default();
    }
    assert_eq!((roles, facts.end()), (1, StreamEnd::Complete));
    assert_eq!(facts.usage().unwrap().total, told.usage["total_tokens"]);
    assert_eq!(facts.cost().unwrap().nano, spent(&setup.ledger).1);
    Ok(told)
}

/// Tokens and nano-dollars of all that was settled.
fn spent(ledger: &FakeLedger) -> (u64, u64) {
    let settled = ledger.settled.lock().unwrap();
    let settled = settled.iter().map(|(_, Settlement { usage, cost, .. })| (usage.total, cost.nano));
    settled.fold((0, 0), |(tokens, nano), (more, cost)| (tokens + more, nano + cost))
}

/// The messages behind the caller's own, as the model was last told them.
fn told_to_the_model(provider: &Scripted) -> Vec<Value> {
    let last: Value = serde_json::from_slice(&provider.calls.lock().unwrap().last().unwrap().raw).unwrap();
    assert_eq!(last["x_new"].to_string(), "1.5", "what nobody knows goes along");
    assert!(last["tools"].as_array().unwrap().iter().all(|tool| tool["type"] == "function"), "{last}");
    last["messages"].as_array().unwrap()[1..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_a_call_is_told_to_the_model_which_then_answers() {
    let cases: [(Calls<'_>, &[&str]); 11] = [
        (&[("add", r#"{"a":1,"b":2}"#)], &["3"]),
        (&[("add", r#"{"a":1,"b":2}"#), ("add", r#"{"a":3,"b":4}"#)], &["3", "7"]),
        (&[("add", r#"{"a":1}"#)], &["invalid_arguments: the arguments: missing properties 'b'"]),
        (&[("add", r#"{"a":1,"b":"x"}"#)], &["invalid_arguments: /b"]),
        (&[("add", "{\"a\":")], &["invalid_arguments: the arguments are not JSON"]),
        (&[("add", "[1,2]")], &["invalid_arguments: the arguments must be a JSON object"]),
        (&[("add", "")], &["invalid_arguments: the arguments: missing properties 'a'"]),
        (&[("divide", "{}")], &["unknown_tool: there is no tool called \"divide\""]),
        (&[("broken", "{}"), ("add", r#"{"a":1,"b":1}"#)], &["failed: as scripted", "2"]),
        (
            &[("slow", ""), ("add", r#"{"a":1,"b":1}"#)],
            &["timed_out: it did not answer within 10000 ms", "2"],
        ),
        (&[("big", "{}")], &["output_too_large: its output is larger than 100 bytes"]),
    ];
    for (calls, results) in cases {
        for is_streamed in [false, true] {
            let setup = easy(&[say("Wait. ").calling(calls), say("Done.")]);
            let told = match is_streamed {
                false => whole(&setup, TOOLS).await.unwrap(),
                true => streamed(&setup, TOOLS).await.unwrap(),
            };
            let text = if is_streamed { "Wait. Done." } else { "Done." };
            let usage = json!({"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26});
            let expected =
                Told { text: text.to_owned(), calls: Vec::new(), finish_reason: "stop".to_owned(), usage };
            assert_eq!(told, expected, "{calls:?}");
            assert_eq!(spent(&setup.ledger), (26, 20 * 1000 + 6 * 2000), "{calls:?}");
            let messages = told_to_the_model(&setup.provider);
            assert_eq!(messages.len(), 1 + calls.len());
            assert_eq!(messages[0]["content"], "Wait. ");
            for (at, expected) in results.iter().enumerate() {
                let message = &messages[1 + at];
                assert_eq!(message["tool_call_id"], messages[0]["tool_calls"][at]["id"]);
                let arguments = messages[0]["tool_calls"][at]["function"]["arguments"].as_str().unwrap();
                assert!(serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object()));
                let content = message["content"].as_str().unwrap();
                let result = match serde_json::from_str::<Value>(content).unwrap()["error"].as_object() {
                    None => content.to_owned(),
                    Some(error) => {
                        format!("{}: {}", error["type"].as_str().unwrap(), error["message"].as_str().unwrap())
                    }
                };
                assert!(result.starts_with(expected), "{calls:?}: {result}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_answer_run_together_and_no_more_than_allowed() {
    let calls = [("nap", "{}"); 6];
    for (parallel_max, seconds) in [(8, 1), (3, 2), (1, 6)] {
        let policy = ToolPolicy { parallel_max, ..ToolPolicy::default() };
        let setup = setup(&[say("").calling(&calls), say("Done.")], policy, u64::MAX);
        let started_at = Instant::now();
        whole(&setup, r#""tools":[{"type":"novai_tool","name":"nap"}]"#).await.unwrap();
        assert_eq!(started_at.elapsed().as_secs(), seconds, "{parallel_max} at a time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_with_a_call_of_the_callers_own_is_the_callers() {
    let sum: (&str, &str) = ("add", r#"{"a":1,"b":2}"#);
    let cases: [(Said, &[&str], &str); 4] = [
        (say("Hm.").calling(&[sum, ("mine", "{}")]), &["add", "mine"], "tool_calls"),
        (say("Hm.").calling(&[("mine", "{}"), sum]), &["mine", "add"], "tool_calls"),
        (say("Hm.").calling(&[("mine", "{}")]), &["mine"], "tool_calls"),
        (say("Hm.").calling(&[sum]).ending("length"), &["add"], "length"),
    ];
    for (said, calls, finish_reason) in cases {
        let setup = easy(&[say("First. ").calling(&[sum]), said]);
        let told = whole(&setup, TOOLS).await.unwrap();
        assert_eq!(
            (told.calls, &*told.finish_reason),
            (calls.iter().map(ToString::to_string).collect(), finish_reason)
        );
        assert_eq!(setup.bench.runs.lock().unwrap().len(), 1, "only the first round's");
        setup.provider.rewind();
        setup.ledger.settled.lock().unwrap().clear();
        let told = streamed(&setup, TOOLS).await.unwrap();
        assert_eq!(told.text, "First. Hm.");
        assert_eq!(
            (told.calls, &*told.finish_reason),
            (calls.iter().map(ToString::to_string).collect(), finish_reason)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_never_comes_to_an_end_is_stopped() {
    let again = say("").calling(&[("add", r#"{"a":1,"b":2}"#)]);
    let policy = ToolPolicy { rounds_max: 2, ..ToolPolicy::default() };
    for is_streamed in [false, true] {
        let setup = setup(&[again.clone(), again.clone(), again.clone(), again.clone()], policy, u64::MAX);
        let ended = if is_streamed { streamed(&setup, TOOLS).await } else { whole(&setup, TOOLS).await };
        assert!(matches!(ended, Err(Error::ToolRoundsExceeded { rounds_max: 2 })), "{ended:?}");
        assert_eq!(setup.provider.calls.lock().unwrap().len(), 3);
        assert_eq!((setup.bench.runs.lock().unwrap().len(), spent(&setup.ledger).0), (2, 39));
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_tools_were_run_says_so_and_what_was_spent_stays_spent() {
    let again = say("").calling(&[("add", r#"{"a":1,"b":2}"#)]);
    // The second round's request is longer than the first's, and so may cost more.
    for is_streamed in [false, true] {
        let probe = easy(&[again.clone(), say("Done.")]);
        let done = if is_streamed { streamed(&probe, TOOLS).await } else { whole(&probe, TOOLS).await };
        done.unwrap();
        let budget = probe.ledger.reserved.lock().unwrap()[0].reserved.nano;
        let setup = setup(&[again.clone(), again.clone()], ToolPolicy::default(), budget);
        let ended = if is_streamed { streamed(&setup, TOOLS).await } else { whole(&setup, TOOLS).await };
        let Err(Error::AfterTools { rounds: 1, source }) = ended else { panic!("{ended:?}") };
        assert!(matches!(*source, Error::BudgetExceeded { .. }), "{source}");
        assert_eq!(spent(&setup.ledger), (13, 10 * 1000 + 3 * 2000));

        let setup = easy(&[again.clone(), say("").failing()]);
        let ended = if is_streamed { streamed(&setup, TOOLS).await } else { whole(&setup, TOOLS).await };
        assert!(matches!(ended, Err(Error::AfterTools { rounds: 1, .. })), "{ended:?}");
        assert_eq!(spent(&setup.ledger).0, 13);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_cancels_the_tool_and_has_paid_for_the_round() {
    for is_streamed in [false, true] {
        let setup = easy(&[say("Wait. ").calling(&[("slow", "")]), say("Done.")]);
        let running =
            async { if is_streamed { streamed(&setup, TOOLS).await } else { whole(&setup, TOOLS).await } };
        assert!(tokio::time::timeout(Duration::from_secs(1), running).await.is_err());
        assert_eq!(*setup.bench.cancelled.lock().unwrap(), 1);
        assert_eq!(spent(&setup.ledger), (13, 10 * 1000 + 3 * 2000));
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_for_all_rounds_and_tools() {
    let again = say("").calling(&[("slow", "")]);
    for is_streamed in [false, true] {
        let setup = easy(&[again.clone(), again.clone(), say("Done.")]);
        let policy = RoutingPolicy { timeout: Duration::from_secs(15), ..RoutingPolicy::default() };
        let routing = Routing::new(policy, Random::new(0), Arc::new(NoRouteEvents));
        let setup = Setup { gateway: setup.gateway.routed_by(routing), ..setup };
        let started_at = Instant::now();
        let ended = if is_streamed { streamed(&setup, TOOLS).await } else { whole(&setup, TOOLS).await };
        let Err(Error::AfterTools { rounds: 2, source }) = ended else { panic!("{ended:?}") };
        assert!(matches!(*source, Error::ProviderTimeout { deadline: Deadline::Total, .. }), "{source}");
        assert_eq!((started_at.elapsed().as_secs(), *setup.bench.cancelled.lock().unwrap()), (15, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_had_to_call_a_tool_may_answer_afterwards() {
    for (choice, later) in [
        (r#""required""#, Value::Null),
        (r#"{"type":"function","function":{"name":"add"}}"#, Value::Null),
        (r#""auto""#, "auto".into()),
    ] {
        let setup = easy(&[say("").calling(&[("add", r#"{"a":1,"b":2}"#)]), say("Done.")]);
        whole(&setup, &format!(r#"{TOOLS},"tool_choice":{choice}"#)).await.unwrap();
        let calls = setup.provider.calls.lock().unwrap();
        let choices: Vec<Value> = calls
            .iter()
            .map(|call| serde_json::from_slice::<Value>(&call.raw).unwrap()["tool_choice"].clone())
            .collect();
        assert_eq!(choices, [serde_json::from_str::<Value>(choice).unwrap(), later], "{choice}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_run_is_refused_before_anybody_is_asked() {
    let nobody = r#""tools":[{"type":"novai_tool","name":"nobody"}]"#;
    let twice =
        r#""tools":[{"type":"function","function":{"name":"add"}},{"type":"novai_tool","name":"add"}]"#;
    let cases = [
        (
            nobody.to_owned(),
            "tools[0].name must be a registered tool, but is \"nobody\"; registered are: add",
        ),
        (twice.to_owned(), "tools[1] has the name \"add\", which an earlier tool has"),
        (format!("{TOOLS},\"n\":2"), "must be 1 with registered tools"),
    ];
    for (options, expected) in cases {
        let setup = easy(&[]);
        for refused in [whole(&setup, &options).await, streamed(&setup, &options).await] {
            let Err(Error::InvalidRequest { reason, .. }) = refused else { panic!("{refused:?}") };
            assert!(reason.contains(expected), "{reason}");
        }
        assert!(setup.provider.calls.lock().unwrap().is_empty());
    }
    let setup = easy(&[]);
    *setup.bench.is_complete.lock().unwrap() = false;
    let refused = whole(&setup, nobody).await;
    assert!(matches!(&refused, Err(Error::ToolsUnavailable { tool }) if tool == "nobody"), "{refused:?}");
    let without = Setup { gateway: Gateway::new(Catalog::new()), ..setup };
    assert!(without.gateway.complete(chat(TOOLS)).await.is_err());
}
