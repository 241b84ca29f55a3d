//! Limits as callers meet them: headers on every answer, refusals that say how long to wait, and time that only the test
//! moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use novai_core::limits::{LimitPolicy, LimitSpec, Limits, MemoryStore, OnStoreFailure, Rule, SteadyClock};

use crate::support::client::{Answer, chat, chat_to};
use crate::support::{Running, Setup, request, send};

#[derive(Default)]
struct Manual(AtomicU64);

impl Manual {
    fn pass_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1000, SeqCst);
    }
}

impl SteadyClock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

async fn start(spec: LimitSpec) -> (Running, Arc<Manual>) {
    let clock = Arc::new(Manual::default());
    let key_default = Rule { spec, on_store_failure: OnStoreFailure::Closed };
    let policy = LimitPolicy { key_default, ..LimitPolicy::default() };
    let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn SteadyClock>, 1000);
    let limits = Limits::new(policy, Arc::new(store), Arc::new(()));
    (Setup { rate_limits: Some(limits), ..Setup::default() }.start().await, clock)
}

/// The headers about limits and waiting, sorted, one per line.
fn limit_headers(answer: &Answer) -> String {
    let mut lines: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name.contains("ratelimit") || name.contains("retry"))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    lines.sort();
    lines.join("\n")
}

const RPM_3: LimitSpec = LimitSpec { rpm: Some(3), tpm: None, concurrent: None };

#[tokio::test]
async fn three_calls_a_minute_count_down_and_the_fourth_waits_as_told() {
    let (gateway, clock) = start(RPM_3).await;
    for (remaining, reset) in [(2, "1m0s"), (1, "1m0s"), (0, "1m0s")] {
        let answer = send(gateway.address, &chat_to("plain", false)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit-rpm"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining-rpm"), Some(remaining.to_string().as_str()));
        assert_eq!(answer.header("x-ratelimit-reset-requests"), Some(reset));
        clock.pass_ms(1500);
    }
    let refused = send(gateway.address, &chat_to("plain", false)).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    let expected = "limit of requests per minute reached for key key_1: limit 3, used 3, requested 1; try again in 55500 ms";
    assert_eq!(message, expected);
    assert_eq!(
        limit_headers(&refused),
        "ratelimit-policy: \"rpm\";q=3;w=60\n\
         ratelimit: \"rpm\";r=0;t=56\n\
         retry-after-ms: 55500\n\
         retry-after: 56\n\
         x-ratelimit-limit-requests: 3\n\
         x-ratelimit-limit-rpm: 3\n\
         x-ratelimit-remaining-requests: 0\n\
         x-ratelimit-remaining-rpm: 0\n\
         x-ratelimit-reset-requests: 58.5s"
    );
    clock.pass_ms(55_499);
    assert_eq!(send(gateway.address, &chat_to("plain", false)).await.status, 429, "a millisecond early");
    clock.pass_ms(1);
    assert_eq!(send(gateway.address, &chat_to("plain", false)).await.status, 200);
}

/// What is no call of a model takes nothing, and tells how things stand; so does every error, but to strangers.
#[tokio::test]
async fn every_answer_to_a_known_caller_tells_its_limits() {
    let (gateway, _) = start(RPM_3).await;
    let broken = chat(r#"{"model":"plain"}"#);
    for (bytes, status, remaining) in [
        (request("GET", "/v1/models", &[], ""), 200, Some("3")),
        (chat_to("plain", false), 200, Some("2")),
        (chat_to("plain", true), 200, Some("1")),
        (broken, 400, Some("1")),
        (chat_to("nope", false), 404, Some("1")),
        // It was asked of the provider, so it counts.
        (chat_to("down", false), 502, Some("0")),
        (chat_to("plain", true), 429, Some("0")),
        (request("GET", "/v1/models/plain", &[], ""), 200, Some("0")),
        (request("GET", "/v1/models", &["Authorization: Bearer wrong"], ""), 401, None),
        (request("GET", "/health", &[], ""), 200, None),
    ] {
        let answer = send(gateway.address, &bytes).await;
        let line = String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned();
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-remaining-rpm")),
            (status, remaining),
            "{line}"
        );
    }
    let lines = gateway.stop().await;
    let remaining = |at: usize| lines[at]["requests_remaining"].as_u64();
    assert_eq!((remaining(1), remaining(6), remaining(8)), (Some(2), Some(0), None));
}

/// Reserved by bytes and the longest answer, corrected by what the provider counted: 9 tokens.
#[tokio::test]
async fn tokens_are_reserved_and_what_was_too_much_comes_back() {
    let (gateway, clock) = start(LimitSpec { tpm: Some(300), ..LimitSpec::NONE }).await;
    let ask = |model: &str, tokens: u64| {
        chat(&format!(
            r#"{{"model":"{model}","messages":[{{"role":"user","content":"hi"}}],"max_tokens":{tokens}}}"#
        ))
    };
    let answer = send(gateway.address, &ask("plain", 100)).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-remaining-tpm")), (200, Some("291")));
    assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("291"));
    // The provider's own limit of requests is passed on: the gateway has none.
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("59"));
    assert_eq!(answer.header("x-ratelimit-remaining-rpm"), None);

    let answer = send(gateway.address, &ask("down", 100)).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-remaining-tpm")), (502, Some("291")));

    let refused = send(gateway.address, &ask("plain", 220)).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limit_exceeded"));
    assert_eq!(refused.header("retry-after-ms"), Some("60000"));
    clock.pass_ms(60_000);
    assert_eq!(send(gateway.address, &ask("plain", 220)).await.status, 200);

    let never = send(gateway.address, &ask("plain", 5000)).await;
    assert_eq!((never.status, never.code().as_str()), (429, "larger_than_limit"));
    assert_eq!((never.header("retry-after"), never.header("x-should-retry")), (None, Some("false")));
}

#[tokio::test]
async fn a_stream_holds_its_slot_until_it_ends_or_its_client_leaves() {
    let (mut gateway, _) = start(LimitSpec { concurrent: Some(1), ..LimitSpec::NONE }).await;
    let mut socket = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, &chat_to("endless", true)).await.unwrap();
    crate::support::client::read_until(&mut socket, "data: ").await;
    let refused = send(gateway.address, &chat_to("plain", false)).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert!(refused.body.contains("limit of requests at the same time reached"), "{}", refused.body);

    gateway.noted(crate::support::provider::Note::Called).await;
    drop(socket);
    gateway.noted(crate::support::provider::Note::Cancelled).await;
    assert_eq!(send(gateway.address, &chat_to("plain", false)).await.status, 200);
}
