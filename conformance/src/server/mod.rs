//! Server mode: one gateway process for the whole suite, one provider and one model for each case; and a process for each
//! case that wants a gateway of its own.

pub mod config;
pub mod process;
pub mod run;
pub mod sequence;
