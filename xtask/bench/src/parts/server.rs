//! The gateway against the floor, and against itself without limits, budgets and ledger: all stand before the same upstream,
//! and rounds alternate between them, so that what the machine does besides hits all.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{
    Options, bounds_note,
    laws::{
        JSON_CPU_RATIO, JSON_CPU_RATIO_BARE, LEDGER_CPU_RATIO, P99_ADDED_MS, P99_CONNECTIONS,
        STREAM_CPU_RATIO,
    },
    scenarios::{SCENARIOS, Scenario},
};
use crate::{
    child::Role,
    gateway::{API_KEY, Gateway},
    report::{Bound, Cell, Table},
    roles::{load::Outcome, script::Script},
    statistics::{median, middle_half},
    usage::{CpuReading, rss_kib},
};

/// Odd, so that the median is a round that happened.
pub(super) const ROUNDS: usize = 15;

/// What a round showed.
pub(super) struct Round {
    pub outcome: Outcome,
    pub cpu_ms_per_request: f64,
}

pub(super) struct Proxy<'a> {
    pub name: &'static str,
    pub address: &'a str,
    /// Whose CPU time counts.
    pub pids: &'a [u32],
}

pub fn measure(options: &Options) -> Result<Table> {
    let scripts = SCENARIOS.iter().map(|scenario| parse(scenario.script)).collect::<Result<Vec<Script>>>()?;
    let upstream = Role::own(["upstream"])?;
    let upstream_address = upstream.address()?;
    let floor = Role::own(["floor", "--upstream", &upstream_address])?;
    let floor_address = floor.address()?;
    let mut models = scripts.clone();
    models.dedup();
    let bare = Gateway::start_bare(&options.gateway, &options.scratch, &upstream_address, &models)?;
    let gateway = Gateway::start(&options.gateway, &options.scratch, &upstream_address, &models)?;
    let proxies = [
        Proxy { name: "floor", address: &floor_address, pids: &[floor.pid()] },
        Proxy { name: "bare gateway", address: &bare.address, pids: &[bare.pid()] },
        Proxy { name: "gateway", address: &gateway.address, pids: &[gateway.pid()] },
    ];

    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut table = Table::new(
        "Gateway against the floor",
        [
            "answer",
            "conns",
            "",
            "req/s",
            "p50 ms",
            "p99 ms",
            "CPU ms/req",
            "RSS MiB",
            "of the floor's",
            "half of them",
            "of the bare one's",
            "added p99 ms",
        ],
    );
    for (scenario, script) in SCENARIOS.iter().zip(&scripts) {
        for &connections in scenario.connections {
            let load = Load {
                script: *script,
                connections,
                requests: scenario.requests(connections, options.quick),
                rate: scenario.rate,
            };
            let measured = alternate(&proxies, &load, rounds)?;
            add_rows(&mut table, scenario, &load, &proxies, &measured)?;
            eprintln!("measured {} at {connections}", scenario.title);
        }
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, alternating, and what half of the CPU's ratios lie between. Floor: hyper's server before \
         hyper-util's pooled client, nothing else. Bare gateway: keys checked, every request in a log file. Gateway: limits and \
         budgets kept, too, and every request in the ledger. Without a rate, connections send as fast as they are answered, and \
         waiting for the CPU is most of the latency."
    ));
    table.notes.push(bounds_note(&[
        JSON_CPU_RATIO,
        JSON_CPU_RATIO_BARE,
        LEDGER_CPU_RATIO,
        STREAM_CPU_RATIO,
        P99_ADDED_MS,
    ]));
    Ok(table)
}

fn parse(script: &str) -> Result<Script> {
    script.parse().map_err(anyhow::Error::msg)
}

/// What one round sends.
pub(super) struct Load {
    pub script: Script,
    pub connections: usize,
    pub requests: usize,
    pub rate: Option<usize>,
}

pub(super) fn alternate<const N: usize>(
    proxies: &[Proxy; N],
    load: &Load,
    rounds: usize,
) -> Result<[Vec<Round>; N]> {
    let mut measured = [const { Vec::new() }; N];
    for proxy in proxies {
        // Connections, caches and allocator pools fill up before anything counts.
        round(proxy, &Load { requests: (load.requests / 4).max(load.connections), ..*load })?;
    }
    for number in 0..rounds {
        // Neither always goes first.
        for place in 0..N {
            let index = if number % 2 == 0 { place } else { N - 1 - place };
            measured[index].push(round(&proxies[index], load)?);
        }
    }
    Ok(measured)
}

fn round(proxy: &Proxy, load: &Load) -> Result<Round> {
    let before = readings(proxy)?;
    let mut arguments = vec![
        "load".to_owned(),
        format!("--address={}", proxy.address),
        format!("--key={API_KEY}"),
        format!("--script={}", load.script),
        format!("--connections={}", load.connections),
        format!("--requests={}", load.requests),
    ];
    arguments.extend(load.rate.map(|rate| format!("--rate={rate}")));
    let generator = Role::own(arguments)?;
    let line = generator.line().with_context(|| {
        format!("{} at {} connections on the {}", load.script, load.connections, proxy.name)
    })?;
    let after = readings(proxy)?;
    let cpu: Duration = after.iter().zip(&before).map(|(after, before)| after.since(before)).sum();
    let outcome: Outcome =
        serde_json::from_str(&line).with_context(|| format!("the load generator said {line:?}"))?;
    let cpu_ms_per_request = cpu.as_secs_f64() * 1000.0 / outcome.requests as f64;
    Ok(Round { outcome, cpu_ms_per_request })
}

fn readings(proxy: &Proxy) -> Result<Vec<CpuReading>> {
    proxy.pids.iter().map(|pid| CpuReading::of(*pid)).collect()
}

fn rss_mib(proxy: &Proxy) -> Result<f64> {
    let kib = proxy.pids.iter().map(|pid| rss_kib(*pid)).sum::<Result<u64>>()?;
    Ok(kib as f64 / 1024.0)
}

fn add_rows(
    table: &mut Table,
    scenario: &Scenario,
    load: &Load,
    proxies: &[Proxy; 3],
    measured: &[Vec<Round>; 3],
) -> Result<()> {
    let [floor, bare, _] = measured;
    let is_paced = matches!(load.script, Script::Stream { pause, .. } if !pause.is_zero());
    let is_judged = !is_paced && scenario.is_full_speed();
    let ratio = |value: f64, bound: Bound| {
        if is_judged { Cell::judged(value, 2, "×", bound) } else { Cell::text(format!("{value:.2}×")) }
    };
    // How each may compare with the floor where it answers with JSON, and whether it is compared with the bare one.
    let comparisons = [None, Some((JSON_CPU_RATIO_BARE, false)), Some((JSON_CPU_RATIO, true))];
    for ((proxy, rounds), comparison) in proxies.iter().zip(measured).zip(comparisons) {
        let compared = match comparison {
            None => ["", "", "", ""].map(Cell::text),
            Some((json_bound, with_bare)) => {
                let of_floor = paired(rounds, floor, cpu_ratio);
                let (least, most) = middle_half(of_floor.clone());
                let is_json = matches!(load.script, Script::Json { .. });
                let added_ms = median(paired(rounds, floor, |round, floor| p99_ms(round) - p99_ms(floor)));
                [
                    ratio(median(of_floor), if is_json { json_bound } else { STREAM_CPU_RATIO }),
                    Cell::text(format!("{least:.2}–{most:.2}")),
                    match with_bare {
                        true => ratio(median(paired(rounds, bare, cpu_ratio)), LEDGER_CPU_RATIO),
                        false => Cell::text(""),
                    },
                    match load.connections == P99_CONNECTIONS && !is_paced {
                        true => Cell::judged(added_ms, 2, "", P99_ADDED_MS),
                        false => Cell::number(added_ms, 2),
                    },
                ]
            }
        };
        let [of_floor, half, of_bare, added] = compared;
        table.row([
            Cell::text(scenario.title),
            Cell::text(load.connections.to_string()),
            Cell::text(proxy.name),
            Cell::number(middle(rounds, |round| round.outcome.requests as f64 / round.outcome.seconds), 0),
            Cell::number(middle(rounds, p50_ms), 3),
            Cell::number(middle(rounds, p99_ms), 3),
            Cell::number(middle(rounds, |round| round.cpu_ms_per_request), 4),
            Cell::number(rss_mib(proxy)?, 1),
            of_floor,
            half,
            of_bare,
            added,
        ]);
    }
    Ok(())
}

/// Of pairs of rounds, not of medians: a slow minute slows both halves of a pair.
fn paired(rounds: &[Round], others: &[Round], figure: fn(&Round, &Round) -> f64) -> Vec<f64> {
    rounds.iter().zip(others).map(|(round, other)| figure(round, other)).collect()
}

fn cpu_ratio(round: &Round, other: &Round) -> f64 {
    round.cpu_ms_per_request / other.cpu_ms_per_request
}

pub(super) fn middle(rounds: &[Round], figure: fn(&Round) -> f64) -> f64 {
    median(rounds.iter().map(figure).collect())
}

pub(super) fn p50_ms(round: &Round) -> f64 {
    round.outcome.p50_us as f64 / 1000.0
}

pub(super) fn p99_ms(round: &Round) -> f64 {
    round.outcome.p99_us as f64 / 1000.0
}
