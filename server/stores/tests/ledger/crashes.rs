//! Gateways that end without a word: nothing is lost, nothing is charged twice.

use std::sync::Arc;

use novai_core::money::{BudgetSpec, Budgets, Price, Reservation};

use crate::support::{Books, facts, kinds, reserve, settle, totals, usage};

#[tokio::test]
async fn what_was_under_way_is_charged_by_what_was_noted() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let cases = [
            // (events, counts) → (prompt, completion)
            (facts(0, None), (10, 0)),
            (facts(4, None), (10, 4)),
            (facts(4, Some(usage(21, 6))), (21, 6)),
        ];
        for (facts, _) in &cases {
            let reservation = Arc::new(books.reservation("key_1", 100));
            opened.ledger.reserve(&reservation, &Budgets::default(), Some(facts)).durable().await.unwrap();
        }
        opened.ledger.flush().await.unwrap();
        drop(opened);
        let again = books.open().await;
        assert_eq!((again.recovered.settled, again.recovered.orphans), (0, 3), "{kind:?}");
        let (prompt, completion) = cases.iter().fold((0, 0), |sum, (_, (p, c))| (sum.0 + p, sum.1 + c));
        let nano = prompt * 1000 + completion * 2000;
        assert_eq!(totals(&*again.ledger).await, (3, prompt, completion, nano), "{kind:?}");
        drop(again);
        let once_more = books.open().await;
        assert_eq!(once_more.recovered.orphans, 0, "{kind:?}");
        assert_eq!(totals(&*once_more.ledger).await, (3, prompt, completion, nano), "{kind:?}");
    }
}

#[tokio::test]
async fn what_another_target_served_is_charged_at_its_price() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let reserved = Arc::new(books.reservation("key_1", 100));
        let facts = facts(4, None);
        let reserving = opened.ledger.reserve(&reserved, &Budgets::default(), Some(&facts));
        reserving.durable().await.unwrap();
        opened.ledger.flush().await.unwrap();
        let dearer = Price::text(3_000_000_000, 3_000_000_000, 6_000_000_000);
        let turned = Reservation { provider: "q".into(), price: dearer, ..Reservation::clone(&reserved) };
        opened.ledger.turn(&Arc::new(turned));
        // Of nothing that is open.
        opened.ledger.turn(&Arc::new(books.reservation("key_1", 100)));
        opened.ledger.flush().await.unwrap();
        drop(opened);
        let again = books.open().await;
        assert_eq!((again.recovered.settled, again.recovered.orphans), (0, 1), "{kind:?}");
        assert_eq!(totals(&*again.ledger).await, (1, 10, 4, 10 * 3000 + 4 * 6000), "{kind:?}");
    }
}

#[tokio::test]
async fn an_orphan_counts_against_its_budget() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let budgets = Budgets {
            key: BudgetSpec { day_nano_usd: Some(100_000), month_nano_usd: None },
            ..Budgets::default()
        };
        let opened = books.open().await;
        // Likely input 10 tokens: 10,000.
        let orphan = Arc::new(books.reservation("key_1", 50));
        reserve(&*opened.ledger, &orphan, &budgets).await.unwrap();
        drop(opened);
        let again = books.open().await;
        let rest = Arc::new(books.reservation("key_1", 45));
        reserve(&*again.ledger, &rest, &budgets).await.expect("only what was known is charged");
        let more = Arc::new(books.reservation("key_1", 1));
        assert!(reserve(&*again.ledger, &more, &budgets).await.is_err(), "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_settled_is_there_at_once_and_stays() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        for round in 1..=5 {
            let opened = books.open().await;
            for _ in 0..50 {
                let reservation = Arc::new(books.reservation("key_1", 100));
                reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
                settle(&*opened.ledger, &reservation, usage(1, 1));
            }
            drop(opened);
            let again = books.open().await;
            assert_eq!(totals(&*again.ledger).await.0, 50 * round, "{kind:?}");
        }
    }
}
