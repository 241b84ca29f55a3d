//! Snapshots of whole answers as they were on the wire, kept by `insta` in `conformance/snapshots`.
//!
//! They show what expectations leave open: header order aside, every byte that a caller gets. Dates, request ids and ports are
//! redacted, because they differ from run to run.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Result, ensure};

use crate::compare::Mismatch;
use crate::scenario::Case;
use crate::wire::http::Answer;

#[derive(Debug, Clone)]
pub struct Wire {
    name: String,
    why: String,
    pub text: String,
}

impl Wire {
    pub fn of(case: &Case, answer: &Answer, upstream: SocketAddr) -> Wire {
        Wire { name: case.id.replace('/', "__"), why: case.why.clone(), text: text_of(answer, upstream) }
    }

    /// Of several calls in a row, by number. `kept` are values that differ from run to run, by name.
    pub fn of_sequence(
        case: &Case,
        answers: &[(usize, Answer)],
        upstream: SocketAddr,
        kept: &BTreeMap<String, String>,
    ) -> Wire {
        let part =
            |(number, answer): &(usize, Answer)| format!("== call {number}\n{}", text_of(answer, upstream));
        let text = answers.iter().map(part).collect::<Vec<_>>().join("\n\n");
        let text = kept.iter().fold(text, |text, (name, value)| text.replace(value, &format!("[{name}]")));
        Wire { name: case.id.replace('/', "__"), why: case.why.clone(), text }
    }

    /// How this differs from the stored snapshot, if it does. `INSTA_UPDATE=always` stores instead.
    pub fn check(&self, directory: &Path) -> Option<Mismatch> {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(directory);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(self.why.clone());
        // insta prints the difference and panics, which suits a test function; here the panic itself is not news.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            settings.bind(|| insta::assert_snapshot!(self.name.clone(), self.text));
        }));
        std::panic::set_hook(hook);
        outcome.err().map(|_| Mismatch {
            path: "the bytes on the wire".to_owned(),
            expected: format!("those in conformance/snapshots/{}.snap", self.name),
            actual: "other ones, shown above; if they are right, rerun with --update-snapshots".to_owned(),
        })
    }
}

fn text_of(answer: &Answer, upstream: SocketAddr) -> String {
    let mut headers: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
    headers.sort();
    let mut text = format!("{}\n{}\n\n", answer.status, headers.join("\n"));
    text.push_str(&String::from_utf8_lossy(&answer.body));
    if let Some(date) = answer.header("date") {
        text = text.replace(date, "[date]");
    }
    if let Some(id) = answer.header("x-request-id").filter(|id| !id.is_empty()) {
        text = text.replace(id, "[request id]");
    }
    text = text.replace(&upstream.to_string(), "[upstream]");
    // A busy machine may take so long that one slips in.
    text = text.replace(": keep-alive\n\n", "");
    text
}

/// A snapshot whose case is gone, or keeps none any more, would lie about the gateway for ever.
pub fn check_for_orphans<'a>(directory: &Path, wires: impl Iterator<Item = &'a Wire>) -> Result<()> {
    let kept: HashSet<String> = wires.map(|wire| format!("{}.snap", wire.name)).collect();
    let mut orphans = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".snap") && !kept.contains(&name) {
            orphans.push(name);
        }
    }
    ensure!(
        orphans.is_empty(),
        "snapshots in {} that belong to no case: {orphans:?}; delete them",
        directory.display()
    );
    Ok(())
}
