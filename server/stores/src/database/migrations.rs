//! The schema as a list of steps, embedded in the binary. Each runs once, in its own transaction.
//!
//! A step that was released is never edited: a change is another step. Both databases have the same list of names.

/// One step for both databases.
pub(super) struct Migration {
    /// 1, 2, 3, …
    pub version: i64,
    pub name: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}

pub(super) const ALL: &[Migration] =
    &[migration!(1, "0001_ledger"), migration!(2, "0002_keys"), migration!(3, "0003_replays")];

/// The version of the newest step.
pub(super) fn newest() -> i64 {
    ALL.last().map_or(0, |migration| migration.version)
}

/// The steps that a database of version `from` lacks.
pub(super) fn missing(from: i64) -> impl Iterator<Item = &'static Migration> {
    ALL.iter().filter(move |migration| migration.version > from)
}

/// Works on both: which steps have run.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at_s BIGINT NOT NULL
)";
pub(super) const VERSION: &str = "SELECT coalesce(max(version), 0) FROM schema_migrations";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_consecutive_and_lead_the_names() {
        for (index, migration) in ALL.iter().enumerate() {
            assert_eq!(migration.version, index as i64 + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)), "{}", migration.name);
        }
        assert_eq!(missing(newest()).count(), 0);
        assert_eq!(missing(0).count(), ALL.len());
    }
}
