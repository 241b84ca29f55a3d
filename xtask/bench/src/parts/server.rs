//! The gateway against the floor: both stand before the same upstream, and rounds alternate between them, so that what
//! the machine does besides hits both.

use anyhow::{Context, Result};

use super::{
    Options, bounds_note,
    laws::{JSON_CPU_RATIO, P99_ADDED_MS, P99_CONNECTIONS, STREAM_CPU_RATIO},
};
use crate::{
    child::Role,
    gateway::{API_KEY, Gateway},
    report::{Cell, Table},
    roles::{load::Outcome, script::Script},
    statistics::median,
    usage::{CpuReading, rss_kib},
};

const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Odd, so that the median is a round that happened.
const ROUNDS: usize = 7;

struct Scenario {
    title: &'static str,
    script: &'static str,
    /// Requests of one round at 1 connection, and at more: about half a second of work.
    requests: (usize, usize),
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { title: "JSON 400", script: "bench-json-400", requests: (1500, 4000) },
    Scenario { title: "JSON 20,000", script: "bench-json-20000", requests: (1000, 2500) },
    Scenario { title: "SSE 64", script: "bench-stream-64", requests: (500, 1200) },
    // What a model's own pace does to the figures; no law bounds it.
    Scenario { title: "SSE 64, 2 ms apart", script: "bench-stream-64-2ms", requests: (4, 128) },
];

/// What a round showed.
struct Round {
    outcome: Outcome,
    cpu_ms_per_request: f64,
}

struct Proxy<'a> {
    name: &'static str,
    address: &'a str,
    pid: u32,
}

pub fn measure(options: &Options) -> Result<Table> {
    let scripts = SCENARIOS.iter().map(|scenario| parse(scenario.script)).collect::<Result<Vec<Script>>>()?;
    let upstream = Role::own(["upstream"])?;
    let upstream_address = upstream.address()?;
    let floor = Role::own(["floor", "--upstream", &upstream_address])?;
    let floor_address = floor.address()?;
    let gateway = Gateway::start(&options.gateway, &options.scratch, &upstream_address, &scripts)?;
    let proxies = [
        Proxy { name: "floor", address: &floor_address, pid: floor.pid() },
        Proxy { name: "gateway", address: &gateway.address, pid: gateway.pid() },
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
            "CPU ratio",
            "added p99 ms",
        ],
    );
    for (scenario, script) in SCENARIOS.iter().zip(&scripts) {
        for connections in CONNECTIONS {
            let (few, many) = scenario.requests;
            let requests = (if connections == 1 { few } else { many }) / if options.quick { 4 } else { 1 };
            let measured = alternate(&proxies, *script, connections, requests.max(connections), rounds)?;
            add_rows(&mut table, scenario, *script, connections, &proxies, &measured)?;
            eprintln!("measured {} at {connections}", scenario.title);
        }
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, alternating. Floor: hyper's server before hyper-util's pooled client, nothing else. \
         Gateway: keys checked, every request logged to a file."
    ));
    table.notes.push(bounds_note(&[JSON_CPU_RATIO, STREAM_CPU_RATIO, P99_ADDED_MS]));
    Ok(table)
}

fn parse(script: &str) -> Result<Script> {
    script.parse().map_err(anyhow::Error::msg)
}

fn alternate(
    proxies: &[Proxy; 2],
    script: Script,
    connections: usize,
    requests: usize,
    rounds: usize,
) -> Result<[Vec<Round>; 2]> {
    let mut measured = [Vec::new(), Vec::new()];
    for proxy in proxies {
        // Connections, caches and allocator pools fill up before anything counts.
        round(proxy, script, connections, (requests / 4).max(connections))?;
    }
    for number in 0..rounds {
        // Neither always goes first.
        let order = if number % 2 == 0 { [0, 1] } else { [1, 0] };
        for index in order {
            measured[index].push(round(&proxies[index], script, connections, requests)?);
        }
    }
    Ok(measured)
}

fn round(proxy: &Proxy, script: Script, connections: usize, requests: usize) -> Result<Round> {
    let before = CpuReading::of(proxy.pid)?;
    let load = Role::own([
        "load".to_owned(),
        format!("--address={}", proxy.address),
        format!("--key={API_KEY}"),
        format!("--script={script}"),
        format!("--connections={connections}"),
        format!("--requests={requests}"),
    ])?;
    let line = load
        .line()
        .with_context(|| format!("{script} at {connections} connections on the {}", proxy.name))?;
    let cpu = CpuReading::of(proxy.pid)?.since(&before);
    let outcome: Outcome =
        serde_json::from_str(&line).with_context(|| format!("the load generator said {line:?}"))?;
    let cpu_ms_per_request = cpu.as_secs_f64() * 1000.0 / outcome.requests as f64;
    Ok(Round { outcome, cpu_ms_per_request })
}

fn add_rows(
    table: &mut Table,
    scenario: &Scenario,
    script: Script,
    connections: usize,
    proxies: &[Proxy; 2],
    measured: &[Vec<Round>; 2],
) -> Result<()> {
    let middle = |rounds: &[Round], figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    // Of pairs, not of medians: a slow minute slows both halves of a pair.
    let paired = |figure: fn(&Round, &Round) -> f64| {
        median(measured[0].iter().zip(&measured[1]).map(|(floor, gateway)| figure(floor, gateway)).collect())
    };
    let cpu_ratio = paired(|floor, gateway| gateway.cpu_ms_per_request / floor.cpu_ms_per_request);
    let p99_added_ms = paired(|floor, gateway| p99_ms(gateway) - p99_ms(floor));

    for (proxy, rounds) in proxies.iter().zip(measured) {
        let is_gateway = proxy.name == "gateway";
        let ratio = match script {
            _ if !is_gateway => Cell::text(""),
            Script::Json { .. } => Cell::judged(cpu_ratio, 2, "×", JSON_CPU_RATIO),
            Script::Stream { pause, .. } if pause.is_zero() => {
                Cell::judged(cpu_ratio, 2, "×", STREAM_CPU_RATIO)
            }
            _ => Cell::text(format!("{cpu_ratio:.2}×")),
        };
        let added = match is_gateway {
            false => Cell::text(""),
            true if connections == P99_CONNECTIONS => Cell::judged(p99_added_ms, 2, "", P99_ADDED_MS),
            true => Cell::number(p99_added_ms, 2),
        };
        table.row([
            Cell::text(scenario.title),
            Cell::text(connections.to_string()),
            Cell::text(proxy.name),
            Cell::number(middle(rounds, |round| round.outcome.requests as f64 / round.outcome.seconds), 0),
            Cell::number(middle(rounds, |round| round.outcome.p50_us as f64 / 1000.0), 3),
            Cell::number(middle(rounds, p99_ms), 3),
            Cell::number(middle(rounds, |round| round.cpu_ms_per_request), 4),
            Cell::number(rss_kib(proxy.pid)? as f64 / 1024.0, 1),
            ratio,
            added,
        ]);
    }
    Ok(())
}

fn p99_ms(round: &Round) -> f64 {
    round.outcome.p99_us as f64 / 1000.0
}
