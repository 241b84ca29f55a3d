//! Memory per stream that is open and says nothing: the floor and the gateway, one after the other, each fresh.

use anyhow::{Context, Result};

use super::{Options, bounds_note, laws::IDLE_STREAM_KIB};
use crate::{
    child::Role,
    gateway::{API_KEY, Gateway},
    report::{Cell, Table},
    roles::script::Script,
    usage::rss_kib,
};

const STREAMS: usize = 9_000;
const STREAMS_QUICK: usize = 500;
/// A proxy holds two sockets per stream, and some files besides.
const FILES_PER_STREAM: u64 = 2;
const FILES_BESIDES: u64 = 200;

pub fn measure(options: &Options) -> Result<Table> {
    // Children inherit the soft limit.
    let limit = rlimit::increase_nofile_limit(u64::MAX).context("cannot raise the limit of open files")?;
    let fit = usize::try_from(limit.saturating_sub(FILES_BESIDES) / FILES_PER_STREAM)?;
    let streams = fit.min(if options.quick { STREAMS_QUICK } else { STREAMS });
    let mut table = Table::new(
        format!("{streams} idle streams"),
        ["", "RSS before MiB", "RSS with streams MiB", "KiB per stream"],
    );

    let upstream = Role::own(["upstream"])?;
    let upstream_address = upstream.address()?;
    {
        let floor = Role::own(["floor", "--upstream", &upstream_address])?;
        let (before, after) = hold(&floor.address()?, floor.pid(), streams)?;
        let kib = per_stream(before, after, streams);
        table.row([Cell::text("floor"), mib(before), mib(after), Cell::number(kib, 1)]);
    }
    {
        let gateway = Gateway::start(&options.gateway, &options.scratch, &upstream_address, &[Script::Idle])?;
        let (before, after) = hold(&gateway.address, gateway.pid(), streams)?;
        let kib = per_stream(before, after, streams);
        table.row([
            Cell::text("gateway"),
            mib(before),
            mib(after),
            Cell::judged(kib, 1, "", IDLE_STREAM_KIB),
        ]);
    }
    table
        .notes
        .push(format!("The machine allows {limit} open files per process; a proxy needs 2 per stream."));
    table.notes.push(bounds_note(&[IDLE_STREAM_KIB]));
    Ok(table)
}

/// Resident memory of a proxy before and while it holds the streams, each after its first event.
fn hold(address: &str, pid: u32, streams: usize) -> Result<(u64, u64)> {
    let client = |streams: usize| {
        Role::own([
            "hold".to_owned(),
            format!("--address={address}"),
            format!("--key={API_KEY}"),
            format!("--script={}", Script::Idle),
            format!("--streams={streams}"),
        ])
    };
    // The first stream pays for what all share.
    let warm_up = client(1)?;
    warm_up.line()?;
    let before = rss_kib(pid)?;
    let holding = client(streams)?;
    let line = holding.line()?;
    anyhow::ensure!(line == format!("open {streams}"), "the client said {line:?}");
    Ok((before, rss_kib(pid)?))
}

fn per_stream(before_kib: u64, after_kib: u64, streams: usize) -> f64 {
    after_kib.saturating_sub(before_kib) as f64 / streams as f64
}

fn mib(kib: u64) -> Cell {
    Cell::number(kib as f64 / 1024.0, 1)
}
