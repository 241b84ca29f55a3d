//! What the gateway remembers, behind `core`'s ports.
//!
//! [`database`] opens SQLite or PostgreSQL and keeps the schema up to date; everything else builds on it. API keys are in
//! [`keys`]: start at [`keys::Keys::open`].

pub mod database;
pub mod keys;
pub mod ledger;
pub mod redis;
pub mod replays;
