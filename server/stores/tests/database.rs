//! The SQLite file as a start finds it: absent, old, of a newer program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use novai_stores::database::{Database, Location, Sqlite};

fn sqlite(database: Database) -> Sqlite {
    match database {
        Database::Sqlite(sqlite) => sqlite,
        Database::Postgres(_) => panic!("a file was asked for"),
    }
}

#[tokio::test]
async fn a_file_is_made_once_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::in_dir(&dir.path().join("new/data"));
    for start in 0..2 {
        let database = sqlite(Database::open(location.clone()).await.unwrap());
        let rows: i64 = database
            .with(|connection| {
                connection.execute_batch("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)")?;
                connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0))
            })
            .await
            .unwrap();
        assert_eq!(rows, start + 1);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let database = Database::open(Location::in_dir(&data_dir)).await.unwrap();
    for entry in std::fs::read_dir(&data_dir).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
    assert_eq!(std::fs::metadata(&data_dir).unwrap().permissions().mode() & 0o777, 0o700);
    drop(database);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let location = Location::in_dir(dir.path());
    let database = sqlite(Database::open(location.clone()).await.unwrap());
    database
        .with(|connection| connection.execute("INSERT INTO schema_migrations VALUES (1000, 'future', 0)", ()))
        .await
        .unwrap();
    let message = Database::open(location).await.err().expect("refused").to_string();
    assert!(message.contains("has schema version 1000") && message.contains("newer novai"), "{message}");
}

#[tokio::test]
async fn what_cannot_be_opened_says_which_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("novai.db");
    std::fs::write(&path, "this is not a database, but it is long enough to be mistaken for one").unwrap();
    let message = Database::open(Location::File(path.clone())).await.err().expect("refused").to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains("not a database"), "{message}");
}
