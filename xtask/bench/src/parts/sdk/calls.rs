//! CPU per streamed chunk, per stream and per call that answers in one piece, and connections for ten streams in a row.
//!
//! A chunk's cost is the difference between long streams and short ones: what a call costs whatever comes (a request, a
//! connection, the head) is not in it, and stands beside it in what a short stream costs as a whole.
//!
//! Clients make laps. The middle one is judged; the cheapest stands beside it, as what else a shared host does makes a lap dearer
//! and never cheaper. A lap is long enough to pay for its garbage.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

use super::client::{CLIENTS, Calls, Client};
use crate::{
    child::Role,
    parts::{Options, bounds_note, laws},
    report::{Cell, Table},
    roles::{script::Script, upstream::CONNECTIONS},
    statistics::{least, median},
    usage::CpuReading,
};

const SHORT: Streams = Streams { chunks: 64, calls: Calls { warm_up: 200, lap: 100, laps: 5 } };
const LONG: Streams = Streams { chunks: 1024, calls: Calls { warm_up: 20, lap: 16, laps: 5 } };
const JSON: Calls = Calls { warm_up: 200, lap: 100, laps: 5 };
const JSON_CHARACTERS: usize = 400;
const TEN_IN_A_ROW: Calls = Calls { warm_up: 1, lap: 9, laps: 1 };
const ROUNDS: usize = 5;

#[derive(Clone, Copy)]
struct Streams {
    /// Of each.
    chunks: usize,
    calls: Calls,
}

impl Streams {
    fn script(self) -> Script {
        Script::Stream { chunks: self.chunks, pause: Duration::ZERO }
    }
}

/// CPU of one client, a figure for each lap, in microseconds.
#[derive(Default)]
struct Seen {
    short_stream: Vec<f64>,
    long_stream: Vec<f64>,
    call: Vec<f64>,
}

impl Seen {
    /// By what its laps come to.
    fn chunk(&self, of: fn(Vec<f64>) -> f64) -> f64 {
        let [short, long] = [&self.short_stream, &self.long_stream].map(|laps| of(laps.clone()));
        (long - short) / (LONG.chunks - SHORT.chunks) as f64
    }
}

pub fn measure(options: &Options) -> Result<Table> {
    let upstream = Role::own(["upstream"])?;
    let address = upstream.address()?;
    let json = Script::Json { characters: JSON_CHARACTERS };
    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut seen: Vec<Seen> = CLIENTS.iter().map(|_| Seen::default()).collect();
    // One round of all before the next of any: what else the machine does hits all alike.
    for _ in 0..rounds {
        for (seen, client) in seen.iter_mut().zip(&CLIENTS) {
            for (streams, laps) in [(SHORT, &mut seen.short_stream), (LONG, &mut seen.long_stream)] {
                if let Some(role) = client.start(options, &address, streams.script(), streams.calls)? {
                    laps.extend(laps_us(role, streams.calls, streams.chunks)?);
                }
            }
            if client.answers_whole()
                && let Some(role) = client.start(options, &address, json, JSON)?
            {
                seen.call.extend(laps_us(role, JSON, 1)?);
            }
        }
    }
    let chunk_us = |name: &str| {
        let found = CLIENTS.iter().zip(&seen).find(|(client, _)| client.name == name);
        found.map_or(f64::NAN, |(_, seen)| seen.chunk(median))
    };
    let header = [
        "",
        "CPU µs/chunk",
        "of OpenAI's",
        "cheapest",
        "CPU µs/stream of 64",
        "CPU µs/call",
        "connections/10 streams",
    ];
    let mut table = Table::new("SDKs, calls", header);
    for (client, seen) in CLIENTS.iter().zip(&seen) {
        if seen.short_stream.is_empty() {
            table.notes.push(format!("{}: left out, not installed.", client.name));
            continue;
        }
        let chunk = seen.chunk(median);
        let (us, ratio) = match client.chunk {
            Some(bounds) => (
                Cell::judged(chunk, 2, "", bounds.us),
                Cell::judged(chunk / chunk_us(bounds.other), 3, "", bounds.ratio),
            ),
            None => (Cell::number(chunk, 2), Cell::text("")),
        };
        table.row([
            Cell::text(client.name),
            us,
            ratio,
            Cell::number(seen.chunk(least), 2),
            Cell::number(median(seen.short_stream.clone()), 0),
            if seen.call.is_empty() { Cell::text("") } else { Cell::number(median(seen.call.clone()), 0) },
            connections_cell(options, client, &address)?,
        ]);
    }
    table.notes.push(format!(
        "Medians of {} laps, and the cheapest for comparison, in {rounds} processes: laps of {} streams with {} chunks and of {} with {}, upstream \
         without pauses, and of {} calls with {JSON_CHARACTERS} characters. Every chunk's text is read, as users do. A chunk's \
         cost is what a long stream costs more than a short one, for each chunk that it has more.",
        rounds * LONG.calls.laps,
        SHORT.calls.lap,
        SHORT.chunks,
        LONG.calls.lap,
        LONG.chunks,
        JSON.lap
    ));
    table.notes.push(bounds_note(&[
        laws::PYTHON_CHUNK_US,
        laws::PYTHON_CHUNK_RATIO,
        laws::TYPESCRIPT_CHUNK_US,
        laws::TYPESCRIPT_CHUNK_RATIO,
        laws::CONNECTIONS_PER_10_STREAMS,
    ]));
    Ok(table)
}

/// Lets a client warm up, then reads its CPU time around each lap: that of one call, which has so many `pieces`.
fn laps_us(mut client: Role, calls: Calls, pieces: usize) -> Result<Vec<f64>> {
    anyhow::ensure!(client.line()? == "ready", "a client must say `ready` first");
    let laps = (0..calls.laps).map(|_| {
        let cpu = lap(&mut client, calls.lap * pieces)?;
        Ok(cpu.as_secs_f64() * 1e6 / calls.lap as f64)
    });
    laps.collect()
}

fn lap(client: &mut Role, expected: usize) -> Result<Duration> {
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

fn connections_cell(options: &Options, client: &Client, address: &str) -> Result<Cell> {
    let before = connections(address)?;
    let Some(role) = client.start(options, address, SHORT.script(), TEN_IN_A_ROW)? else {
        return Ok(Cell::text(""));
    };
    laps_us(role, TEN_IN_A_ROW, SHORT.chunks)?;
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
