//! PostgreSQL dies and comes back while callers never stop asking.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::client::{self, Seen, chat};
use super::gateway::OPERATOR_KEY;
use super::steps::{PRICE_IN_NANO, PRICE_OUT_NANO, until};
use super::table::Table;
use super::{Cluster, books};

const CLIENTS: u64 = 4;

/// By gateway.
#[derive(Default)]
struct Counts {
    served: [AtomicU64; 2],
    refused: [AtomicU64; 2],
}

impl Counts {
    /// Waits until each gateway has `more` than now.
    fn grow(counts: &[AtomicU64; 2], what: &str, more: u64) {
        let then = counts.each_ref().map(|count| count.load(SeqCst));
        until(what, || {
            counts.iter().zip(then).all(|(now, then)| now.load(SeqCst) >= then + more).then_some(())
        });
    }
}

/// Nobody is served on credit: 503 while it is away. What was answered is charged once, what was refused is not.
pub async fn postgres_gone(cluster: &mut Cluster, table: &mut Table) {
    let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let which = (client % 2) as usize;
            let address = cluster.gateways[which].address;
            let (stop, counts) = (Arc::clone(&stop), Arc::clone(&counts));
            std::thread::spawn(move || {
                let mut seen = HashMap::new();
                for number in (0..).take_while(|_| !stop.load(SeqCst)) {
                    let id = format!("gone-{client}-{number}");
                    let (tokens, is_stream) = (10 + (client + number) % 50, number % 2 == 0);
                    let answer = chat(address, OPERATOR_KEY, &id, tokens, is_stream).expect("an answer");
                    match answer.status {
                        200 => counts.served[which].fetch_add(1, SeqCst),
                        503 => {
                            assert!(answer.body.contains("\"limits_unavailable\""), "{id}: {}", answer.body);
                            counts.refused[which].fetch_add(1, SeqCst)
                        }
                        status => panic!("{id}: {status}: {}", answer.body),
                    };
                    let is_refused = answer.status == 503;
                    seen.insert(id, (is_refused, client::seen(Some(&answer), tokens, is_stream)));
                }
                seen
            })
        })
        .collect();
    for _ in 0..2 {
        Counts::grow(&counts.served, "both gateways serve", 10);
        cluster.postgres.stop();
        Counts::grow(&counts.refused, "both gateways refuse", 5);
        cluster.postgres.start_again();
        cluster.postgres.is_up().await;
    }
    Counts::grow(&counts.served, "both gateways serve again", 10);
    stop.store(true, SeqCst);
    let seen: HashMap<String, (bool, Seen)> =
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect();

    let database = books::open(&cluster.database_url).await;
    books::settled(&database).await;
    let rows = books::rows(&database).await;
    let mut by_id: HashMap<&str, &books::Row> = HashMap::new();
    for row in rows.iter().filter(|row| row.request_id.starts_with("gone-")) {
        assert!(by_id.insert(&row.request_id, row).is_none(), "doubled: {row:?}");
        assert_eq!(row.cost_nano, row.prompt * PRICE_IN_NANO + row.completion * PRICE_OUT_NANO, "{row:?}");
    }
    let (mut charged, mut refused) = (0, 0);
    for (id, (is_refused, seen)) in &seen {
        let row = by_id.get(id.as_str());
        if *is_refused {
            assert!(row.is_none_or(|row| row.cost_nano == 0), "refused and charged: {row:?}");
            refused += 1;
            continue;
        }
        let row = row.unwrap_or_else(|| panic!("lost: {id}, {seen:?}"));
        let Seen::Whole { completion } = seen else { panic!("{id} broke off: {row:?}") };
        let told = (row.outcome.as_str(), row.is_estimate, row.completion);
        assert_eq!(told, ("complete", false, *completion), "{row:?}");
        charged += 1;
    }
    table.row(
        "PostgreSQL restarted twice under load",
        format!("{charged} answered and charged once, {refused} × 503 limits_unavailable and not charged"),
    );
}
