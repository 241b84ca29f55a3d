//! Sums by day, key and model, page by page.

use std::sync::Arc;

use novai_core::money::{Budgets, Day, GroupBy, Ledger, UsageQuery};

use crate::support::{Books, TODAY, day, everything, kinds, reserve, settle, usage};

/// Two days, three keys (one of a tenant), two models: 1 + index tokens each.
async fn filled(books: &Books) -> Box<dyn Ledger> {
    let opened = books.open().await;
    let mut tokens = 0;
    for date in [TODAY, "2026-11-23"] {
        for (key, tenant) in [("key_a", None), ("key_b", Some("acme")), ("key_c", Some("acme"))] {
            for model in ["m1", "m2"] {
                tokens += 1;
                let mut reservation = books.reservation(key, 100);
                reservation.admitted_at_ms = day(date).unix_s() * 1000;
                reservation.tenant = tenant.map(Arc::from);
                reservation.model = model.into();
                let reservation = Arc::new(reservation);
                reserve(&*opened.ledger, &reservation, &Budgets::default()).await.unwrap();
                settle(&*opened.ledger, &reservation, usage(tokens, 0));
            }
        }
    }
    opened.ledger
}

/// `2026-11-22 key_a m1: 1`, one line per row, page by page.
async fn lines(ledger: &dyn Ledger, mut query: UsageQuery) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let page = ledger.usage(query.clone()).await.unwrap();
        assert!(page.rows.len() <= query.rows_max);
        for row in &page.rows {
            let group = &row.group;
            let parts = [
                group.day.map(|day: Day| day.to_string()),
                group.key_id.as_deref().map(str::to_owned),
                group.model.as_deref().map(str::to_owned),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            assert_eq!(row.cost.nano, row.tokens.prompt * 1000);
            lines.push(format!("{}: {} of {}", parts.join(" "), row.tokens.prompt, row.requests));
        }
        match page.has_more {
            true => query.after = page.rows.last().map(|row| row.group.clone()),
            false => return lines,
        }
    }
}

#[tokio::test]
async fn groups_filters_and_pages() {
    let by = |day, key, model| GroupBy { day, model, key };
    let all = everything(by(false, false, false));
    let cases: Vec<(UsageQuery, &[&str])> = vec![
        (all.clone(), &[": 78 of 12"]),
        (
            UsageQuery { group_by: by(true, false, false), ..all.clone() },
            &["2026-11-22: 21 of 6", "2026-11-23: 57 of 6"],
        ),
        (UsageQuery { group_by: by(false, false, true), ..all.clone() }, &["m1: 36 of 6", "m2: 42 of 6"]),
        (
            UsageQuery { group_by: by(false, true, false), ..all.clone() },
            &["key_a: 18 of 4", "key_b: 26 of 4", "key_c: 34 of 4"],
        ),
        (
            UsageQuery { group_by: by(true, true, true), key_id: Some("key_b".into()), ..all.clone() },
            &[
                "2026-11-22 key_b m1: 3 of 1",
                "2026-11-22 key_b m2: 4 of 1",
                "2026-11-23 key_b m1: 9 of 1",
                "2026-11-23 key_b m2: 10 of 1",
            ],
        ),
        (
            UsageQuery { group_by: by(true, false, false), tenant: Some("acme".into()), ..all.clone() },
            &["2026-11-22: 18 of 4", "2026-11-23: 42 of 4"],
        ),
        (
            UsageQuery {
                group_by: by(false, false, true),
                model: Some("m2".into()),
                to: day(TODAY),
                ..all.clone()
            },
            &["m2: 12 of 3"],
        ),
        (UsageQuery { key_id: Some("nobody".into()), ..all.clone() }, &[]),
        (UsageQuery { from: day("2026-11-24"), ..all.clone() }, &[]),
        (UsageQuery { from: day("2026-11-23"), to: day(TODAY), ..all.clone() }, &[]),
        (UsageQuery { key_id: Some("' OR 1=1 --".into()), group_by: by(true, true, true), ..all }, &[]),
    ];
    for kind in kinds() {
        let books = Books::new(kind).await;
        let ledger = filled(&books).await;
        for (query, expected) in &cases {
            for rows_max in [1, 2, 3, 100] {
                let query = UsageQuery { rows_max, ..query.clone() };
                assert_eq!(lines(&*ledger, query.clone()).await, *expected, "{kind:?}: {query:?}");
            }
        }
    }
}
