//! The ledger's contract, on SQLite and on PostgreSQL alike: one file per part of it, each test once per database.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod budgets;
mod crashes;
mod full_disk;
mod model;
mod replicas;
#[path = "../server/mod.rs"]
mod server;
mod settling;
mod support;
mod usage;
