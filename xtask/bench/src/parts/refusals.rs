//! How long the gateway takes over requests that it must refuse: a wrong key, and JSON that is nested without end.
//!
//! A request each on a connection of its own, as a stranger's would be; the time counts from sending to the answer's end.

use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::{
    Options, bounds_note,
    laws::{BAD_KEY_MS, DEEP_JSON_MS},
};
use crate::{
    child::Role,
    gateway::{API_KEY, Gateway},
    report::{Bound, Cell, Table},
    roles::{http::Connection, script::Script, small_runtime},
    statistics::median,
};

const ROUNDS: usize = 21;
const DEPTH: usize = 100_000;
/// Well-formed, and nobody's.
const BAD_KEY: &str = "sk-novai-bench-ffffffffffffffffffffffffffffffffffff";

struct Refused {
    title: &'static str,
    key: &'static str,
    body: Bytes,
    status: u16,
    bound: Bound,
}

pub fn measure(options: &Options) -> Result<Table> {
    let upstream = Role::own(["upstream"])?;
    let script = Script::Json { characters: 400 };
    let gateway = Gateway::start(&options.gateway, &options.scratch, &upstream.address()?, &[script])?;
    let nested = format!(r#"{{"model":"{script}","messages":{}{}}}"#, "[".repeat(DEPTH), "]".repeat(DEPTH));
    let cases = [
        Refused {
            title: "JSON 100,000 levels deep",
            key: API_KEY,
            body: nested.into(),
            status: 400,
            bound: DEEP_JSON_MS,
        },
        Refused { title: "wrong key", key: BAD_KEY, body: script.request(), status: 401, bound: BAD_KEY_MS },
    ];
    let runtime = small_runtime()?;
    let mut table = Table::new("Refusals", ["request", "status", "ms"]);
    for case in &cases {
        let mut times_ms = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            times_ms.push(runtime.block_on(refused_ms(&gateway.address, case))?);
        }
        let worst_ms = times_ms.iter().copied().fold(0.0, f64::max);
        let judged = Cell::judged(median(times_ms), 2, "", case.bound);
        table.row([Cell::text(case.title), Cell::text(case.status.to_string()), judged]);
        table.notes.push(format!("{}: the slowest of {ROUNDS} took {worst_ms:.2} ms.", case.title));
    }
    table.notes.push(bounds_note(&[DEEP_JSON_MS, BAD_KEY_MS]));
    Ok(table)
}

async fn refused_ms(address: &str, case: &Refused) -> Result<f64> {
    let mut connection = Connection::open(address).await?;
    let sent = Instant::now();
    let response = connection.ask(address, case.key, case.body.clone()).await?;
    let status = response.status().as_u16();
    response.into_body().collect().await?;
    let ms = sent.elapsed().as_secs_f64() * 1000.0;
    ensure!(status == case.status, "{} was answered {status} instead of {}", case.title, case.status);
    Ok(ms)
}
