//! The Python package as text, formatted as `ruff format` leaves it.
//!
//! Start at [`emit`]; [`text`] knows how long calls and lists are broken.

mod client;
mod folds;
mod methods;
mod params;
mod reference;
mod resources;
mod text;
mod types;

use crate::lower::python::model::Package;

/// Directory that a wrong output is fixed in.
const EMITTER: &str = "python";

/// Path and contents of every file of the generated folder.
pub fn emit(package: &Package) -> Vec<(String, String)> {
    let mut files = vec![("__init__.py".to_owned(), root())];
    files.extend(types::emit(package));
    files.extend(params::emit(package));
    files.extend(resources::emit(package));
    files.extend(folds::emit(package));
    files.push(("error_statuses.py".to_owned(), error_statuses(&package.error_statuses)));
    files.push(("client.py".to_owned(), client::emit(&package.client)));
    files.push(("api.md".to_owned(), reference::emit(package)));
    files.sort();
    files
}

fn root() -> String {
    let docs =
        "Everything that follows from the API's description; the runtime around it is written by hand.";
    text::Text::module(&[docs]).finish()
}

fn error_statuses(statuses: &[(String, u16)]) -> String {
    let docs = "What an error event says, as the status that it would have had as a reply.";
    let mut w = text::Text::module(&[docs]);
    w.blank(1);
    w.line("from __future__ import annotations");
    w.blank(1);
    let head = "ERROR_STATUSES: dict[str, int] = {";
    if statuses.is_empty() {
        w.line(format!("{head}}}"));
    } else {
        w.open(head);
        statuses.iter().for_each(|(name, status)| w.line(format!("{name}: {status},")));
        w.dedent();
        w.line("}");
    }
    let docs = "By the event's `code` or its `type`; no name is both with different statuses.";
    w.docstring(&[docs.to_owned()]);
    w.finish()
}
