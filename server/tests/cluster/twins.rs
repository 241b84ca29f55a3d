//! One `Idempotency-Key` at two gateways in the same moment: they meet in PostgreSQL.

use std::sync::Barrier;
use std::thread;

use super::client::{Answer, chat_with};
use super::gateway::OPERATOR_KEY;
use super::steps::until;
use super::table::Table;
use super::{Cluster, books};

const PAIRS: u64 = 24;

/// The upstream is called once, its answer is charged once; the twin is told to come back, or gets the same answer.
pub async fn asked_at_once(cluster: &Cluster, table: &mut Table) {
    let mut told_to_wait = 0;
    for pair in 0..PAIRS {
        let answers = both_ask(cluster, pair);
        let (ran, twins): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| answer.status == 200 && !is_replayed(answer));
        let ([ran], [twin]) = (&ran[..], &twins[..]) else {
            panic!("pair {pair}: {:?}", answers.each_ref().map(|answer| (answer.status, &answer.head)));
        };
        match twin.status {
            200 => assert_eq!(twin.body, ran.body, "pair {pair}"),
            _ => {
                assert_eq!(twin.status, 409, "pair {pair}: {}", twin.body);
                assert!(twin.header("retry-after").is_some(), "pair {pair}: {}", twin.head);
                told_to_wait += 1;
            }
        }
        for which in 0..2 {
            let late = until("the answer is replayed", || {
                let answer = ask(cluster, pair, which, "late");
                (answer.status == 200).then_some(answer)
            });
            assert!(is_replayed(&late), "pair {pair}: run again at gateway {which}: {}", late.head);
            assert_eq!(without_chunks(&late), without_chunks(ran), "pair {pair} at gateway {which}");
        }
    }
    let called = cluster.upstream.counted().into_keys().filter(|id| id.starts_with("twin-")).count();
    assert_eq!(called as u64, PAIRS, "the upstream is called once for each key");
    let database = books::open(&cluster.database_url).await;
    books::settled(&database).await;
    let rows = books::rows(&database).await;
    let charged: Vec<_> = rows.iter().filter(|row| row.request_id.starts_with("twin-")).collect();
    assert_eq!(charged.len() as u64, PAIRS, "{charged:?}");
    assert!(charged.iter().all(|row| row.outcome == "complete"), "{charged:?}");
    table.row(
        "one Idempotency-Key at both at once",
        format!(
            "{PAIRS} pairs: {called} calls, {} charged; {told_to_wait} twins told to wait",
            charged.len()
        ),
    );
}

fn both_ask(cluster: &Cluster, pair: u64) -> [Answer; 2] {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        [0, 1]
            .map(|which| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    ask(cluster, pair, which, "first")
                })
            })
            .map(|caller| caller.join().unwrap())
    })
}

fn ask(cluster: &Cluster, pair: u64, which: usize, turn: &str) -> Answer {
    let (id, key) = (format!("twin-{pair}-{which}-{turn}"), format!("Idempotency-Key: twin-{pair}"));
    let address = cluster.gateways[which].address;
    chat_with(address, OPERATOR_KEY, &id, 3 + pair, pair.is_multiple_of(2), &[&key]).expect("an answer")
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

/// How it was cut into pieces on the wire is no part of an answer.
fn without_chunks(answer: &Answer) -> String {
    let is_length = |line: &str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lines = answer.body.lines().filter(|line| !line.is_empty() && !is_length(line));
    lines.collect::<Vec<_>>().join("\n")
}
