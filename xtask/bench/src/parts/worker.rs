//! What a worker between the gateway and the upstream costs: the same gateway with and without one, side by side.

use anyhow::Result;

use super::{
    Options, bounds_note,
    laws::WORKER_P50_ADDED_MS,
    server::{Load, Proxy, ROUNDS, Round, alternate, middle, p50_ms, p99_ms},
};
use crate::{
    child::Role,
    gateway::{Gateway, Worker},
    report::{Cell, Table},
    roles::script::Script,
    statistics::median,
};

struct Case {
    title: &'static str,
    script: &'static str,
    connections: usize,
    requests: usize,
    rate: Option<usize>,
    /// Whether the law speaks of it: one caller, whose whole wait is the calls' own.
    is_judged: bool,
}

const CASES: [Case; 4] = [
    Case {
        title: "JSON 400",
        script: "bench-json-400",
        connections: 1,
        requests: 1500,
        rate: None,
        is_judged: true,
    },
    Case {
        title: "JSON 20,000",
        script: "bench-json-20000",
        connections: 1,
        requests: 1000,
        rate: None,
        is_judged: true,
    },
    Case {
        title: "JSON 400, 500/s",
        script: "bench-json-400",
        connections: 16,
        requests: 1000,
        rate: Some(500),
        is_judged: false,
    },
    Case {
        title: "SSE 64",
        script: "bench-stream-64",
        connections: 1,
        requests: 500,
        rate: None,
        is_judged: false,
    },
];

pub fn measure(options: &Options) -> Result<Table> {
    let scripts = CASES
        .iter()
        .map(|case| case.script.parse().map_err(anyhow::Error::msg))
        .collect::<Result<Vec<Script>>>()?;
    let mut models = scripts.clone();
    models.sort_by_key(ToString::to_string);
    models.dedup();
    let upstream = Role::own(["upstream"])?;
    let upstream_address = upstream.address()?;
    let direct = Gateway::start(&options.gateway, &options.scratch, &upstream_address, &models)?;
    let worker = Worker::start(&options.gateway, &options.scratch, &upstream_address)?;
    let before = Gateway::start_before(&worker, &options.gateway, &options.scratch, &models)?;
    let proxies = [
        Proxy { name: "in the process", address: &direct.address, pids: &[direct.pid()] },
        Proxy { name: "through a worker", address: &before.address, pids: &[before.pid(), worker.pid()] },
    ];

    let rounds = if options.quick { 1 } else { ROUNDS };
    let mut table = Table::new(
        "A worker between",
        ["answer", "conns", "", "p50 ms", "p99 ms", "CPU ms/req", "added p50 ms", "added p99 ms"],
    );
    for (case, script) in CASES.iter().zip(&scripts) {
        let load = Load {
            script: *script,
            connections: case.connections,
            requests: if options.quick { case.requests / 4 } else { case.requests },
            rate: case.rate,
        };
        let measured = alternate(&proxies, &load, rounds)?;
        add_rows(&mut table, case, &proxies, &measured);
        eprintln!("measured {} through a worker", case.title);
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, alternating; what is added is the median of pairs. The CPU is the gateway's and the worker's together."
    ));
    table.notes.push(bounds_note(&[WORKER_P50_ADDED_MS]));
    Ok(table)
}

fn add_rows(table: &mut Table, case: &Case, proxies: &[Proxy; 2], measured: &[Vec<Round>; 2]) {
    let added = |figure: fn(&Round) -> f64| {
        let pairs = measured[0].iter().zip(&measured[1]);
        median(pairs.map(|(direct, through)| figure(through) - figure(direct)).collect())
    };
    for (index, (proxy, rounds)) in proxies.iter().zip(measured).enumerate() {
        let added_p50 = match index {
            0 => Cell::text(""),
            _ if case.is_judged => Cell::judged(added(p50_ms), 3, "", WORKER_P50_ADDED_MS),
            _ => Cell::number(added(p50_ms), 3),
        };
        let added_p99 = if index == 0 { Cell::text("") } else { Cell::number(added(p99_ms), 3) };
        table.row([
            Cell::text(case.title),
            Cell::text(case.connections.to_string()),
            Cell::text(proxy.name),
            Cell::number(middle(rounds, p50_ms), 3),
            Cell::number(middle(rounds, p99_ms), 3),
            Cell::number(middle(rounds, |round| round.cpu_ms_per_request), 4),
            added_p50,
            added_p99,
        ]);
    }
}
