use super::*;

#[test]
fn the_first_start_makes_one_key_and_later_ones_know_it() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("new/data");

    let first = Keys::open(&data_dir, None).unwrap();
    let secret = first.created.expect("the first start makes a key");
    let principal = first.keys.principal(secret.expose()).expect("it is valid at once");

    let second = Keys::open(&data_dir, None).unwrap();
    assert!(second.created.is_none(), "made once");
    assert_eq!(second.keys.principal(secret.expose()), Some(principal));

    let stored = std::fs::read_to_string(data_dir.join("keys.json")).unwrap();
    let random_part = &secret.expose()[13..];
    assert!(!stored.contains(random_part), "only the hash and a short prefix are stored");
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    Keys::open(&data_dir, None).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir.join("keys.json")), 0o600);
    assert_eq!(mode(&data_dir), 0o700);
    assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_bootstrap_key_replaces_the_made_one_and_is_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let chosen = Secret::chosen("my-own-key-0123456789abcdef".to_owned()).unwrap();
    let opened = Keys::open(dir.path(), Some(&chosen)).unwrap();
    assert!(opened.created.is_none());
    assert_eq!(&*opened.keys.principal(chosen.expose()).unwrap().id, BOOTSTRAP_KEY_ID);
    assert!(!dir.path().join("keys.json").exists());
}

#[test]
fn wrong_keys_are_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let Opened { keys, created } = Keys::open(dir.path(), None).unwrap();
    let right = created.unwrap().expose().to_owned();
    let shorter = &right[..right.len() - 1];
    let other_case = right.to_uppercase();
    for wrong in ["", " ", "sk-novai-", shorter, &format!("{right} "), &other_case, "' OR 1=1 --"] {
        assert_eq!(keys.principal(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
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
        let message = Keys::open(dir.path(), None).err().expect(text).to_string();
        assert!(message.contains(reason), "{message}");
        assert!(message.contains("restore it from a backup"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
