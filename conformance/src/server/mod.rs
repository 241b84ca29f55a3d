//! Server mode: one gateway process for the whole suite, one provider and one model for each case.

pub mod config;
pub mod process;
pub mod run;
