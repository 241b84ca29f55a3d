//! TypeScript: types, one function per operation, namespaces over them, and `api.md`.
//!
//! Start at [`emit`].

mod functions;
mod layout;
mod literals;
mod reference;
mod resources;
mod spell;
mod types;

use crate::emit::header;
use crate::lower::typescript::Sdk;
use crate::lower::typescript::model::Literal;

use layout::Layout;

const EMITTER: &str = "typescript";

/// Path and contents of every file.
pub fn emit(sdk: &Sdk) -> Vec<(String, String)> {
    let mut files = types::emit(&sdk.types);
    let mut names: Vec<&str> = sdk.resources.iter().map(|resource| resource.file.as_str()).collect();
    names.sort_unstable();
    for resource in &sdk.resources {
        files.push((format!("resources/{}.ts", resource.file), resources::file(resource)));
        if !resource.functions.is_empty() {
            files.push((format!("operations/{}.ts", resource.file), functions::file(resource)));
        }
    }
    files.push(("resources/index.ts".to_owned(), index("Every namespace.", &names, false)));
    let with_functions =
        |name: &&str| sdk.resources.iter().any(|r| r.file == **name && !r.functions.is_empty());
    names.retain(with_functions);
    files.push(("operations/index.ts".to_owned(), index("Every operation as a function.", &names, false)));
    files.push(("error_statuses.ts".to_owned(), error_statuses(&sdk.error_statuses)));
    files.push(("client.ts".to_owned(), resources::client(&sdk.client)));
    let parts = ["client", "operations/index", "resources/index"];
    let mut root = index("Everything that follows from the API's description.", &parts, false);
    root.push_str("export type * from './types/index.js';\n");
    files.push(("index.ts".to_owned(), root));
    files.push(("api.md".to_owned(), reference::emit(sdk)));
    files.sort();
    files
}

/// A file with its header and what it is about.
fn begin(docs: &[String]) -> Layout {
    let mut w = Layout::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    let mut lines = docs.to_vec();
    lines.extend([String::new(), "@module".to_owned()]);
    w.docs(&lines);
    w.line("");
    w
}

/// A file that passes on what others have.
fn index(docs: &str, files: &[&str], type_only: bool) -> String {
    let mut w = begin(&[docs.to_owned()]);
    let keyword = if type_only { "export type *" } else { "export *" };
    files.iter().for_each(|file| w.line(format!("{keyword} from './{file}.js';")));
    w.finish()
}

fn error_statuses(statuses: &Literal) -> String {
    let docs = "What an error event says, as the status that it would have had as a reply.";
    let mut w = begin(&[docs.to_owned()]);
    w.docs(&["By the event's `code` or its `type`; no name is both with different statuses.".to_owned()]);
    let head = "export const errorStatuses: Readonly<Record<string, number>> = ";
    literals::write(&mut w, head, statuses, ";", true);
    w.finish()
}
