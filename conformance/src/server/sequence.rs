//! A sequence: a gateway of the case's own, a clock that the case moves, and one call after the other.
//!
//! Start at [`run`].

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use serde_json::{Map, Value, json};
use tokio::net::{TcpSocket, TcpStream};

use super::config;
use super::process::Gateway;
use super::run::{self, PATIENCE};
use crate::compare::{self, Mismatch};
use crate::observation;
use crate::scenario::model::{Mode, Request};
use crate::scenario::sequence::Turn;
use crate::scenario::{Case, Variation};
use crate::snapshot::Wire;
use crate::upstream::ScriptedUpstream;
use crate::upstream::script::Script;
use crate::wire::http::{self, Answer, Leave};

/// 2026-01-01T00:00:00Z: a day and a month begin.
const STARTS_AT_US: u64 = 1_767_225_600_000_000;

/// What the gateway learns a moment later, it learns within this.
const EVENTUALLY: Duration = Duration::from_secs(5);

pub struct SequenceRun {
    pub mismatches: Vec<Mismatch>,
    /// Of the turn that went wrong, or of the last one.
    pub observed: Value,
    pub wire: Option<Wire>,
}

struct Stage<'a> {
    case: &'a Case,
    gateway: Gateway,
    upstream: &'a ScriptedUpstream,
    now_us: u64,
    /// Callers who stay.
    held: Vec<TcpStream>,
    /// What `${name}` stands for.
    kept: BTreeMap<String, String>,
    wire: Vec<(usize, Answer)>,
}

pub async fn run(case: &Case, binary: &Path, upstream: &ScriptedUpstream) -> Result<SequenceRun> {
    // Bound and not listening: whoever connects is refused, and nobody else gets the port.
    let dead = TcpSocket::new_v4()?;
    dead.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let config = config::render_own(case, upstream, dead.local_addr()?);
    let gateway = Gateway::start_at(binary, &config, Some(STARTS_AT_US)).await?;
    let mut stage = Stage {
        case,
        gateway,
        upstream,
        now_us: STARTS_AT_US,
        held: Vec::new(),
        kept: BTreeMap::new(),
        wire: Vec::new(),
    };
    let mut observed = Value::Null;
    for (index, turn) in case.body.sequence.iter().enumerate() {
        let mut mismatches;
        (mismatches, observed) = stage.turn(index + 1, turn).await?;
        if !mismatches.is_empty() {
            for mismatch in &mut mismatches {
                mismatch.path = format!("call {}: {}", index + 1, mismatch.path);
            }
            if let Value::Object(observed) = &mut observed {
                observed.insert("log".into(), json!(stage.gateway.log_tail().lines().collect::<Vec<_>>()));
            }
            return Ok(SequenceRun { mismatches, observed, wire: None });
        }
    }
    let wire = case.body.wants_snapshot();
    let wire = wire.then(|| Wire::of_sequence(case, &stage.wire, upstream.address, &stage.kept));
    Ok(SequenceRun { mismatches: Vec::new(), observed, wire })
}

impl Stage<'_> {
    async fn turn(&mut self, number: usize, turn: &Turn) -> Result<(Vec<Mismatch>, Value)> {
        if turn.own.advance_ms > 0 {
            self.now_us += turn.own.advance_ms * 1000;
            self.gateway.set_clock(self.now_us)?;
        }
        if turn.own.release {
            self.held.clear();
        }
        let mut case = Case { body: turn.body.clone(), ..self.case.clone() };
        let times = std::mem::replace(&mut case.body.request.times, 1);
        self.fill_in(&mut case.body.request);
        let mut expected = compare::expectation::complete(&case.body, Mode::Server, scripts(&case)?.last());
        fill_in_all(&mut expected, &|text| self.filled(text));
        if turn.own.together.is_some() {
            // Of many calls only the sum is known.
            let parts = ["statuses", "upstream"].map(|key| Some((key, expected.get(key)?.clone())));
            expected = json!(parts.into_iter().flatten().collect::<BTreeMap<_, _>>());
        }
        for _ in 1..times {
            let (observed, _) = self.call(&case, turn).await?;
            let mismatches = compare::pattern::compare(&expected, Some(&observed));
            if !mismatches.is_empty() {
                return Ok((mismatches, observed));
            }
        }
        let started = Instant::now();
        loop {
            let (observed, answer) = self.call(&case, turn).await?;
            let mismatches = compare::pattern::compare(&expected, Some(&observed));
            if !mismatches.is_empty() && turn.own.eventually && started.elapsed() < EVENTUALLY {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
            if let Some(answer) = answer.filter(|_| mismatches.is_empty()) {
                for (name, pointer) in &turn.own.keep {
                    self.keep(number, name, pointer, &observed)?;
                }
                if turn.body.wants_snapshot() {
                    self.wire.push((number, answer));
                }
            }
            return Ok((mismatches, observed));
        }
    }

    /// The answer is absent where there are several.
    async fn call(&mut self, case: &Case, turn: &Turn) -> Result<(Value, Option<Answer>)> {
        self.upstream.arm(&case.body, scripts(case)?, Vec::new());
        let request = run::request_bytes(case, self.gateway.address, self.upstream.address)?;
        let (mut observed, answer) = if let Some(count) = turn.own.together {
            let one = || http::exchange(self.gateway.address, &request, Leave::default(), PATIENCE);
            let answers = try_join_all((0..count).map(|_| one())).await?;
            let mut statuses = BTreeMap::<String, usize>::new();
            answers.iter().for_each(|answer| *statuses.entry(answer.status.to_string()).or_default() += 1);
            (Map::from_iter([("statuses".to_owned(), json!(statuses))]), None)
        } else {
            let mut socket = TcpStream::connect(self.gateway.address).await?;
            let leaves_after = case.body.request.abandon_after_events;
            let leave = Leave { after_events: turn.own.hold.then_some(1).or(leaves_after), after: None };
            let answer = http::exchange_on(&mut socket, &request, leave, PATIENCE).await?;
            let mut observed = observation::of_answer(&answer);
            if turn.own.hold {
                self.held.push(socket);
                // What comes later is not this turn's.
                ["body_complete", "terminal"].iter().for_each(|key| drop(observed.remove(*key)));
                observed.insert("body_complete".into(), json!(true));
                observed.insert("terminal".into(), json!("done"));
            } else {
                // Before anybody waits for the upstream to notice.
                drop(socket);
            }
            if case.body.abandons() {
                self.upstream.wait_until_left().await;
            }
            (observed, Some(answer))
        };
        observed.insert("upstream".into(), observation::of_upstream(&self.upstream.seen(), None));
        Ok((Value::Object(observed), answer))
    }

    fn keep(&mut self, number: usize, name: &str, pointer: &str, observed: &Value) -> Result<()> {
        let value = observed.get("body").and_then(|body| body.pointer(pointer));
        let Some(Value::String(text)) = value else {
            bail!("call {number}: no text at {pointer} to keep as {name}: {observed}")
        };
        self.kept.insert(name.to_owned(), text.clone());
        Ok(())
    }

    fn fill_in(&self, request: &mut Request) {
        request.headers.values_mut().flatten().for_each(|value| *value = self.filled(value));
        for text in [&mut request.path, &mut request.body].into_iter().flatten() {
            *text = self.filled(text);
        }
    }

    fn filled(&self, text: &str) -> String {
        self.kept
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    }
}

fn scripts(case: &Case) -> Result<Vec<Script>> {
    case.body.scripts().iter().map(|steps| Script::compile(steps, Variation::default())).collect()
}

fn fill_in_all(value: &mut Value, filled: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = filled(text),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in_all(item, filled)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill_in_all(field, filled)),
        _ => {}
    }
}
