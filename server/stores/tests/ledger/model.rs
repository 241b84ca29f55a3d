//! Any sequence of reserving, settling and dying, against a model in a few lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use novai_core::money::{BudgetSpec, Budgets, Reservation, Settlement};
use proptest::prelude::*;

use crate::support::{Books, Kind, kinds, reserve, settle, totals, usage};

#[derive(Debug, Clone)]
enum Step {
    Reserve(u64),
    /// Which of the open ones, and how many percent of what was reserved.
    Settle(usize, u64),
    Release(usize),
    /// Dies and is started again.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..50_u64).prop_map(Step::Reserve),
        5 => (0..8_usize, 0..=100_u64).prop_map(|(index, percent)| Step::Settle(index, percent)),
        1 => (0..8_usize).prop_map(Step::Release),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..40)
}

const BUDGET_NANO: u64 = 400_000;

async fn check(kind: Kind, steps: &[Step]) {
    let books = Books::new(kind).await;
    let budgets = Budgets {
        key: BudgetSpec { day_nano_usd: Some(BUDGET_NANO), month_nano_usd: None },
        ..Budgets::default()
    };
    let mut opened = books.open().await;
    let mut open: BTreeMap<u128, Arc<Reservation>> = BTreeMap::new();
    let (mut requests, mut spent) = (0, 0);
    let pick = |open: &BTreeMap<u128, Arc<Reservation>>, index: usize| {
        open.values().nth(index % open.len().max(1)).cloned()
    };
    for step in steps {
        match step {
            Step::Reserve(tokens) => {
                let reservation = Arc::new(books.reservation("key_1", *tokens));
                let reserved: u64 = open.values().map(|open| open.reserved.nano).sum();
                let nano = reservation.reserved.nano;
                let fits = nano == 0 || spent + reserved + nano <= BUDGET_NANO;
                let admitted = reserve(&*opened.ledger, &reservation, &budgets).await;
                assert_eq!(
                    admitted.is_ok(),
                    fits,
                    "{kind:?}: spent {spent}, reserved {reserved}: {admitted:?}"
                );
                if fits {
                    open.insert(reservation.id.0, reservation);
                }
            }
            Step::Settle(index, percent) => {
                let Some(reservation) = pick(&open, *index) else { continue };
                let tokens = reservation.reserved.nano / 2000 * percent / 100;
                settle(&*opened.ledger, &reservation, usage(0, tokens));
                open.remove(&reservation.id.0);
                requests += 1;
                spent += tokens * 2000;
            }
            Step::Release(index) => {
                let Some(reservation) = pick(&open, *index) else { continue };
                opened.ledger.settle(&reservation, Settlement::released(&reservation, 0));
                open.remove(&reservation.id.0);
            }
            Step::Restart => {
                if kind == Kind::Postgres {
                    // What is still on its way to the server is charged as an orphan.
                    opened.ledger.flush().await.unwrap();
                }
                drop(opened);
                opened = books.open().await;
                assert_eq!(opened.recovered.orphans, open.len(), "{kind:?}");
                requests += open.len() as u64;
                // The likely input: 10 tokens each.
                spent += open.len() as u64 * 10_000;
                open.clear();
            }
        }
    }
    let (ledger_requests, .., ledger_spent) = totals(&*opened.ledger).await;
    assert_eq!((ledger_requests, ledger_spent), (requests, spent), "{kind:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_books_are_what_happened(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for kind in kinds() {
            runtime.block_on(check(kind, &steps));
        }
    }
}
