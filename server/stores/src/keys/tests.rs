use std::sync::Mutex;
use std::time::Duration;

use novai_core::Scope;
use novai_core::keys::{KeyAdmin, KeyChange, KeyError, Position};

use super::*;
use crate::database::Location;

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

async fn open_at(dir: &Path, bootstrap: Option<&Secret>, clock: Arc<Hand>) -> Result<Opened, OpenError> {
    let database = Database::open(Location::in_dir(dir)).await.unwrap();
    Keys::open(database, dir, bootstrap, clock).await
}

async fn open(dir: &Path) -> Opened {
    open_at(dir, None, Hand::new()).await.unwrap()
}

fn settings(name: &str) -> KeySettings {
    KeySettings { scopes: [Scope::Inference].into_iter().collect(), ..all_rights(name) }
}

#[tokio::test]
async fn the_first_start_makes_one_key_and_later_ones_know_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).await;
    let secret = first.created.expect("the first start makes a key");
    let principal = first.keys.principal(secret.expose()).expect("it is valid at once");
    assert_eq!(principal.scopes, Scopes::all());

    let second = open(dir.path()).await;
    assert!(second.created.is_none(), "made once");
    assert_eq!(second.keys.principal(secret.expose()), Some(principal));

    for file in ["novai.db", "novai.db-wal"] {
        let stored = std::fs::read(dir.path().join(file)).unwrap();
        let random_part = &secret.expose().as_bytes()[13..];
        let is_there = stored.windows(random_part.len()).any(|bytes| bytes == random_part);
        assert!(!is_there, "{file}: only the hash and a short prefix are stored");
    }
}

#[tokio::test]
async fn a_bootstrap_key_replaces_the_made_one_and_is_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let own = chosen("my-own-key-0123456789abcdef".to_owned()).unwrap();
    let opened = open_at(dir.path(), Some(&own), Hand::new()).await.unwrap();
    assert!(opened.created.is_none());
    assert_eq!(&*opened.keys.principal(own.expose()).unwrap().id, BOOTSTRAP_KEY_ID);
    assert!(opened.keys.list(None, None, 10).await.unwrap().keys.is_empty());
    // It survives what happens to others.
    opened.keys.create(settings("other")).await.unwrap();
    assert!(opened.keys.principal(own.expose()).is_some());
}

#[tokio::test]
async fn wrong_keys_are_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { keys, created } = open(dir.path()).await;
    let right = created.unwrap().expose().to_owned();
    let shorter = &right[..right.len() - 1];
    let other_case = right.to_uppercase();
    for wrong in ["", " ", "sk-novai-", shorter, &format!("{right} "), &other_case, "' OR 1=1 --"] {
        assert_eq!(keys.principal(wrong), None, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_is_decided_about_a_key_holds_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hand::new();
    let Opened { keys, .. } = open_at(dir.path(), None, clock.clone()).await.unwrap();
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

    let again = open_at(dir.path(), None, clock).await.unwrap().keys;
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

#[tokio::test]
async fn keys_end_when_they_expire() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hand::new();
    let keys = open_at(dir.path(), None, clock.clone()).await.unwrap().keys;
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

#[tokio::test]
async fn tenants_see_their_own_keys_only() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path()).await.keys;
    let of = |tenant: &str| KeySettings { tenant: Some(tenant.into()), ..settings(tenant) };
    let (ours, theirs) = (keys.create(of("a")).await.unwrap(), keys.create(of("b")).await.unwrap());
    let listed = keys.list(Some("a"), None, 10).await.unwrap();
    assert_eq!(listed.keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&ours.info.id]);
    let id = &theirs.info.id;
    let tenant = Some("a");
    assert!(matches!(keys.get(tenant, id).await, Err(KeyError::NotFound { .. })));
    assert!(matches!(keys.update(tenant, id, KeyChange::default()).await, Err(KeyError::NotFound { .. })));
    assert!(matches!(keys.rotate(tenant, id).await, Err(KeyError::NotFound { .. })));
    assert!(matches!(keys.delete(tenant, id).await, Err(KeyError::NotFound { .. })));
    assert!(keys.principal(theirs.secret.expose()).is_some(), "nothing happened to it");
}

#[tokio::test]
async fn lists_come_in_pages_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hand::new();
    let own = chosen("my-own-key-0123456789abcdef".to_owned()).unwrap();
    let keys = open_at(dir.path(), Some(&own), clock.clone()).await.unwrap().keys;
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

#[tokio::test]
async fn uses_are_noted_now_and_then_and_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Hand::new();
    let keys = open_at(dir.path(), None, clock.clone()).await.unwrap().keys;
    let made = keys.create(settings("busy")).await.unwrap();
    let last_used = async |keys: &Keys| keys.get(None, &made.info.id).await.unwrap().last_used_at_unix_s;
    assert_eq!(last_used(&keys).await, None);
    let first = clock.now_s();
    for _ in 0..59 {
        keys.principal(made.secret.expose()).unwrap();
        clock.advance(1);
    }
    assert_eq!(last_used(&keys).await, Some(first), "known here before it is written");
    let other = open_at(dir.path(), None, clock.clone()).await.unwrap().keys;
    assert_eq!(last_used(&other).await, None);
    keys.write_uses().await.unwrap();
    assert_eq!(last_used(&other).await, Some(first));
    clock.advance(1);
    keys.principal(made.secret.expose()).unwrap();
    keys.write_uses().await.unwrap();
    assert_eq!(last_used(&other).await, Some(first + 60));
}

#[tokio::test]
async fn keys_of_older_versions_are_taken_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let own = "sk-novai-0123456789abcdef0123456789";
    let sha256 = KeyHash::of(own).to_hex();
    let text = format!(
        r#"{{"version":1,"keys":[{{"id":"key_old","prefix":"sk-novai-0123","sha256":"{sha256}","created":1700000000}}]}}"#
    );
    std::fs::write(dir.path().join("keys.json"), text).unwrap();
    let opened = open(dir.path()).await;
    assert!(opened.created.is_none());
    let principal = opened.keys.principal(own).expect("the old key works");
    assert_eq!((&*principal.id, principal.scopes), ("key_old", Scopes::all()));
    assert!(dir.path().join("keys.json.imported").exists());
    assert!(!dir.path().join("keys.json").exists());
    assert!(open(dir.path()).await.keys.principal(own).is_some());
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_alone() {
    let good = r#"{"version":1,"keys":[]}"#;
    let cases = [
        ("", "EOF"),
        ("{", "EOF"),
        ("null", "null"),
        (r#"{"version":2,"keys":[]}"#, "its version is 2, expected 1"),
        (r#"{"version":1,"keys":[],"more":1}"#, "unknown field `more`"),
        (r#"{"version":1,"keys":[{"id":"key_1","prefix":"sk","sha256":"00","created":1}]}"#, "64 hex digits"),
        (&good[..good.len() - 1], "EOF"),
    ];
    for (text, reason) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        std::fs::write(&path, text).unwrap();
        let message = open_at(dir.path(), None, Hand::new()).await.err().expect(text).to_string();
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("restore it from a backup"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
