//! The generated half of the Rust SDK: types, progenitor's client, namespaces and accumulators.

use crate::diagnostic::Diagnostics;
use crate::emit::header;
use crate::emit::writer::Writer;
use crate::lower::rust::sdk::Sdk;

use super::types::Layout;
use super::{EMITTER, accumulate, raw, resources, types};

/// Path and contents of every file.
pub fn emit(sdk: &Sdk, diagnostics: &mut Diagnostics) -> Vec<(String, String)> {
    let mut files = vec![("mod.rs".to_owned(), root(sdk))];
    if let Some(text) = raw::emit(&sdk.client, &sdk.replaced, diagnostics) {
        files.push(("raw.rs".to_owned(), text));
    }
    files.push(("error_statuses.rs".to_owned(), error_statuses(&sdk.error_statuses)));
    let inside =
        |folder: &'static str| move |(path, text): (String, String)| (format!("{folder}/{path}"), text);
    files.extend(types::emit(&sdk.types, Layout::SDK).into_iter().map(inside("types")));
    files.extend(resources::emit(sdk).into_iter().map(inside("resources")));
    if !sdk.accumulators.streams.is_empty() {
        files.extend(accumulate::emit(&sdk.accumulators).into_iter().map(inside("accumulate")));
    }
    files.sort();
    files
}

fn root(sdk: &Sdk) -> String {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(&[
        "Everything that follows from the API's description; the runtime around it is written by hand.",
    ]);
    w.line("");
    if !sdk.accumulators.streams.is_empty() {
        w.line("pub mod accumulate;");
    }
    w.line("pub(crate) mod error_statuses;");
    w.line("pub mod raw;");
    w.line("pub mod resources;");
    w.line("pub mod types;");
    w.finish()
}

fn error_statuses(statuses: &[(String, u16)]) -> String {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(&["What an error event says, as the status that it would have had as a reply."]);
    w.line("");
    w.docs(&["By the event's `code` or its `type`; no name is both with different statuses."]);
    w.open("pub(crate) const ERROR_STATUSES: &[(&str, u16)] = &[");
    statuses.iter().for_each(|(name, status)| w.line(format!("({name:?}, {status}),")));
    w.close("];");
    w.finish()
}
