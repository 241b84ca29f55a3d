//! CPU per streamed chunk and per call that answers in one piece, and connections for ten streams in a row.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use super::client::{CLIENTS, Client};
use crate::{
    child::Role,
    parts::{Options, bounds_note, laws},
    report::{Cell, Table},
    roles::{script::Script, upstream::CONNECTIONS},
    statistics::median,
    usage::CpuReading,
};

const CHUNKS_PER_STREAM: usize = 64;
const STREAMS: usize = 500;
const JSON_CALLS: usize = 500;
const JSON_CHARACTERS: usize = 400;
const ROUNDS: usize = 5;
/// Of which the first is the one before `ready`.
const STREAMS_IN_A_ROW: usize = 10;

pub fn measure(options: &Options) -> Result<Table> {
    let upstream = Role::own(["upstream"])?;
    let address = upstream.address()?;
    let stream = Script::Stream { chunks: CHUNKS_PER_STREAM, pause: Duration::ZERO };
    let json = Script::Json { characters: JSON_CHARACTERS };
    let rounds = if options.quick { 1 } else { ROUNDS };
    // One round of all before the next of any: what else the machine does hits all alike.
    let mut chunks_us: Vec<Vec<f64>> = CLIENTS.iter().map(|_| Vec::new()).collect();
    let mut calls_us = chunks_us.clone();
    for _ in 0..rounds {
        for (index, client) in CLIENTS.iter().enumerate() {
            if let Some(role) = client.start(options, &address, stream, STREAMS)? {
                chunks_us[index].push(cpu_us(role, CHUNKS_PER_STREAM * STREAMS)?);
            }
            if client.answers_whole()
                && let Some(role) = client.start(options, &address, json, JSON_CALLS)?
            {
                calls_us[index].push(cpu_us(role, JSON_CALLS)?);
            }
        }
    }
    let header = ["", "CPU µs/chunk", "CPU µs/call", "connections/10 streams"];
    let mut table = Table::new("SDKs, calls", header);
    for ((client, chunks), calls) in CLIENTS.iter().zip(chunks_us).zip(calls_us) {
        if chunks.is_empty() {
            table.notes.push(format!("{}: left out, not installed.", client.name));
            continue;
        }
        let chunk = median(chunks);
        table.row([
            Cell::text(client.name),
            client.chunk.map_or_else(|| Cell::number(chunk, 2), |bound| Cell::judged(chunk, 2, "", bound)),
            if calls.is_empty() { Cell::text("") } else { Cell::number(median(calls), 0) },
            connections_cell(options, client, &address, stream)?,
        ]);
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds of {STREAMS} streams with {CHUNKS_PER_STREAM} chunks each, upstream without pauses, and of \
         {JSON_CALLS} calls with {JSON_CHARACTERS} characters. Every chunk's text is read, as users do."
    ));
    table.notes.push(bounds_note(&[
        laws::PYTHON_CHUNK_US,
        laws::TYPESCRIPT_CHUNK_US,
        laws::CONNECTIONS_PER_10_STREAMS,
    ]));
    Ok(table)
}

/// Lets a client warm up, then reads its CPU time around its calls.
fn cpu_us(mut client: Role, expected: usize) -> Result<f64> {
    let cpu = run(&mut client, expected)?;
    client.go_on()?;
    Ok(cpu.as_secs_f64() * 1e6 / expected as f64)
}

fn run(client: &mut Role, expected: usize) -> Result<Duration> {
    anyhow::ensure!(client.line()? == "ready", "a client must say `ready` first");
    let before = CpuReading::of(client.pid())?;
    client.go_on()?;
    let line = client.line()?;
    let cpu = CpuReading::of(client.pid())?.since(&before);
    let count: usize = line
        .strip_prefix("done ")
        .and_then(|count| count.parse().ok())
        .with_context(|| format!("a client said {line:?} instead of `done COUNT`"))?;
    anyhow::ensure!(count == expected, "a client saw {count} chunks or answers instead of {expected}");
    Ok(cpu)
}

fn connections_cell(options: &Options, client: &Client, address: &str, script: Script) -> Result<Cell> {
    let before = connections(address)?;
    let Some(mut role) = client.start(options, address, script, STREAMS_IN_A_ROW - 1)? else {
        return Ok(Cell::text(""));
    };
    run(&mut role, CHUNKS_PER_STREAM * (STREAMS_IN_A_ROW - 1))?;
    // Each question is a connection of its own.
    let opened = connections(address)? - before - 1;
    Ok(match client.ours {
        true => Cell::judged(opened as f64, 0, "", laws::CONNECTIONS_PER_10_STREAMS),
        false => Cell::number(opened as f64, 0),
    })
}

fn connections(address: &str) -> Result<usize> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {CONNECTIONS} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    body.trim().parse().context("the upstream does not count")
}
