//! Runs cases on columns, many at a time, and judges each.
//!
//! Start at [`run`]. Cases with deadlines run after the others, and those that bound a time alone:
//! a busy machine must not fail them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::client;
use crate::client::adapter::{AdapterCommand, AdapterPool, PATIENCE, PATIENCE_IF_LISTED};
use crate::compare::{self, Mismatch};
use crate::known_failing::KnownFailing;
use crate::scenario::model::LineEnd;
use crate::scenario::{Case, Column, Variation};
use crate::server::process::Gateway;
use crate::server::{self, config};
use crate::snapshot::Wire;
use crate::upstream::ScriptedUpstream;
use crate::upstream::script::Script;

pub struct Settings {
    pub cases: Vec<Case>,
    pub server_binary: Option<PathBuf>,
    /// Column and command of each adapter.
    pub clients: Vec<(String, AdapterCommand)>,
    /// Of other people's SDKs.
    pub compared: Vec<(String, AdapterCommand)>,
    pub known_failing: PathBuf,
    pub concurrency: usize,
}

/// How one case ended on one column.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub case: Arc<Case>,
    pub column: Column,
    pub runs: usize,
    /// The first run that failed; later ones of the same case are not made.
    pub failure: Option<Failure>,
    /// Why it is listed as failing, if it is.
    pub known_failing: Option<String>,
    pub wire: Option<Wire>,
}

#[derive(Debug, Clone)]
pub struct Failure {
    /// Which variation of the case; empty if it has none.
    pub variation: String,
    pub mismatches: Vec<Mismatch>,
    /// What was seen, or why nothing was.
    pub observed: Value,
}

impl Verdict {
    /// Whether the build may pass: what should pass does, and what is listed as failing still fails.
    pub fn is_good(&self) -> bool {
        self.failure.is_some() == self.known_failing.is_some()
    }

    /// Compares the wire output, if the case keeps one, with what is stored in `directory`.
    pub fn check_snapshot(&mut self, directory: &Path) {
        let Some(wire) = self.wire.as_ref().filter(|_| self.failure.is_none()) else { return };
        if let Some(mismatch) = wire.check(directory) {
            self.failure = Some(Failure {
                variation: String::new(),
                mismatches: vec![mismatch],
                observed: Value::String(wire.text.clone()),
            });
        }
    }
}

struct Work {
    case: Arc<Case>,
    column: Column,
    upstream: ScriptedUpstream,
}

/// What stands on the other side of the wire for one column.
enum Subject {
    /// The one that all cases share, and the binary for those that want their own.
    Server(Gateway, PathBuf),
    Client(AdapterPool),
}

pub async fn run(settings: Settings) -> Result<Vec<Verdict>> {
    let cases: Vec<Arc<Case>> = settings.cases.iter().cloned().map(Arc::new).collect();
    let mut columns = Vec::new();
    if settings.server_binary.is_some() {
        columns.push(Column::Server);
    }
    columns.extend(settings.clients.iter().map(|(name, _)| Column::Client(name.clone())));
    columns.extend(settings.compared.iter().map(|(name, _)| Column::Compared(name.clone())));

    let mut verdicts = Vec::new();
    for column in columns {
        let known = KnownFailing::load(&settings.known_failing, column.name())?;
        let subject = match &column {
            Column::Server => None,
            Column::Client(name) | Column::Compared(name) => {
                let mut adapters = settings.clients.iter().chain(&settings.compared);
                let (_, command) = adapters.find(|(client, _)| client == name).context("no such client")?;
                let pool = AdapterPool::start(command).await;
                Some(pool.with_context(|| format!("the adapter of the column `{name}`"))?)
            }
        };
        let concerns = |case: &&Arc<Case>| {
            case.body.modes.contains(&column.mode())
                && subject.as_ref().is_none_or(|adapters| adapters.can(&case.body))
        };
        let mut work = Vec::new();
        for case in cases.iter().filter(concerns) {
            let upstream = ScriptedUpstream::open(&case.body).await?;
            work.push(Work { case: case.clone(), column: column.clone(), upstream });
        }
        let subject = match subject {
            Some(adapters) => Subject::Client(adapters),
            None => {
                let binary = settings.server_binary.as_ref().context("no server binary")?;
                let sharing = work.iter().filter(|work| work.case.body.gateway.is_none());
                let cases = sharing.map(|work| (work.case.as_ref(), &work.upstream));
                Subject::Server(Gateway::start(binary, &config::render(cases)).await?, binary.clone())
            }
        };
        verdicts.extend(run_column(work, &subject, &known, settings.concurrency).await);
        if let Subject::Server(gateway, _) = &subject
            && verdicts.iter().any(|verdict| {
                verdict.column == Column::Server
                    && verdict.failure.is_some()
                    && verdict.known_failing.is_none()
            })
        {
            eprintln!("the gateway's last log lines:\n{}", gateway.log_tail());
        }
    }
    Ok(verdicts)
}

async fn run_column(
    work: Vec<Work>,
    subject: &Subject,
    known: &KnownFailing,
    concurrency: usize,
) -> Vec<Verdict> {
    let progress = progress_bar(&work);
    // What is listed, of others, fails whether it is timed or not.
    let is_fair_in_a_crowd = |work: &&Work| {
        let case = &work.case;
        !case.body.is_timed() || (!work.column.is_ours() && known.reason(&case.id).is_some())
    };
    let (together, quiet): (Vec<&Work>, Vec<&Work>) = work.iter().partition(is_fair_in_a_crowd);
    let (few, alone): (Vec<&Work>, Vec<&Work>) =
        quiet.into_iter().partition(|work| !work.case.body.has_upper_bounds());
    let judge_all = |work, at_once| judge_all(work, subject, known, &progress, at_once);
    let mut verdicts = judge_all(together, concurrency).await;
    verdicts.extend(judge_all(few, concurrency.min(FEW)).await);
    verdicts.extend(judge_all(alone, 1).await);
    // A busy machine makes slow clients slower; that others' are is no reason to fail our build.
    let doubtful = |verdict: &Verdict| !verdict.is_good() && !verdict.column.is_ours();
    let again: Vec<&Work> = work
        .iter()
        .filter(|work| verdicts.iter().any(|verdict| doubtful(verdict) && verdict.case.id == work.case.id))
        .collect();
    verdicts.retain(|verdict| !doubtful(verdict));
    verdicts.extend(judge_all(again, 1).await);
    progress.finish_and_clear();
    verdicts.sort_by(|left, right| left.case.id.cmp(&right.case.id));
    verdicts
}

/// Cases with short deadlines at the same time: they mostly wait.
const FEW: usize = 3;

async fn judge_all(
    work: Vec<&Work>,
    subject: &Subject,
    known: &KnownFailing,
    progress: &ProgressBar,
    at_once: usize,
) -> Vec<Verdict> {
    let judged = work.into_iter().map(|work| async move {
        let verdict = judge(work, subject, known).await;
        progress.set_message(verdict.case.id.clone());
        progress.inc(1);
        verdict
    });
    stream::iter(judged).buffer_unordered(at_once).collect().await
}

/// Drawn on a terminal only; indicatif stays silent elsewhere.
fn progress_bar(work: &[Work]) -> ProgressBar {
    let bar = ProgressBar::new(work.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{prefix:>10} [{bar:30}] {pos}/{len} {wide_msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    if let Some(first) = work.first() {
        bar.set_prefix(first.column.name().to_owned());
    }
    bar
}

async fn judge(work: &Work, subject: &Subject, known: &KnownFailing) -> Verdict {
    let body = &work.case.body;
    let length = |line_end: LineEnd| {
        body.scripts().iter().map(|steps| Script::body_length(steps, line_end)).max().unwrap_or(0)
    };
    let mut verdict = Verdict {
        case: work.case.clone(),
        column: work.column.clone(),
        runs: 0,
        failure: None,
        known_failing: known.reason(&work.case.id).map(str::to_owned),
        wire: None,
    };
    let patience = if verdict.known_failing.is_some() { PATIENCE_IF_LISTED } else { PATIENCE };
    let mut variations = Variation::all(&body.vary, length);
    if !work.column.is_ours() {
        variations = sampled(variations);
    }
    for variation in variations {
        verdict.runs += 1;
        match run_once(work, subject, variation, patience).await {
            Ok((mismatches, observed, wire)) => {
                verdict.wire = wire.or(verdict.wire);
                if !mismatches.is_empty() {
                    verdict.failure =
                        Some(Failure { variation: variation.to_string(), mismatches, observed });
                }
            }
            Err(error) => {
                let mismatch = Mismatch {
                    path: "the run".to_owned(),
                    expected: "to end".to_owned(),
                    actual: format!("{error:#}"),
                };
                verdict.failure = Some(Failure {
                    variation: variation.to_string(),
                    mismatches: vec![mismatch],
                    observed: crate::observation::of_upstream(&work.upstream.seen(), None),
                });
            }
        }
        if verdict.failure.is_some() {
            break;
        }
    }
    if verdict.failure.is_none() && !known.always(&work.case.id) {
        verdict.known_failing = None;
    }
    verdict
}

/// Variations of a case that a client which is not ours gets: enough to show that it fails, without the minutes of all.
const SAMPLE_MAX: usize = 12;

fn sampled(variations: Vec<Variation>) -> Vec<Variation> {
    let step = variations.len().div_ceil(SAMPLE_MAX).max(1);
    variations.into_iter().step_by(step).collect()
}

async fn run_once(
    work: &Work,
    subject: &Subject,
    variation: Variation,
    patience: Duration,
) -> Result<(Vec<Mismatch>, Value, Option<Wire>)> {
    let body = &work.case.body;
    if let (Subject::Server(_, binary), Some(_)) = (subject, &body.gateway) {
        let run = server::sequence::run(&work.case, binary, &work.upstream).await?;
        return Ok((run.mismatches, run.observed, run.wire));
    }
    let scripts: Vec<Script> =
        body.scripts().iter().map(|steps| Script::compile(steps, variation)).collect::<Result<_>>()?;
    // Variations are of the first target: the others are there to help.
    let plain = |steps: &Vec<_>| Script::compile(steps, Variation::default());
    let fallbacks: Vec<Script> = body.fallbacks.iter().map(plain).collect::<Result<_>>()?;
    let served = fallbacks.last().or(scripts.last());
    let expected = compare::expectation::complete(body, work.column.mode(), served);
    work.upstream.arm(body, scripts, fallbacks);
    let (observed, wire) = match subject {
        Subject::Server(gateway, _) => {
            let run = server::run::run(&work.case, gateway.address, &work.upstream).await?;
            let wire =
                body.wants_snapshot().then(|| Wire::of(&work.case, &run.answer, work.upstream.address));
            (run.observed, wire)
        }
        Subject::Client(adapters) => {
            (client::run::run(&work.case, adapters, &work.upstream, patience).await?, None)
        }
    };
    Ok((compare::pattern::compare(&expected, Some(&observed)), observed, wire))
}
