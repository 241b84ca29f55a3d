//! What is not the contract (server/stores/tests/keys.rs): the first key, the bootstrap key, and files of older versions.

use std::sync::Mutex;
use std::time::Duration;

use novai_core::Scope;
use novai_core::keys::KeyAdmin;

use super::*;
use crate::database::Location;

/// A clock that goes when it is told to.
struct Hand(Mutex<Duration>);

impl Hand {
    fn new() -> Arc<Self> {
        Arc::new(Hand(Mutex::new(Duration::from_secs(1_800_000_000))))
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
