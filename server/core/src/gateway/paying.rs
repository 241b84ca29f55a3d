//! Every way a request can end, and what it costs then: exactly one settlement each (law C2).

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use novai_types::StreamOptions;

use super::*;
use crate::clock::FixedClock;
use crate::money::{BudgetPolicy, Outcome, Price, Settlement, Tariff, Usd};
use crate::provider::Provider;
use crate::testing::{FakeLedger, FakeProvider, Line, MayOverlap, Writes};

/// $1 per million in, $2 out: 1000 and 2000 nano-dollars per token.
const TARIFF: Tariff =
    Tariff { price: Price::text(1_000_000_000, 1_000_000_000, 2_000_000_000), output_tokens_max: Some(50) };
const ROOMY: u64 = u64::MAX;

struct Setup {
    gateway: Arc<Gateway>,
    provider: Arc<FakeProvider>,
    ledger: Arc<FakeLedger>,
}

fn setup(writes: Writes, budget_nano: u64, lines: &[Line]) -> Setup {
    let provider = FakeProvider::listing("fake", &[]);
    provider.script(lines);
    let mut catalog = Catalog::new();
    catalog.add_model("m", Arc::clone(&provider) as Arc<dyn Provider>, "inner-m", 0, TARIFF).unwrap();
    let ledger = FakeLedger::new(writes, budget_nano);
    let clock = Arc::new(FixedClock(Duration::from_secs(1_795_315_435)));
    let till = Till::new(ledger.clone(), clock, BudgetPolicy::default(), 1);
    Setup { gateway: Arc::new(Gateway::new(catalog).paid_through(till)), provider, ledger }
}

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
/// A quarter of the body's 71 bytes.
pub(super) const PROMPT_LIKELY: u64 = 18;

pub(super) fn chat() -> ChatRequest {
    ChatRequest {
        request: Arc::new(serde_json::from_str(BODY).unwrap()),
        raw: BODY.into(),
        request_id: "r-1".into(),
        principal: Arc::new(Principal::new("key_1", crate::Scopes::all())),
        observer: None,
        trace: None,
    }
}

/// Outcome, prompt tokens, completion tokens, nano-dollars of the only settlement.
#[track_caller]
fn only_settlement(ledger: &FakeLedger) -> (Outcome, u64, u64, u64) {
    let settled = ledger.settled.lock().unwrap();
    let [(id, Settlement { outcome, usage, cost, .. })] = settled[..] else { panic!("{settled:?}") };
    let reserved = ledger.reserved.lock().unwrap();
    assert_eq!(reserved.len(), 1);
    assert_eq!(reserved[0].id, id);
    assert!(cost <= reserved[0].reserved, "{cost} of {} reserved", reserved[0].reserved);
    (outcome, usage.prompt, usage.completion, cost.nano)
}

const TEXT: Line = Line::Event("{\"choices\":[{}]}");

#[tokio::test(start_paused = true)]
async fn streams_cost_what_they_came_to() {
    let counted = Line::Usage { prompt: 7, completion: 3 };
    let guessed = |events: u64| PROMPT_LIKELY * 1000 + events * 2000;
    let cases: [(&[Line], _); 6] = [
        (&[TEXT, TEXT, counted], (Outcome::Complete, 7, 3, 7 * 1000 + 3 * 2000)),
        (&[TEXT, TEXT], (Outcome::Complete, PROMPT_LIKELY, 2, guessed(2))),
        (&[TEXT, Line::Break], (Outcome::Broken, PROMPT_LIKELY, 1, guessed(1))),
        (&[TEXT, counted, Line::Break], (Outcome::Broken, 7, 3, 13_000)),
        (&[Line::Break], (Outcome::Released, 0, 0, 0)),
        (&[], (Outcome::Complete, PROMPT_LIKELY, 0, guessed(0))),
    ];
    for (lines, expected) in cases {
        let Setup { gateway, ledger, .. } = setup(Writes::AtOnce, ROOMY, lines);
        let streamed = gateway.stream(chat()).await.unwrap();
        let facts = streamed.events.facts();
        let _ = streamed.events.collect::<Vec<_>>().await;
        assert_eq!(only_settlement(&ledger), expected, "{lines:?}");
        let told = (expected.0 != Outcome::Released).then_some(Usd::from_nano(expected.3));
        assert_eq!(facts.cost(), told, "{lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_told_what_he_is_charged_for_whoever_counted() {
    let counted = Line::Usage { prompt: 7, completion: 3 };
    let estimate = format!(
        r#"{{"choices":[],"usage":{{"prompt_tokens":{PROMPT_LIKELY},"completion_tokens":2,"total_tokens":{},"estimated":true}}}}"#,
        PROMPT_LIKELY + 2
    );
    let cases: [(&[Line], bool, usize, &str); 4] = [
        (&[TEXT, TEXT], true, 3, &estimate),
        (&[TEXT, TEXT], false, 2, r#"{"choices":[{}]}"#),
        (&[TEXT, TEXT, counted], true, 3, "{}"),
        // There is nothing to tell of an answer without events.
        (&[], true, 0, ""),
    ];
    for (lines, is_asked_for, events, last) in cases {
        let Setup { gateway, ledger, .. } = setup(Writes::AtOnce, ROOMY, lines);
        let mut chat = chat();
        Arc::make_mut(&mut chat.request).stream_options =
            Some(StreamOptions { include_usage: Some(is_asked_for), ..StreamOptions::default() });
        let streamed = gateway.stream(chat).await.unwrap();
        let told: Vec<_> = streamed.events.map(|event| event.unwrap().json).collect().await;
        assert_eq!(told.len(), events, "{lines:?}");
        assert_eq!(told.last().map_or("", |json| std::str::from_utf8(json).unwrap()), last, "{lines:?}");
        assert_eq!(ledger.settled.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_at_any_event_pays_input_and_what_it_got() {
    for events in 0..=4 {
        let Setup { gateway, ledger, .. } = setup(Writes::AtOnce, ROOMY, &[TEXT, TEXT, TEXT, TEXT, TEXT]);
        let mut streamed = gateway.stream(chat()).await.unwrap();
        for _ in 0..events {
            streamed.events.next().await.unwrap().unwrap();
        }
        drop(streamed);
        let expected = (Outcome::ClientLeft, PROMPT_LIKELY, events, PROMPT_LIKELY * 1000 + events * 2000);
        assert_eq!(only_settlement(&ledger), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_paid_like_a_caller_who_leaves() {
    let Setup { gateway, ledger, .. } = setup(Writes::AtOnce, ROOMY, &[TEXT, Line::Panic]);
    let streamed = gateway.stream(chat()).await.unwrap();
    assert!(AssertUnwindSafe(streamed.events.collect::<Vec<_>>()).catch_unwind().await.is_err());
    assert_eq!(only_settlement(&ledger).0, Outcome::ClientLeft);
}

#[tokio::test(start_paused = true)]
async fn whole_answers() {
    let Setup { gateway, ledger, .. } = setup(Writes::AtOnce, ROOMY, &[]);
    let answered = gateway.complete(chat()).await.unwrap();
    assert!(answered.charged.is_estimate, "the fake does not count");
    let told: serde_json::Value = serde_json::from_slice(&answered.completion.json).unwrap();
    assert_eq!(told["usage"]["prompt_tokens"], PROMPT_LIKELY);
    assert_eq!(told["usage"]["estimated"], true);
    assert_eq!(answered.charged.cost, Usd::from_nano(PROMPT_LIKELY * 1000));
    assert_eq!(only_settlement(&ledger).0, Outcome::Complete);

    let Setup { gateway, ledger, provider } = setup(Writes::AtOnce, ROOMY, &[]);
    provider.fail(true);
    assert!(gateway.complete(chat()).await.is_err());
    assert_eq!(only_settlement(&ledger), (Outcome::Released, 0, 0, 0));

    let Setup { gateway, ledger, provider } = setup(Writes::AtOnce, ROOMY, &[]);
    provider.take_time(Duration::from_secs(60));
    let left = tokio::time::timeout(Duration::from_secs(1), gateway.complete(chat())).await;
    assert!(left.is_err());
    assert_eq!(only_settlement(&ledger).0, Outcome::ClientLeft, "the upstream has the prompt");
}

#[tokio::test(start_paused = true)]
async fn without_money_the_upstream_is_not_asked() {
    // Worst case: 71 bytes in, 50 tokens out.
    let worst_nano = 71 * 1000 + 50 * 2000;
    for (budget_nano, admitted) in [(worst_nano, true), (worst_nano - 1, false)] {
        let Setup { gateway, ledger, provider } = setup(Writes::AtOnce, budget_nano, &[]);
        match gateway.complete(chat()).await {
            Ok(_) => assert!(admitted),
            Err(Error::BudgetExceeded { exceeded, .. }) => {
                assert!(!admitted);
                assert_eq!(exceeded.asked.nano, worst_nano);
            }
            Err(other) => panic!("{other}"),
        }
        assert_eq!(provider.calls().len(), usize::from(admitted));
        assert_eq!(ledger.reserved.lock().unwrap().len(), usize::from(admitted));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_out_before_the_reservation_is_durable() {
    for overlap in [MayOverlap::Yes, MayOverlap::No] {
        let writes = Writes::After(Duration::from_millis(40), overlap);
        let Setup { gateway, provider, ledger } = setup(writes, ROOMY, &[TEXT]);
        provider.take_time(Duration::from_millis(30));
        let started = Instant::now();
        let answering = tokio::spawn({
            let gateway = Arc::clone(&gateway);
            async move { gateway.complete(chat()).await.map(|answered| answered.charged) }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(provider.calls().len(), usize::from(overlap == MayOverlap::Yes), "{overlap:?}");
        answering.await.unwrap().unwrap();
        let expected_ms = if overlap == MayOverlap::Yes { 40..43 } else { 70..73 };
        assert!(expected_ms.contains(&started.elapsed().as_millis()), "{overlap:?}: {:?}", started.elapsed());

        let started = Instant::now();
        let streamed = gateway.stream(chat()).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(40), "{overlap:?}: {:?}", started.elapsed());
        drop(streamed);
        assert_eq!(ledger.settled.lock().unwrap().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_write_lets_nobody_pass() {
    let Setup { gateway, ledger, .. } = setup(Writes::Never, ROOMY, &[TEXT]);
    assert!(matches!(gateway.complete(chat()).await, Err(Error::LedgerUnavailable { .. })));
    assert_eq!(only_settlement(&ledger), (Outcome::Released, 0, 0, 0));
    assert!(matches!(gateway.stream(chat()).await, Err(Error::LedgerUnavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_before_the_upstream_is_asked_pays_nothing() {
    let writes = Writes::After(Duration::from_secs(60), MayOverlap::No);
    let Setup { gateway, ledger, provider } = setup(writes, ROOMY, &[TEXT]);
    assert!(tokio::time::timeout(Duration::from_secs(1), gateway.stream(chat())).await.is_err());
    assert!(provider.calls().is_empty());
    assert_eq!(only_settlement(&ledger), (Outcome::Released, 0, 0, 0));
}
