//! Reserved + settled ≤ budget, whoever asks at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use novai_core::money::{BudgetPeriod, BudgetScope, BudgetSpec, Budgets, Refusal, Settlement};

use crate::support::{Books, TODAY, day, kinds, nano, reserve, settle, usage};

fn daily(nano_usd: u64) -> BudgetSpec {
    BudgetSpec { day_nano_usd: Some(nano_usd), month_nano_usd: None }
}

#[tokio::test]
async fn every_budget_binds_and_the_refusal_names_it() {
    let monthly = BudgetSpec { day_nano_usd: None, month_nano_usd: Some(20_000) };
    let none = BudgetSpec::default();
    for kind in kinds() {
        for (budgets, scope, period) in [
            (Budgets { key: daily(20_000), tenant: none, global: none }, BudgetScope::Key, BudgetPeriod::Day),
            (Budgets { key: monthly, tenant: none, global: none }, BudgetScope::Key, BudgetPeriod::Month),
            (
                Budgets { key: none, tenant: daily(20_000), global: none },
                BudgetScope::Tenant,
                BudgetPeriod::Day,
            ),
            (Budgets { key: none, tenant: none, global: monthly }, BudgetScope::Global, BudgetPeriod::Month),
        ] {
            let books = Books::new(kind).await;
            let opened = books.open().await;
            let make = |tokens| {
                let mut reservation = books.reservation("key_1", tokens);
                reservation.tenant = Some("acme".into());
                Arc::new(reservation)
            };
            let first = make(6);
            reserve(&*opened.ledger, &first, &budgets).await.unwrap();
            let refused = reserve(&*opened.ledger, &make(5), &budgets).await.unwrap_err();
            let Refusal::Budget { scope: refused_by, exceeded } = refused else { panic!("{refused:?}") };
            assert_eq!((refused_by, exceeded.period), (scope, period), "{kind:?}");
            assert_eq!((exceeded.reserved, exceeded.settled), (nano(12_000), nano(0)));
            assert_eq!((exceeded.asked, exceeded.budget), (nano(10_000), nano(20_000)));
            let resets_on = match period {
                BudgetPeriod::Day => day(TODAY).next(),
                BudgetPeriod::Month => day("2026-12-01"),
            };
            assert_eq!(exceeded.resets_at_s, resets_on.unix_s());

            // It turns out cheaper than feared: the rest is free again.
            settle(&*opened.ledger, &first, usage(0, 5));
            reserve(&*opened.ledger, &make(5), &budgets).await.unwrap();
            assert!(reserve(&*opened.ledger, &make(1), &budgets).await.is_err(), "{kind:?}: it is used up");
            reserve(&*opened.ledger, &make(0), &budgets).await.expect("what is free is always allowed");
        }
    }
}

#[tokio::test]
async fn a_refusal_takes_nothing_from_anybody() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let opened = books.open().await;
        let wide = Budgets { key: daily(100_000), global: daily(1000), ..Budgets::default() };
        for _ in 0..5 {
            let refused = Arc::new(books.reservation("key_1", 50));
            assert!(reserve(&*opened.ledger, &refused, &wide).await.is_err());
            // As a careless caller would; it must not give money that was never taken.
            opened.ledger.settle(&refused, Settlement::released(&refused, 0));
        }
        let whole = Arc::new(books.reservation("key_1", 50));
        let key_only = Budgets { key: daily(100_000), ..Budgets::default() };
        reserve(&*opened.ledger, &whole, &key_only).await.expect("the key's budget is untouched");
        let more = Arc::new(books.reservation("key_1", 1));
        assert!(reserve(&*opened.ledger, &more, &key_only).await.is_err(), "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_spent_is_remembered() {
    for kind in kinds() {
        let books = Books::new(kind).await;
        let budgets = Budgets { key: daily(20_000), ..Budgets::default() };
        let opened = books.open().await;
        let spent = Arc::new(books.reservation("key_1", 8));
        // Before the key had any budget.
        reserve(&*opened.ledger, &spent, &Budgets::default()).await.unwrap();
        settle(&*opened.ledger, &spent, usage(0, 8));
        opened.ledger.flush().await.unwrap();
        let too_much = Arc::new(books.reservation("key_1", 3));
        assert!(reserve(&*opened.ledger, &too_much, &budgets).await.is_err(), "{kind:?}");
        drop(opened);
        let again = books.open().await;
        let too_much = Arc::new(books.reservation("key_1", 3));
        assert!(reserve(&*again.ledger, &too_much, &budgets).await.is_err(), "{kind:?}: after a restart");
        let rest = Arc::new(books.reservation("key_1", 2));
        reserve(&*again.ledger, &rest, &budgets).await.unwrap();
        let others = Arc::new(books.reservation("key_2", 10));
        reserve(&*again.ledger, &others, &budgets).await.expect("another key's own budget");
    }
}

/// Two gateways where the database allows it; many callers each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_at_once_never_take_more_than_there_is() {
    for kind in kinds() {
        let books = Arc::new(Books::new(kind).await);
        let opened = Arc::new(books.open().await);
        let admitted = Arc::new(AtomicU64::new(0));
        // 25 reservations of 10 tokens fit; half of each is given back, which lets more in.
        let budgets = Budgets { key: daily(500_000), ..Budgets::default() };
        let mut tasks = Vec::new();
        for _ in 0..16 {
            let (books, opened, admitted) = (Arc::clone(&books), Arc::clone(&opened), Arc::clone(&admitted));
            tasks.push(tokio::spawn(async move {
                for _ in 0..20 {
                    let reservation = Arc::new(books.reservation("key_1", 10));
                    if reserve(&*opened.ledger, &reservation, &budgets).await.is_ok() {
                        admitted.fetch_add(1, Relaxed);
                        settle(&*opened.ledger, &reservation, usage(0, 5));
                    }
                    tokio::task::yield_now().await;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let (requests, _, completion, spent) = crate::support::totals(&*opened.ledger).await;
        assert_eq!(requests, admitted.load(Relaxed), "{kind:?}");
        assert_eq!(spent, completion * 2000);
        assert!(spent <= 500_000, "{kind:?}: spent {spent}");
        // One more of the full size would not fit.
        assert!(spent + 20_000 > 500_000, "{kind:?}: refused too early at {spent}");
    }
}
