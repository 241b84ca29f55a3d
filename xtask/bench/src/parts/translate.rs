//! What a vendor's translation costs: streams of vendors with an API of their own beside streams that pass through, and what it
//! takes to go on to the next target after the first has failed.
//!
//! A stream's cost has a part that is the request's. Streams of two lengths tell it from the chunks'.

use anyhow::Result;

use super::{
    Options, bounds_note,
    laws::{FALLBACK_P99_MS, TRANSLATION_CHUNK_US},
    server::{Load, Proxy, ROUNDS, Round, alternate},
};
use crate::{
    child::Role,
    gateway::{Gateway, Targets},
    report::{Cell, Table},
    roles::script::Script,
    statistics::median,
};

const SHORT: usize = 64;
const LONG: usize = 1024;
const CONNECTIONS: usize = 4;
const SHORT_REQUESTS: usize = 2000;
const LONG_REQUESTS: usize = 250;
const KINDS: [&str; 3] = ["openai", "anthropic", "gemini"];

pub fn measure(options: &Options) -> Result<Vec<Table>> {
    let upstream = Role::own(["upstream"])?;
    let address = upstream.address()?;
    Ok(vec![translations(options, &address)?, fallbacks(options, &address)?])
}

fn translations(options: &Options, upstream: &str) -> Result<Table> {
    let lengths = [SHORT, LONG];
    let scripts = lengths.map(|chunks| Script::Stream { chunks, pause: std::time::Duration::ZERO });
    let gateways = start(options, upstream, &scripts, KINDS.map(|kind| (kind, Targets::One)))?;
    let pids = gateways.each_ref().map(|gateway| [gateway.pid()]);
    let proxies: [Proxy; 3] =
        std::array::from_fn(|at| Proxy { name: KINDS[at], address: &gateways[at].address, pids: &pids[at] });

    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut measured = Vec::new();
    for (script, requests) in scripts.into_iter().zip([SHORT_REQUESTS, LONG_REQUESTS]) {
        let requests = if options.quick { requests / 4 } else { requests };
        let load = Load { script, connections: CONNECTIONS, requests, rate: None };
        measured.push(alternate(&proxies, &load, rounds)?);
        eprintln!("measured {script} of {}", KINDS.join(", "));
    }

    let mut table = Table::new(
        "Translation of streams",
        ["kind", "CPU µs, 64 chunks", "CPU µs, 1,024 chunks", "µs per chunk", "added µs per chunk"],
    );
    // In one round, so that a slow moment hits both lengths' neighbours alike.
    let per_chunk = |kind: usize, round: usize| {
        let us = |length: usize| measured[length][kind][round].cpu_ms_per_request * 1000.0;
        (us(1) - us(0)) / (LONG - SHORT) as f64
    };
    let middle = |figure: &dyn Fn(usize) -> f64| median((0..rounds).map(figure).collect());
    for (kind, name) in KINDS.iter().enumerate() {
        let whole =
            |length: usize| middle(&|round| measured[length][kind][round].cpu_ms_per_request * 1000.0);
        let added = middle(&|round| per_chunk(kind, round) - per_chunk(0, round));
        table.row([
            Cell::text(*name),
            Cell::number(whole(0), 1),
            Cell::number(whole(1), 1),
            Cell::number(middle(&|round| per_chunk(kind, round)), 2),
            if kind == 0 { Cell::text("") } else { Cell::judged(added, 2, "", TRANSLATION_CHUNK_US) },
        ]);
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, alternating, {CONNECTIONS} connections, events as fast as they are taken: they arrive and leave \
         many at a time. A chunk's cost is the difference between the lengths; each chunk is one word."
    ));
    table.notes.push(bounds_note(&[TRANSLATION_CHUNK_US]));
    Ok(table)
}

fn fallbacks(options: &Options, upstream: &str) -> Result<Table> {
    let script: Script = "bench-json-400".parse().map_err(anyhow::Error::msg)?;
    let cases = [("openai", Targets::One), ("openai", Targets::FirstFails)];
    let gateways = start(options, upstream, &[script], cases)?;
    let pids = gateways.each_ref().map(|gateway| [gateway.pid()]);
    let names = ["the only target", "the first has failed"];
    let proxies: [Proxy; 2] =
        std::array::from_fn(|at| Proxy { name: names[at], address: &gateways[at].address, pids: &pids[at] });
    let rounds = if options.quick { 1 } else { ROUNDS };
    let requests = if options.quick { 250 } else { 1000 };
    let measured = alternate(&proxies, &Load { script, connections: 1, requests, rate: None }, rounds)?;

    let mut table = Table::new("Fallback", ["", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms"]);
    let ms = |us: u64| us as f64 / 1000.0;
    for (at, name) in names.iter().enumerate() {
        let middle =
            |figure: fn(&Round) -> u64| median(measured[at].iter().map(|round| ms(figure(round))).collect());
        let added = |figure: fn(&Round) -> u64| {
            let pairs = measured[0].iter().zip(&measured[at]);
            median(pairs.map(|(one, other)| ms(figure(other)) - ms(figure(one))).collect())
        };
        let p50 = |round: &Round| round.outcome.p50_us;
        let p99 = |round: &Round| round.outcome.p99_us;
        table.row([
            Cell::text(*name),
            Cell::number(middle(p50), 3),
            Cell::number(middle(p99), 3),
            if at == 0 { Cell::text("") } else { Cell::number(added(p50), 3) },
            if at == 0 { Cell::text("") } else { Cell::judged(added(p99), 3, "", FALLBACK_P99_MS) },
        ]);
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, alternating, one caller. The first target answers every call with a 404 at once. What is added holds \
         that whole call, too: the decision alone is less."
    ));
    table.notes.push(bounds_note(&[FALLBACK_P99_MS]));
    Ok(table)
}

fn start<const N: usize>(
    options: &Options,
    upstream: &str,
    scripts: &[Script],
    cases: [(&str, Targets); N],
) -> Result<[Gateway; N]> {
    let mut gateways = Vec::new();
    for (number, (kind, targets)) in cases.into_iter().enumerate() {
        let folder = options.scratch.join(format!("translate-{number}"));
        gateways.push(Gateway::start_of(kind, targets, &options.gateway, &folder, upstream, scripts)?);
    }
    gateways.try_into().map_err(|_| anyhow::anyhow!("a gateway is missing"))
}
