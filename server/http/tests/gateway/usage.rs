//! `GET /usage` over a ledger that knows what it is asked and answers as it is told.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use novai_core::money::{
    Budgets, Day, Ledger, LedgerError, Reservation, Reserving, Settlement, UsageGroup, UsagePage, UsageQuery,
    UsageRow, Usd,
};
use novai_core::{StreamFacts, TokenUsage};
use serde_json::{Value, json};

use crate::support::{Setup, request, send};

#[derive(Default)]
struct Books {
    asked: Mutex<Vec<UsageQuery>>,
    answers: Mutex<Vec<Result<UsagePage, LedgerError>>>,
}

impl Ledger for Books {
    fn reserve(&self, _: &Arc<Reservation>, _: &Budgets, _: Option<&Arc<StreamFacts>>) -> Reserving {
        Reserving::Done(Ok(()))
    }

    fn turn(&self, _: &Arc<Reservation>) {}

    fn settle(&self, _: &Arc<Reservation>, _: Settlement) {}

    fn usage(&self, query: UsageQuery) -> BoxFuture<'_, Result<UsagePage, LedgerError>> {
        self.asked.lock().unwrap().push(query);
        let answer = self.answers.lock().unwrap().pop().unwrap_or_else(|| Ok(UsagePage::default()));
        Box::pin(std::future::ready(answer))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn row(group: UsageGroup) -> UsageRow {
    let tokens = TokenUsage {
        prompt: 63,
        cached_prompt: 5,
        completion: 33,
        reasoning: 7,
        total: 96,
        ..Default::default()
    };
    UsageRow { group, requests: 3, tokens, cost: Usd::from_nano(52_000) }
}

#[tokio::test]
async fn rows_and_pages() {
    let books = Arc::new(Books::default());
    let gateway = Setup { ledger: Some(books.clone()), ..Setup::default() }.start().await;
    let get = async |query: &str| {
        send(gateway.address, &request("GET", &format!("/v1/usage{query}"), &[], "")).await
    };
    let numbers = |day: Value, model: Value, key_id: Value| {
        json!({
            "object": "usage", "day": day, "model": model, "key_id": key_id, "requests": 3, "prompt_tokens": 63,
            "cached_tokens": 5, "completion_tokens": 33, "reasoning_tokens": 7, "cost_usd": "0.000052",
        })
    };

    let day = Day::parse("2026-11-22").unwrap();
    let of_day = row(UsageGroup { day: Some(day), ..UsageGroup::default() });
    books.answers.lock().unwrap().push(Ok(UsagePage { rows: vec![of_day], has_more: true }));
    let first = get("?start_date=2026-11-01&end_date=2026-11-30&limit=1").await;
    assert_eq!(
        first.json(),
        json!({
            "object": "list", "has_more": true, "next_cursor": "2026-11-22",
            "data": [numbers(json!("2026-11-22"), Value::Null, Value::Null)],
        })
    );

    let of_key = row(UsageGroup { key_id: Some("key_1".into()), ..UsageGroup::default() });
    books.answers.lock().unwrap().push(Ok(UsagePage { rows: vec![of_key], has_more: false }));
    let last =
        get("?group_by=key&after=key_0&key_id=key_1&start_date=2026-11-01&end_date=2026-11-30").await.json();
    assert_eq!((&last["next_cursor"], &last["data"][0]["key_id"]), (&Value::Null, &json!("key_1")));

    let asked = std::mem::take(&mut *books.asked.lock().unwrap());
    assert_eq!(
        (asked[0].from.to_string(), asked[0].to.to_string()),
        ("2026-11-01".into(), "2026-11-30".into())
    );
    assert_eq!((asked[0].rows_max, asked[0].group_by.day, &asked[0].key_id), (1, true, &None));
    assert_eq!(
        (asked[1].rows_max, asked[1].group_by.key, asked[1].key_id.as_deref()),
        (100, true, Some("key_1"))
    );
    assert_eq!(asked[1].after.as_ref().unwrap().key_id.as_deref(), Some("key_0"));

    books.answers.lock().unwrap().push(Err(LedgerError::Unavailable("the disk is full".into())));
    let failed = get("").await;
    assert_eq!((failed.status, failed.code().as_str()), (503, "store_unavailable"));
    assert!(!failed.body.contains("disk"));
}

#[tokio::test]
async fn bad_questions_are_named() {
    let gateway = Setup::default().start().await;
    for (query, param, message) in [
        ("group_by=hour", "group_by", "must be one of `day`, `model`, `key`"),
        ("start_date=yesterday", "start_date", "must match"),
        ("start_date=2026-02-30", "start_date", "a day that there is"),
        ("start_date=2026-03-01&end_date=2026-02-01", "start_date", "must not be after end_date"),
        ("start_date=2020-01-01&end_date=2026-02-01", "start_date", "at most 366 days"),
        ("limit=0", "limit", "at least 1"),
        ("after=key_1", "after", "a day that there is"),
        ("key_id=", "key_id", "must not be empty"),
    ] {
        let answer = send(gateway.address, &request("GET", &format!("/v1/usage?{query}"), &[], "")).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, error["param"].as_str()), (400, Some(param)), "{query}: {error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{query}: {error}");
    }
}
