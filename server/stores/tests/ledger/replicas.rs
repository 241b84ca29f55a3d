//! Several gateways on one PostgreSQL: one budget, one set of books.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use novai_core::money::{BudgetSpec, Budgets, Refusal, Settlement};

use crate::support::{Books, Kind, reserve, settle, totals, usage};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_share_a_budget_to_the_last_cent() {
    if crate::server::server().is_none() {
        return;
    }
    let books = Arc::new(Books::new(Kind::Postgres).await);
    let budgets = Budgets {
        key: BudgetSpec { day_nano_usd: Some(500_000), month_nano_usd: None },
        tenant: BudgetSpec::default(),
        global: BudgetSpec { day_nano_usd: None, month_nano_usd: Some(900_000) },
    };
    let mut gateways = Vec::new();
    for _ in 0..3 {
        gateways.push(Arc::new(books.open_another().await));
    }
    let mut tasks = Vec::new();
    for task in 0..24 {
        let (books, gateway) = (Arc::clone(&books), Arc::clone(&gateways[task % 3]));
        tasks.push(tokio::spawn(async move {
            let key = format!("key_{}", task % 2);
            for round in 0..15 {
                let reservation = Arc::new(books.reservation(&key, 10));
                if reserve(&*gateway.ledger, &reservation, &budgets).await.is_ok() {
                    match round % 3 {
                        0 => gateway.ledger.settle(&reservation, Settlement::released(&reservation, 0)),
                        _ => drop(settle(&*gateway.ledger, &reservation, usage(0, 5))),
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for gateway in &gateways {
        gateway.ledger.flush().await.unwrap();
    }
    let (_, _, completion, spent) = totals(&*gateways[0].ledger).await;
    assert_eq!(spent, completion * 2000);
    assert!(spent <= 900_000, "the global budget: {spent}");
    // Nothing stays reserved: what is left can be had, to less than one reservation.
    let mut spent = spent;
    for key in ["key_0", "key_1"] {
        loop {
            let reservation = Arc::new(books.reservation(key, 1));
            if reserve(&*gateways[1].ledger, &reservation, &budgets).await.is_err() {
                break;
            }
            settle(&*gateways[1].ledger, &reservation, usage(0, 1));
            spent += 2000;
        }
    }
    assert_eq!(totals(&*gateways[2].ledger).await.3, spent);
    assert_eq!(spent, 900_000, "spent to the last cent");
}

#[tokio::test]
async fn a_live_gateways_requests_are_left_alone() {
    if crate::server::server().is_none() {
        return;
    }
    let books = Books::new(Kind::Postgres).await;
    let one = books.open_another().await;
    let reservation = Arc::new(books.reservation("key_1", 10));
    reserve(&*one.ledger, &reservation, &Budgets::default()).await.unwrap();
    let other = books.open_another().await;
    assert_eq!(other.recovered.orphans, 0);
    settle(&*one.ledger, &reservation, usage(1, 2));
    one.ledger.flush().await.unwrap();
    assert_eq!(totals(&*other.ledger).await, (1, 1, 2, 5000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_restarts_under_load_loses_nothing() {
    let Some(mut server) = crate::server::Server::own() else { return };
    let books = Arc::new(Books::in_postgres(server.database().await));
    let gateway = Arc::new(books.open_another().await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (books, gateway, stop) = (Arc::clone(&books), Arc::clone(&gateway), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let (mut settled, mut refused) = (0, 0);
            while !stop.load(SeqCst) {
                let reservation = Arc::new(books.reservation("key_1", 10));
                match reserve(&*gateway.ledger, &reservation, &Budgets::default()).await {
                    Ok(()) => {
                        settle(&*gateway.ledger, &reservation, usage(1, 2));
                        settled += 1;
                    }
                    Err(refusal) => {
                        assert!(matches!(refusal, Refusal::Unavailable(_)), "{refusal}");
                        // As the gateway does: it may have been written after all.
                        gateway.ledger.settle(&reservation, Settlement::released(&reservation, 0));
                        refused += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
            (settled, refused)
        }));
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.stop();
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.start_again();
        server.is_up().await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stop.store(true, SeqCst);
    let (mut settled, mut refused) = (0, 0);
    for task in tasks {
        let (more_settled, more_refused) = task.await.unwrap();
        settled += more_settled;
        refused += more_refused;
    }
    gateway.ledger.flush().await.expect("it is back");
    assert!(settled > 0 && refused > 0, "{settled} settled, {refused} refused");
    assert_eq!(totals(&*gateway.ledger).await, (settled, settled, 2 * settled, 5000 * settled));
    // Nothing stays open.
    drop(gateway);
    assert_eq!(books.open().await.recovered.orphans, 0);
}
