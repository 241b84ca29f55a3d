//! Requests that more than one target could serve: what the caller sees, and what it costs.

use std::time::Duration;

use futures_util::StreamExt;

use super::paying::{PROMPT_LIKELY, chat};
use super::*;
use crate::catalog::{ModelCard, TargetSpec};
use crate::clock::FixedClock;
use crate::money::{BudgetPolicy, Outcome, Price, Tariff};
use crate::routing::RoutingPolicy;
use crate::testing::{FakeLedger, FakeProvider, Line, Writes};

/// $1 and $2 per million tokens, and $3 and $6.
const CHEAP: Price = Price::text(1_000_000_000, 1_000_000_000, 2_000_000_000);
const DEAR: Price = Price::text(3_000_000_000, 3_000_000_000, 6_000_000_000);

struct Setup {
    gateway: Gateway,
    first: Arc<FakeProvider>,
    second: Arc<FakeProvider>,
    ledger: Arc<FakeLedger>,
}

fn setup(first_price: Price, second_price: Price) -> Setup {
    let (first, second) = (FakeProvider::listing("first", &[]), FakeProvider::listing("second", &[]));
    let target = |provider: &Arc<FakeProvider>, price, output_tokens_max| TargetSpec {
        provider: Arc::clone(provider) as _,
        upstream_model: "inner".into(),
        tariff: Tariff { price, output_tokens_max: Some(output_tokens_max) },
        weight: None,
    };
    let mut catalog = Catalog::new();
    let targets = vec![target(&first, first_price, 50), target(&second, second_price, 40)];
    catalog.add_route("m", 0, targets, ModelCard::default()).unwrap();
    let ledger = FakeLedger::new(Writes::AtOnce, u64::MAX);
    let clock = Arc::new(FixedClock(Duration::from_secs(1_795_315_435)));
    let till = Till::new(ledger.clone(), clock, BudgetPolicy::default(), 1);
    Setup { gateway: Gateway::new(catalog).paid_through(till), first, second, ledger }
}

const TEXT: Line = Line::Event("{\"choices\":[{}]}");

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_before_its_first_event_is_anothers() {
    let failing: [&[Line]; 2] = [&[Line::Break], &[Line::Wait(Duration::from_secs(3)), Line::Break]];
    for lines in failing {
        let Setup { gateway, first, second, .. } = setup(CHEAP, CHEAP);
        first.script(lines);
        second.script(&[TEXT, TEXT]);
        let streamed = gateway.stream(chat()).await.unwrap();
        assert_eq!(&*streamed.target.provider_name, "second");
        assert_eq!(streamed.events.filter(|event| std::future::ready(event.is_ok())).count().await, 2);
        assert_eq!((first.calls().len(), second.calls().len()), (1, 1));
        assert_eq!(first.calls()[0].deadline, second.calls()[0].deadline, "one deadline for all attempts");
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_first_event_a_failure_is_the_callers() {
    let Setup { gateway, first, second, .. } = setup(CHEAP, CHEAP);
    first.script(&[TEXT, Line::Break]);
    second.script(&[TEXT]);
    let streamed = gateway.stream(chat()).await.unwrap();
    assert_eq!(&*streamed.target.provider_name, "first");
    let events: Vec<_> = streamed.events.collect().await;
    assert!(matches!(events[..], [Ok(_), Err(Error::StreamBroken { .. })]));
    assert!(second.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_empty_stream_is_an_answer() {
    let Setup { gateway, second, .. } = setup(CHEAP, CHEAP);
    let streamed = gateway.stream(chat()).await.unwrap();
    assert_eq!(streamed.events.count().await, 0);
    assert!(second.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_dearest_is_reserved_and_the_one_that_served_is_paid() {
    for (prices, fails, prompt_nano) in
        [([CHEAP, DEAR], true, 3000), ([DEAR, CHEAP], true, 1000), ([CHEAP, DEAR], false, 1000)]
    {
        let Setup { gateway, first, ledger, .. } = setup(prices[0], prices[1]);
        first.fail(fails);
        let answered = gateway.complete(chat()).await.unwrap();
        assert_eq!(answered.charged.cost.nano, PROMPT_LIKELY * prompt_nano);
        assert_eq!(&*answered.target.provider_name, if fails { "second" } else { "first" });
        let reserved = ledger.reserved.lock().unwrap();
        assert_eq!(reserved[0].reserved.nano, 71 * 3000 + 50 * 6000, "the dearest price, the longest answer");
        let turned = ledger.turned.lock().unwrap();
        assert_eq!(turned.len(), usize::from(fails));
        for turned in turned.iter() {
            assert_eq!((turned.id, &*turned.provider), (reserved[0].id, "second"));
            assert_eq!((turned.price, turned.reserved), (prices[1], reserved[0].reserved));
        }
        assert_eq!(ledger.settled.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_a_fallback_pays_its_price_and_nobody_pays_for_failures() {
    let Setup { gateway, first, second, ledger } = setup(CHEAP, DEAR);
    first.fail(true);
    second.script(&[TEXT, TEXT]);
    let mut streamed = gateway.stream(chat()).await.unwrap();
    streamed.events.next().await.unwrap().unwrap();
    drop(streamed);
    let cost = ledger.settled.lock().unwrap()[0].1.cost.nano;
    assert_eq!(cost, PROMPT_LIKELY * 3000 + 6000);

    second.fail(true);
    assert!(gateway.stream(chat()).await.is_err());
    assert!(gateway.complete(chat()).await.is_err());
    let settled = ledger.settled.lock().unwrap();
    let outcomes: Vec<_> = settled[1..].iter().map(|(_, settlement)| settlement.outcome).collect();
    assert_eq!(outcomes, [Outcome::Released; 2]);
}

#[tokio::test(start_paused = true)]
async fn what_breaks_in_mid_stream_counts_against_its_target() {
    let Setup { gateway, first, second, .. } = setup(CHEAP, CHEAP);
    first.script(&[TEXT, Line::Break]);
    second.script(&[TEXT]);
    for _ in 0..RoutingPolicy::default().breaker.failures_max {
        let streamed = gateway.stream(chat()).await.unwrap();
        let _ = streamed.events.collect::<Vec<_>>().await;
    }
    assert_eq!(&*gateway.stream(chat()).await.unwrap().target.provider_name, "second");
}
