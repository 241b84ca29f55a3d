//! CPU of an SDK per streamed chunk, against a client that reads the same bytes and looks into nothing.

use std::process::Command;

use anyhow::{Context, Result};

use super::Options;
use crate::{
    child::Role,
    gateway::API_KEY,
    report::{Cell, Table},
    roles::script::Script,
    statistics::median,
    usage::CpuReading,
};

const CHUNKS_PER_STREAM: usize = 64;
const STREAMS: usize = 500;
const ROUNDS: usize = 5;

pub fn measure(options: &Options) -> Result<Table> {
    let upstream = Role::own(["upstream"])?;
    let address = upstream.address()?;
    let script = Script::Stream { chunks: CHUNKS_PER_STREAM, pause: std::time::Duration::ZERO };
    let rounds = if options.quick { 1 } else { ROUNDS };
    let (mut floor, mut rust) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floor.push(cpu_us_per_chunk(Role::own([
            "read".to_owned(),
            format!("--address={address}"),
            format!("--key={API_KEY}"),
            format!("--script={script}"),
            format!("--streams={STREAMS}"),
        ])?)?);
        // Every client takes the same four arguments: base URL, key, model, number of streams.
        let mut client = Command::new(&options.sdk_client);
        client.args([
            format!("http://{address}/v1"),
            API_KEY.into(),
            script.to_string(),
            STREAMS.to_string(),
        ]);
        rust.push(cpu_us_per_chunk(Role::start(&mut client)?)?);
    }
    let (floor, rust) = (median(floor), median(rust));
    let mut table = Table::new("SDK, CPU per streamed chunk", ["", "CPU µs/chunk", "above the floor µs"]);
    table.row([Cell::text("hyper, bytes only"), Cell::number(floor, 2), Cell::text("")]);
    table.row([Cell::text("Rust SDK, typed chunks"), Cell::number(rust, 2), Cell::number(rust - floor, 2)]);
    table.notes.push(format!(
        "Medians of {rounds} rounds of {STREAMS} streams with {CHUNKS_PER_STREAM} chunks each, upstream without pauses."
    ));
    Ok(table)
}

/// Lets a client warm up, then reads its CPU time around the streams.
fn cpu_us_per_chunk(mut client: Role) -> Result<f64> {
    anyhow::ensure!(client.line()? == "ready", "a client must say `ready` first");
    let before = CpuReading::of(client.pid())?;
    client.go_on()?;
    let line = client.line()?;
    let cpu = CpuReading::of(client.pid())?.since(&before);
    let chunks: u32 = line
        .strip_prefix("done ")
        .and_then(|chunks| chunks.parse().ok())
        .with_context(|| format!("a client said {line:?} instead of `done CHUNKS`"))?;
    client.go_on()?;
    let expected = CHUNKS_PER_STREAM * STREAMS;
    anyhow::ensure!(chunks as usize == expected, "a client saw {chunks} chunks instead of {expected}");
    Ok(cpu.as_secs_f64() * 1e6 / f64::from(chunks))
}
