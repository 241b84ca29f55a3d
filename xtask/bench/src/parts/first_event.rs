//! How long a stream's first event takes in the gateway itself: through it, less what the upstream alone takes, while 256 streams are
//! open and a new one begins as each ends.

use anyhow::{Context, Result};

use super::{Options, bounds_note, laws::FIRST_EVENT_P99_MS};
use crate::{
    child::Role,
    gateway::{API_KEY, Gateway},
    report::{Cell, Table},
    roles::{load::Outcome, script::Script},
    statistics::median,
};

const STREAMS: usize = 256;
/// Each lasts 1.6 s: a model's pace, and no load that a small machine would queue for.
const SCRIPT: &str = "bench-stream-16-100ms";
/// So many begin per second that so many are open.
const RATE: usize = 160;
/// Odd, so that the median is a round that happened.
const ROUNDS: usize = 5;
const STREAMS_EACH: usize = 4;

pub fn measure(options: &Options) -> Result<Table> {
    let script: Script = SCRIPT.parse().map_err(anyhow::Error::msg)?;
    let upstream = Role::own(["upstream"])?;
    let upstream_address = upstream.address()?;
    let floor = Role::own(["floor", "--upstream", &upstream_address])?;
    let gateway = Gateway::start(&options.gateway, &options.scratch, &upstream_address, &[script])?;
    let ways = [
        ("upstream alone", upstream_address.clone()),
        ("floor", floor.address()?),
        ("gateway", gateway.address.clone()),
    ];
    let (rounds, each) = if options.quick { (1, 1) } else { (ROUNDS, STREAMS_EACH) };
    let mut measured: [Vec<Outcome>; 3] = Default::default();
    for (_, address) in &ways {
        // Connections, caches and allocator pools fill up before anything counts.
        round(address, script, 1)?;
    }
    for _ in 0..rounds {
        for ((_, address), outcomes) in ways.iter().zip(&mut measured) {
            outcomes.push(round(address, script, each)?);
        }
        eprintln!("measured a round of first events");
    }

    let mut table = Table::new(
        format!("First event at {STREAMS} streams"),
        ["", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms"],
    );
    let ms = |us: u64| us as f64 / 1000.0;
    let middle = |outcomes: &[Outcome], figure: fn(&Outcome) -> u64| {
        median(outcomes.iter().map(|outcome| ms(figure(outcome))).collect())
    };
    for ((name, _), outcomes) in ways.iter().zip(&measured) {
        // Of pairs, not of medians: a slow moment slows both halves of a pair.
        let added = |figure: fn(&Outcome) -> u64| {
            let pairs = measured[0].iter().zip(outcomes);
            median(pairs.map(|(alone, through)| ms(figure(through)) - ms(figure(alone))).collect())
        };
        let (added_p50, added_p99) =
            (added(|outcome| outcome.first_p50_us), added(|outcome| outcome.first_p99_us));
        table.row([
            Cell::text(*name),
            Cell::number(middle(outcomes, |outcome| outcome.first_p50_us), 2),
            Cell::number(middle(outcomes, |outcome| outcome.first_p99_us), 2),
            Cell::number(added_p50, 2),
            match *name {
                "gateway" => Cell::judged(added_p99, 2, "", FIRST_EVENT_P99_MS),
                _ => Cell::number(added_p99, 2),
            },
        ]);
    }
    table.notes.push(format!(
        "Medians of {rounds} rounds, one after the other. Streams of 16 events 100 ms apart, the first after 100 ms; {RATE} begin per \
         second. Added: less the upstream alone, in the same round."
    ));
    table.notes.push(bounds_note(&[FIRST_EVENT_P99_MS]));
    Ok(table)
}

fn round(address: &str, script: Script, each: usize) -> Result<Outcome> {
    let generator = Role::own([
        "load".to_owned(),
        format!("--address={address}"),
        format!("--key={API_KEY}"),
        format!("--script={script}"),
        format!("--connections={STREAMS}"),
        format!("--requests={}", STREAMS * each),
        format!("--rate={RATE}"),
    ])?;
    let line = generator.line().context("the load generator has ended")?;
    serde_json::from_str(&line).with_context(|| format!("the load generator said {line:?}"))
}
