//! A redis-server that is killed and started again, twice, while callers ask: with its data and without, for each thing that a
//! limit may do meanwhile.
//!
//! Time stands while the callers ask and moves when all have their answers, by much more than a call may take. It cannot move
//! during a call: clocks that move one after the other would tell of an answer that took longer than any may. So nothing here
//! waits for a clock, each answer has an exact time, and who hangs is found.

use std::time::Duration;

use novai_core::limits::window::WINDOW_US;
use novai_core::limits::{Demand, LimitStore, OnStoreFailure, Refusal};
use tokio::sync::{mpsc, watch};

use super::server::Server;
use super::world::{World, rpm};
use crate::redis::RedisStore;

const GATEWAYS: u64 = 2;
const CALLERS: usize = 6;
const CALLS_PER_STEP: usize = 4;
/// Even, so that the share is exact.
const RPM: u64 = 60;
const STEP_US: u64 = 2_500_000;
const STEPS: u64 = 200;
/// Steps of a window.
const WINDOW: u64 = WINDOW_US / STEP_US;
/// In steps, dead from and until: longer than a window, and a moment.
const OUTAGES: [(u64, u64); 2] = [(40, 72), (120, 123)];
/// Steps after a restart within which every gateway has found out. It tries once a second, and the first connection that it
/// tries may still be one to the dead.
const FOUND_OUT: u64 = 5;
/// Far beyond the deadline of a call.
const HANG: Duration = Duration::from_secs(60);

struct Answer {
    at_us: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Admitted { is_degraded: bool },
    Rejected,
    Unavailable,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_closed_limit_lets_nobody_pass_and_is_never_exceeded() {
    for keeps_data in [true, false] {
        let Some(answers) = answers(OnStoreFailure::Closed, keeps_data).await else { return };
        let place = format!("closed, data kept: {keeps_data}");
        for window in windows(&answers) {
            assert!(
                window.admitted <= RPM,
                "{place}: {} in the minute after {} s",
                window.admitted,
                window.second()
            );
        }
        for (from, until) in OUTAGES {
            assert_eq!(admitted(&answers, from + 1, until), 0, "{place}: without Redis");
            // What a Redis without data has forgotten has to expire first.
            let closed_for = FOUND_OUT + if keeps_data { 0 } else { WINDOW };
            assert!(
                of(&answers, until + closed_for, until + 45).all(|one| one.kind != Kind::Unavailable),
                "{place}: open again"
            );
        }
        let there = [0..OUTAGES[0].0, OUTAGES[0].1 + FOUND_OUT + WINDOW..OUTAGES[1].0];
        for steps in there {
            assert!(
                of(&answers, steps.start, steps.end).all(|one| one.kind != Kind::Unavailable),
                "{place}: refused for want of Redis while it was there"
            );
        }
        as_before(&answers, &place);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_share_goes_on_and_comes_back_without_a_burst() {
    for keeps_data in [true, false] {
        let Some(answers) = answers(OnStoreFailure::Share, keeps_data).await else { return };
        let place = format!("share, data kept: {keeps_data}");
        for window in windows(&answers) {
            // Without Redis none knows what the others have just used (docs/adr/0011).
            let is_blind = OUTAGES
                .iter()
                .any(|(from, until)| window.meets(*from, *from) || window.meets(*until, *until + FOUND_OUT));
            let max = if is_blind { RPM + RPM * (GATEWAYS - 1) / GATEWAYS } else { RPM };
            assert!(
                window.admitted <= max,
                "{place}: {} in the minute after {} s",
                window.admitted,
                window.second()
            );
        }
        assert!(answers.iter().all(|one| one.kind != Kind::Unavailable), "{place}");
        let (from, until) = OUTAGES[0];
        let alone = admitted(&answers, from + 1, until);
        assert!(alone > 0, "{place}: the share is given out without Redis");
        said_so(&answers, &place);
        as_before(&answers, &place);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_open_limit_refuses_nobody_and_binds_again_at_once() {
    for keeps_data in [true, false] {
        let Some(answers) = answers(OnStoreFailure::Open, keeps_data).await else { return };
        let place = format!("open, data kept: {keeps_data}");
        for window in windows(&answers) {
            let is_open = OUTAGES.iter().any(|(from, until)| window.meets(*from, *until + FOUND_OUT));
            assert!(
                is_open || window.admitted <= RPM,
                "{place}: {} in the minute after {} s",
                window.admitted,
                window.second()
            );
        }
        assert!(answers.iter().all(|one| one.kind != Kind::Unavailable), "{place}");
        for (from, until) in OUTAGES {
            assert!(of(&answers, from + 1, until).all(|one| one.kind != Kind::Rejected), "{place}");
        }
        said_so(&answers, &place);
        as_before(&answers, &place);
    }
}

/// Whoever was admitted without Redis was told so.
fn said_so(answers: &[Answer], place: &str) {
    for (from, until) in OUTAGES {
        let silent = Kind::Admitted { is_degraded: false };
        assert!(of(answers, from + 1, until).all(|one| one.kind != silent), "{place}: nobody said so");
    }
}

/// In the end everything is as if nothing had been: the whole limit is there, and nobody is told otherwise.
fn as_before(answers: &[Answer], place: &str) {
    // A window, and the steps in which it is used up and given back.
    let last = admitted(answers, STEPS - WINDOW - 7, STEPS);
    assert!(last >= RPM * 9 / 10, "{place}: {last} in the last minute");
    let degraded = Kind::Admitted { is_degraded: true };
    assert!(of(answers, 0, OUTAGES[0].0).all(|one| one.kind != degraded), "{place}: at first");
    assert!(
        of(answers, OUTAGES[1].1 + FOUND_OUT + WINDOW, STEPS).all(|one| one.kind != degraded),
        "{place}: in the end"
    );
}

/// Those of the steps.
fn of(answers: &[Answer], from: u64, until: u64) -> impl Iterator<Item = &Answer> {
    let steps = from * STEP_US..until * STEP_US;
    answers.iter().filter(move |one| steps.contains(&one.at_us))
}

fn admitted(answers: &[Answer], from: u64, until: u64) -> u64 {
    of(answers, from, until).filter(|one| matches!(one.kind, Kind::Admitted { .. })).count() as u64
}

/// What was admitted within a true minute.
struct Window {
    from_us: u64,
    admitted: u64,
}

impl Window {
    /// Whether any of the steps is in it.
    fn meets(&self, first: u64, last: u64) -> bool {
        first * STEP_US < self.from_us + WINDOW_US && self.from_us <= last * STEP_US
    }

    fn second(&self) -> u64 {
        self.from_us / 1_000_000
    }
}

/// One from each admission on.
fn windows(answers: &[Answer]) -> impl Iterator<Item = Window> {
    let admitted = answers.iter().filter(|one| matches!(one.kind, Kind::Admitted { .. }));
    let mut at_us: Vec<u64> = admitted.map(|one| one.at_us).collect();
    at_us.sort_unstable();
    (0..at_us.len()).map(move |index| {
        let from_us = at_us[index];
        let after = at_us.partition_point(|at_us| *at_us < from_us + WINDOW_US);
        Window { from_us, admitted: (after - index) as u64 }
    })
}

/// Everything that every caller was answered. `None` where there is no redis-server.
async fn answers(mode: OnStoreFailure, keeps_data: bool) -> Option<Vec<Answer>> {
    let server = if keeps_data { Server::start_durable()? } else { Server::start()? };
    let mut world = World::on(server, GATEWAYS as usize, |settings| {
        settings.replicas = GATEWAYS;
        // Less than a step; far more than an answer takes.
        settings.call_timeout = Duration::from_secs(2);
    });
    let (begin, begun) = watch::channel(None);
    let (done, mut is_done) = mpsc::channel(CALLERS);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let store = world.gateways[caller % GATEWAYS as usize].store.clone();
            tokio::spawn(call(store, mode, begun.clone(), done.clone()))
        })
        .collect();
    for step in 0..STEPS {
        // It dies and comes back while they ask.
        begin.send(Some(world.true_us)).expect("the callers listen");
        for (from, until) in OUTAGES {
            if step == from {
                world.server.kill();
            } else if step == until {
                world.server.restart();
                world.tell_time();
            }
        }
        for _ in 0..CALLERS {
            let answered = tokio::time::timeout(HANG, is_done.recv()).await;
            answered.unwrap_or_else(|_| panic!("a caller hangs in step {step}")).expect("they go on");
        }
        match OUTAGES.iter().any(|(from, until)| (*from..*until).contains(&step)) {
            true => world.pass_without_redis(STEP_US),
            false => world.pass(STEP_US),
        }
    }
    drop(begin);
    let mut answers = Vec::new();
    for caller in callers {
        answers.extend(caller.await.expect("no caller panics"));
    }
    Some(answers)
}

async fn call(
    store: RedisStore,
    mode: OnStoreFailure,
    mut begun: watch::Receiver<Option<u64>>,
    done: mpsc::Sender<()>,
) -> Vec<Answer> {
    let limits = rpm(RPM, mode);
    let mut answers = Vec::new();
    while begun.changed().await.is_ok() {
        let Some(at_us) = *begun.borrow_and_update() else { continue };
        for _ in 0..CALLS_PER_STEP {
            let admission = store.admit(Demand { limits: limits.clone(), tokens: 0 }).resolve().await;
            let kind = match admission {
                Ok(permit) => Kind::Admitted { is_degraded: permit.snapshot().is_degraded },
                Err(Refusal::Rejected(_)) => Kind::Rejected,
                Err(Refusal::Unavailable { .. }) => Kind::Unavailable,
            };
            answers.push(Answer { at_us, kind });
        }
        if done.send(()).await.is_err() {
            break;
        }
    }
    answers
}
