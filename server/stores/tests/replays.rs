//! The contract of answers under idempotency keys, on SQLite and on PostgreSQL alike.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "server/mod.rs"]
mod server;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use novai_core::Clock;
use novai_core::replays::{BodyHash, Claim, KeptAnswer, ReplayName, ReplayStore};
use novai_stores::database::{Database, Location};
use novai_stores::replays::{Bounds, DatabaseReplays};

/// A clock that goes when it is told to.
struct Hand(Mutex<Duration>);

impl Hand {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hand {
    fn unix_time(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// A database that outlives the gateways which open it.
struct Place {
    location: Location,
    clock: Arc<Hand>,
    bounds: Bounds,
    owners: AtomicU64,
    _dir: tempfile::TempDir,
}

impl Place {
    async fn all() -> Vec<Place> {
        Self::all_with(Bounds::default()).await
    }

    /// One in a file, and one on a server where there is any.
    async fn all_with(bounds: Bounds) -> Vec<Place> {
        let first = tempfile::tempdir().unwrap();
        let mut all = vec![Self::at(Location::in_dir(first.path()), bounds, first)];
        all.extend(Self::postgres(bounds).await);
        all
    }

    async fn postgres(bounds: Bounds) -> Option<Place> {
        let url = server::server()?.database().await;
        Some(Self::at(Location::Postgres(Box::new(url)), bounds, tempfile::tempdir().unwrap()))
    }

    fn at(location: Location, bounds: Bounds, dir: tempfile::TempDir) -> Place {
        let clock = Arc::new(Hand(Mutex::new(Duration::from_secs(1_800_000_000))));
        Place { location, clock, bounds, owners: AtomicU64::new(1), _dir: dir }
    }

    async fn open(&self) -> DatabaseReplays {
        let database = Database::open(self.location.clone()).await.unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let owner = self.owners.fetch_add(1, Relaxed);
        DatabaseReplays::open(database, self.bounds, clock, owner).await.unwrap()
    }
}

const BODY: BodyHash = [1; 32];
const OTHER_BODY: BodyHash = [2; 32];
const DAY: Duration = Duration::from_secs(24 * 3600);

fn name(caller: &str, key: &str) -> ReplayName {
    ReplayName { caller: caller.into(), key: key.into() }
}

fn answer(text: &str) -> KeptAnswer {
    KeptAnswer { head: format!("x-answer:{text}\r\n").into(), body: text.to_owned().into() }
}

async fn claim(store: &DatabaseReplays, name: &ReplayName) -> Claim {
    store.claim(name, &BODY).await.unwrap()
}

async fn give(store: &DatabaseReplays, name: &ReplayName, text: &str) {
    assert_eq!(claim(store, name).await, Claim::New, "{name:?}");
    store.keep(name, &BODY, answer(text));
    store.flush().await;
}

#[tokio::test]
async fn an_answer_is_had_again_here_and_after_a_restart_for_a_day() {
    for place in Place::all().await {
        let (store, ours) = (place.open().await, name("key_a", "k"));
        assert_eq!(claim(&store, &ours).await, Claim::New);
        assert_eq!(claim(&store, &ours).await, Claim::Running, "a twin");
        assert_eq!(store.claim(&ours, &OTHER_BODY).await.unwrap(), Claim::Changed);
        store.keep(&ours, &BODY, answer("first"));
        store.flush().await;
        for store in [store, place.open().await] {
            assert_eq!(claim(&store, &ours).await, Claim::Answered(answer("first")));
            assert_eq!(store.claim(&ours, &OTHER_BODY).await.unwrap(), Claim::Changed);
            // Another caller's, and another key that reads alike when they are joined.
            for others in [name("key_b", "k"), name("key_", "ak"), name("key_a", "K")] {
                assert_eq!(claim(&store, &others).await, Claim::New, "{others:?}");
                store.release(&others);
            }
            store.flush().await;
        }
        place.clock.advance(DAY - Duration::from_millis(1));
        let store = place.open().await;
        assert_eq!(claim(&store, &ours).await, Claim::Answered(answer("first")));
        place.clock.advance(Duration::from_millis(1));
        give(&store, &ours, "second").await;
        assert_eq!(claim(&place.open().await, &ours).await, Claim::Answered(answer("second")));
    }
}

#[tokio::test]
async fn what_was_released_runs_again_with_any_body() {
    for place in Place::all().await {
        let (store, ours) = (place.open().await, name("key_a", "k"));
        assert_eq!(claim(&store, &ours).await, Claim::New);
        store.release(&ours);
        store.flush().await;
        assert_eq!(store.claim(&ours, &OTHER_BODY).await.unwrap(), Claim::New);
    }
}

#[tokio::test]
async fn of_many_at_once_one_runs() {
    for place in Place::all().await {
        let store = Arc::new(place.open().await);
        for round in 0..20 {
            let ours = name("key_a", &round.to_string());
            let twins = (0..16).map(|_| claim(&store, &ours));
            let claims = futures_util::future::join_all(twins).await;
            assert_eq!(claims.iter().filter(|claim| **claim == Claim::New).count(), 1, "{claims:?}");
            assert_eq!(claims.iter().filter(|claim| **claim == Claim::Running).count(), 15, "{claims:?}");
        }
    }
}

#[tokio::test]
async fn the_oldest_make_room() {
    for (bytes_max, answers_max) in [(1 << 20, 1_000_000), (1 << 40, 8)] {
        for place in Place::all_with(Bounds { bytes_max, answers_max }).await {
            let store = place.open().await;
            for number in 0..12 {
                place.clock.advance(Duration::from_millis(1));
                give(&store, &name("key_a", &number.to_string()), &"x".repeat(100_000)).await;
            }
            let mut kept = 0;
            for number in 0..12 {
                let is_kept =
                    matches!(claim(&store, &name("key_a", &number.to_string())).await, Claim::Answered(_));
                assert!(is_kept || kept == 0, "{number} is gone, and an older one is not");
                kept += u32::from(is_kept);
            }
            // Each is 200 kB: its text stands in the head and in the body.
            assert_eq!(kept, if answers_max == 8 { 8 } else { 5 });
        }
    }
}

#[tokio::test]
async fn a_claim_whose_asker_has_left_is_free_again() {
    for place in Place::all().await {
        let (store, ours) = (place.open().await, name("key_a", "k"));
        let mut asking = Box::pin(claim(&store, &ours));
        // Far enough to have asked.
        let _ = futures_util::poll!(&mut asking);
        drop(asking);
        store.release(&ours);
        loop {
            match claim(&store, &ours).await {
                Claim::New => break,
                Claim::Running => store.flush().await,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn replicas_see_each_others_claims_and_outlive_each_other() {
    let Some(place) = Place::postgres(Bounds::default()).await else { return };
    let (one, other, ours) = (place.open().await, place.open().await, name("key_a", "k"));
    let (first, second) = tokio::join!(claim(&one, &ours), claim(&other, &ours));
    let (winner, loser) = if first == Claim::New { (one, other) } else { (other, one) };
    assert_eq!([&first, &second].iter().filter(|claim| ***claim == Claim::New).count(), 1);
    assert_eq!(loser.claim(&ours, &OTHER_BODY).await.unwrap(), Claim::Changed);
    // Who has not got it cannot give it away.
    loser.release(&ours);
    loser.flush().await;
    assert_eq!(claim(&loser, &ours).await, Claim::Running);
    winner.keep(&ours, &BODY, answer("theirs"));
    winner.flush().await;
    assert_eq!(claim(&loser, &ours).await, Claim::Answered(answer("theirs")));

    // One that died while it ran: its claim ends by itself, and what it says later is not heard.
    let orphan = name("key_a", "orphan");
    assert_eq!(claim(&winner, &orphan).await, Claim::New);
    place.clock.advance(Duration::from_secs(119));
    assert_eq!(claim(&loser, &orphan).await, Claim::Running);
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(claim(&loser, &orphan).await, Claim::New);
    winner.keep(&orphan, &BODY, answer("too late"));
    winner.flush().await;
    loser.keep(&orphan, &BODY, answer("in time"));
    loser.flush().await;
    assert_eq!(claim(&winner, &orphan).await, Claim::Answered(answer("in time")));
}

#[tokio::test]
async fn no_key_and_no_request_is_written() {
    for place in Place::all().await {
        let store = place.open().await;
        give(&store, &name("key_a", "a-secret-word"), "the answer").await;
        let rows = match Database::open(place.location.clone()).await.unwrap() {
            Database::Sqlite(db) => {
                let sql = "SELECT hex(id) || hex(body_hash) || hex(head) || hex(answer) FROM replays";
                db.with(move |connection| connection.query_row(sql, (), |row| row.get::<_, String>(0)))
                    .await
                    .unwrap()
            }
            Database::Postgres(db) => {
                let client = db.client().await.unwrap();
                client.query_one("SELECT replays::text FROM replays", &[]).await.unwrap().get(0)
            }
        };
        let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!rows.to_lowercase().contains(&hex("a-secret-word")), "{rows}");
        assert!(rows.to_lowercase().contains(&hex("the answer")), "{rows}");
    }
}
