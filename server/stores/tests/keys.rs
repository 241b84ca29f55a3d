//! The contract of keys, on SQLite and on PostgreSQL alike.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

#[path = "server/mod.rs"]
mod server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use novai_core::keys::{KeyAdmin, KeyChange, KeyError, KeySettings, Position};
use novai_core::{BudgetSpec, Clock, KeyStore, LimitSpec, Scope};
use novai_stores::database::{Database, Location};
use novai_stores::keys::{Keys, chosen};

/// A clock that goes when it is told to.
struct Hand(Mutex<Duration>);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Hand(Mutex::new(Duration::from_secs(1_800_000_000))))
    }

    fn advance(&self, by_s: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(by_s);
    }

    fn now_s(&self) -> u64 {
        self.unix_time().as_secs()
    }
}

impl Clock for Hand {
    fn unix_time(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// A database that several gateways may open.
struct Place {
    location: Location,
    dir: tempfile::TempDir,
    clock: Arc<Hand>,
}

impl Place {
    /// One in a file, and one on a server where there is any.
    async fn all() -> Vec<Self> {
        let dir = || tempfile::tempdir().unwrap();
        let place = |location, dir| Place { location, dir, clock: Hand::new() };
        let first = dir();
        let mut all = vec![place(Location::in_dir(first.path()), first)];
        if let Some(server) = server::server() {
            all.push(place(Location::Postgres(Box::new(server.database().await)), dir()));
        }
        all
    }

    async fn open(&self) -> Arc<Keys> {
        // Without it, the first start would make a key.
        let own = chosen("my-own-key-0123456789abcdef".to_owned()).unwrap();
        let database = Database::open(self.location.clone()).await.unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Keys::open(database, self.dir.path(), Some(&own), clock).await.unwrap().keys
    }
}

fn settings(name: &str) -> KeySettings {
    KeySettings {
        name: name.to_owned(),
        tenant: None,
        scopes: [Scope::Inference].into_iter().collect(),
        models: None,
        limits: LimitSpec::default(),
        budget: BudgetSpec::default(),
        expires_at_unix_s: None,
    }
}

#[tokio::test]
async fn what_is_decided_about_a_key_holds_at_once_and_after_a_restart() {
    for place in Place::all().await {
        let clock = Arc::clone(&place.clock);
        let keys = place.open().await;
        let wanted = KeySettings {
            name: "nightly".to_owned(),
            tenant: Some("acme".into()),
            scopes: [Scope::Inference, Scope::Usage].into_iter().collect(),
            models: Some(Arc::from([Box::from("a"), Box::from("b/c")])),
            limits: LimitSpec { rpm: Some(3), tpm: Some(1_000_000_000_000), concurrent: None },
            budget: BudgetSpec { day_nano_usd: Some(1), month_nano_usd: Some(999_999_999_999_999_999) },
            expires_at_unix_s: Some(clock.now_s() + 100),
        };
        let made = keys.create(wanted.clone()).await.unwrap();
        assert_eq!(made.info.settings, wanted);
        let principal = keys.principal(made.secret.expose()).unwrap();
        assert_eq!((&principal.limits, &principal.budget), (&wanted.limits, &wanted.budget));
        assert_eq!((&principal.models, &principal.tenant), (&wanted.models, &wanted.tenant));

        let id = made.info.id.clone();
        let change = KeyChange {
            name: Some("daily".to_owned()),
            models: Some(None),
            limits: Some(LimitSpec::default()),
            expires_at_unix_s: Some(None),
            ..KeyChange::default()
        };
        let changed = keys.update(None, &id, change).await.unwrap();
        let expected = KeySettings {
            name: "daily".to_owned(),
            models: None,
            limits: LimitSpec::default(),
            expires_at_unix_s: None,
            ..wanted
        };
        assert_eq!(changed.settings, expected);
        assert_eq!(keys.principal(made.secret.expose()).unwrap().limits, LimitSpec::default());

        let rotated = keys.rotate(None, &id).await.unwrap();
        assert_eq!((&rotated.info.id, &rotated.info.settings), (&id, &expected));
        assert!(keys.principal(made.secret.expose()).is_none(), "the old one is refused");
        assert!(rotated.secret.expose().starts_with(&rotated.info.prefix));

        let again = place.open().await;
        assert_eq!(&again.principal(rotated.secret.expose()).unwrap().id, &id);
        assert_eq!(again.get(None, &id).await.unwrap().settings, expected);
        keys.delete(None, &id).await.unwrap();
        assert!(keys.principal(rotated.secret.expose()).is_none());
        assert!(matches!(keys.delete(None, &id).await, Err(KeyError::NotFound { .. })));
        // The other gateway learns it when it looks.
        assert!(again.principal(rotated.secret.expose()).is_some());
        again.look().await.unwrap();
        assert!(again.principal(rotated.secret.expose()).is_none());
    }
}

#[tokio::test]
async fn keys_end_when_they_expire() {
    for place in Place::all().await {
        let clock = Arc::clone(&place.clock);
        let keys = place.open().await;
        let ending = |expires_at_unix_s| KeySettings { expires_at_unix_s, ..settings("short") };
        let now_s = clock.now_s();
        assert!(matches!(keys.create(ending(Some(now_s))).await, Err(KeyError::Expired { .. })));
        let made = keys.create(ending(Some(now_s + 10))).await.unwrap();
        clock.advance(9);
        assert!(keys.principal(made.secret.expose()).is_some());
        clock.advance(1);
        assert!(keys.principal(made.secret.expose()).is_none());
        let past = KeyChange { expires_at_unix_s: Some(Some(now_s)), ..KeyChange::default() };
        assert!(matches!(keys.update(None, &made.info.id, past).await, Err(KeyError::Expired { .. })));
    }
}

#[tokio::test]
async fn tenants_see_their_own_keys_only() {
    for place in Place::all().await {
        let keys = place.open().await;
        let of = |tenant: &str| KeySettings { tenant: Some(tenant.into()), ..settings(tenant) };
        let (ours, theirs) = (keys.create(of("a")).await.unwrap(), keys.create(of("b")).await.unwrap());
        let listed = keys.list(Some("a"), None, 10).await.unwrap();
        assert_eq!(listed.keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&ours.info.id]);
        let id = &theirs.info.id;
        let tenant = Some("a");
        assert!(matches!(keys.get(tenant, id).await, Err(KeyError::NotFound { .. })));
        assert!(matches!(
            keys.update(tenant, id, KeyChange::default()).await,
            Err(KeyError::NotFound { .. })
        ));
        assert!(matches!(keys.rotate(tenant, id).await, Err(KeyError::NotFound { .. })));
        assert!(matches!(keys.delete(tenant, id).await, Err(KeyError::NotFound { .. })));
        assert!(keys.principal(theirs.secret.expose()).is_some(), "nothing happened to it");
    }
}

#[tokio::test]
async fn lists_come_in_pages_oldest_first() {
    for place in Place::all().await {
        let clock = Arc::clone(&place.clock);
        let keys = place.open().await;
        for number in 0..7 {
            keys.create(settings(&number.to_string())).await.unwrap();
            clock.advance(number % 2); // Two of a second are told apart by their id.
        }
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = keys.list(None, after, 3).await.unwrap();
            seen.extend(page.keys.iter().map(|key| (key.created_at_unix_s, key.id.clone())));
            after = page.keys.last().map(Position::of);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(seen.len(), 7);
        assert!(seen.is_sorted(), "{seen:?}");
    }
}

#[tokio::test]
async fn uses_are_noted_now_and_then_and_written_later() {
    for place in Place::all().await {
        let clock = Arc::clone(&place.clock);
        let keys = place.open().await;
        let made = keys.create(settings("busy")).await.unwrap();
        let last_used = async |keys: &Keys| keys.get(None, &made.info.id).await.unwrap().last_used_at_unix_s;
        assert_eq!(last_used(&keys).await, None);
        let first = clock.now_s();
        for _ in 0..59 {
            keys.principal(made.secret.expose()).unwrap();
            clock.advance(1);
        }
        assert_eq!(last_used(&keys).await, Some(first), "known here before it is written");
        let other = place.open().await;
        assert_eq!(last_used(&other).await, None);
        keys.write_uses().await.unwrap();
        assert_eq!(last_used(&other).await, Some(first));
        clock.advance(1);
        keys.principal(made.secret.expose()).unwrap();
        keys.write_uses().await.unwrap();
        assert_eq!(last_used(&other).await, Some(first + 60));
    }
}

#[tokio::test]
async fn of_two_gateways_that_start_at_once_one_makes_the_first_key() {
    for place in Place::all().await {
        let open = async || {
            let database = Database::open(place.location.clone()).await.unwrap();
            let clock = Arc::clone(&place.clock) as Arc<dyn Clock>;
            Keys::open(database, place.dir.path(), None, clock).await.unwrap()
        };
        let (one, other) = tokio::join!(open(), open());
        let made: Vec<_> = [&one, &other].into_iter().filter_map(|opened| opened.created.clone()).collect();
        assert_eq!(made.len(), 1);
        for opened in [one, other] {
            assert!(opened.keys.principal(made[0].expose()).is_some(), "both know it");
        }
    }
}

#[tokio::test]
async fn changes_at_the_same_time_lose_none_of_each_other() {
    for place in Place::all().await {
        let (one, other) = (place.open().await, place.open().await);
        let made = one.create(settings("shared")).await.unwrap();
        let id = &made.info.id;
        let rpm = KeyChange {
            limits: Some(LimitSpec { rpm: Some(5), ..LimitSpec::default() }),
            ..KeyChange::default()
        };
        let name = KeyChange { name: Some("renamed".to_owned()), ..KeyChange::default() };
        let (first, second) = tokio::join!(one.update(None, id, rpm), other.update(None, id, name));
        first.and(second).unwrap();
        let (third, fourth) = tokio::join!(one.create(settings("a")), other.create(settings("b")));
        for keys in [&one, &other] {
            keys.look().await.unwrap();
            let settings = keys.get(None, id).await.unwrap().settings;
            assert_eq!((settings.name.as_str(), settings.limits.rpm), ("renamed", Some(5)));
            assert_eq!(keys.principal(made.secret.expose()).unwrap().limits.rpm, Some(5));
            for key in [&third, &fourth] {
                assert!(keys.principal(key.as_ref().unwrap().secret.expose()).is_some());
            }
        }
    }
}
