//! What the SDKs cost, beside OpenAI's own in the same run: CPU per chunk and per call, connections, loading, and size.
//!
//! Start at [`measure`]. Every client is a process that speaks as `clients/rust` does, so that its CPU time is its own.

mod calls;
mod client;
mod load;
mod size;

use anyhow::Result;

use super::Options;
use crate::report::Table;

pub fn measure(options: &Options) -> Result<Vec<Table>> {
    let mut tables = vec![calls::measure(options)?];
    tables.extend(load::measure(options)?);
    tables.extend(size::measure(options)?);
    Ok(tables)
}
