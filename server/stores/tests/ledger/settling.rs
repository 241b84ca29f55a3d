//! A reservation ends once, whoever ends it how often.

use std::sync::Arc;

use novai_core::money::{Budgets, Outcome, Progress, Settlement};

use crate::support::{Books, kinds, reserve, settle, totals, usage};

#[tokio::test]
async fn a_settlement_is_written_once() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let reservation = Arc::new(books.reservation("key_1", 100));
        reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
        assert_eq!(totals(&*opened.ledger).await, (0, 0, 0, 0), "{kind:?}: nothing is settled");
        for completion in [7, 99] {
            settle(&*opened.ledger, &reservation, usage(5, completion));
        }
        assert_eq!(totals(&*opened.ledger).await, (1, 5, 7, 5 * 1000 + 7 * 2000), "{kind:?}");
        drop(opened);
        let again = books.open().await;
        assert_eq!((again.recovered.settled, again.recovered.orphans), (0, 0), "{kind:?}");
        settle(&*again.ledger, &reservation, usage(5, 7));
        assert_eq!(totals(&*again.ledger).await, (1, 5, 7, 19_000), "{kind:?}: nor by another process");
    }
}

#[tokio::test]
async fn what_is_released_costs_nothing_and_is_no_request() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let reservation = Arc::new(books.reservation("key_1", 100));
        reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
        opened.ledger.settle(&reservation, Settlement::released(&reservation, 0));
        assert_eq!(totals(&*opened.ledger).await, (0, 0, 0, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn without_counts_the_likely_input_and_a_token_per_event_are_charged() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let reservation = Arc::new(books.reservation("key_1", 100));
        reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
        let progress = Progress { tokens_likely: 3, usage: None };
        let settlement = Settlement::of(&reservation, Outcome::ClientLeft, progress, 0);
        assert!(settlement.is_estimate);
        opened.ledger.settle(&reservation, settlement);
        assert_eq!(totals(&*opened.ledger).await, (1, 10, 3, 10 * 1000 + 3 * 2000), "{kind:?}");
    }
}

#[tokio::test]
async fn settling_what_was_never_reserved_changes_nothing() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let reservation = Arc::new(books.reservation("key_1", 100));
        settle(&*opened.ledger, &reservation, usage(5, 7));
        assert_eq!(totals(&*opened.ledger).await, (0, 0, 0, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn many_at_once() {
    for kind in kinds() {
        let books = Arc::new(Books::new(kind).await);
        let opened = Arc::new(books.open().await);
        let mut tasks = Vec::new();
        for task in 0..8 {
            let (books, opened) = (Arc::clone(&books), Arc::clone(&opened));
            tasks.push(tokio::spawn(async move {
                for _ in 0..500 {
                    let reservation = Arc::new(books.reservation(&format!("key_{task}"), 100));
                    reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
                    settle(&*opened.ledger, &reservation, usage(1, 2));
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(totals(&*opened.ledger).await, (4000, 4000, 8000, 4000 * 5000), "{kind:?}");
    }
}
