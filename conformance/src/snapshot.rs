//! Snapshots of whole answers as they were on the wire, kept by `insta` in `conformance/snapshots`.
//!
//! They show what expectations leave open: header order aside, every byte that a caller gets. Dates, request ids and ports are
//! redacted, because they differ from run to run.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

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
        Wire { name: case.id.replace('/', "__"), why: case.why.clone(), text }
    }

    /// The difference to the stored snapshot, if there is one. `INSTA_UPDATE=always` stores instead.
    pub fn check(&self, directory: &Path) -> Option<String> {
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
        outcome
            .err()
            .map(|_| format!("the wire output differs from {}/{}.snap", directory.display(), self.name))
    }
}
