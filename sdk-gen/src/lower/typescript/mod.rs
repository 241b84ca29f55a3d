//! The API as TypeScript: types that are plain decoded JSON, a function per operation, namespaces over the functions.
//!
//! Start at [`sdk`]; [`spell`] decides which types are declared, [`types`] where, [`operations`] what a call does.

pub mod model;

mod docs;
mod examples;
mod folds;
mod imports;
mod jobs;
mod literals;
mod method_docs;
mod names;
mod operations;
mod parameters;
mod resources;
mod runtime;
mod spell;
mod types;

use crate::diagnostic::Diagnostics;
use crate::ir::model::Api;

use model::{Child, Docs, Literal, Resource, TypesFile};
use names::Scope;
use spell::Spelling;

/// Everything that is generated.
#[derive(Debug)]
pub struct Sdk {
    pub types: Vec<TypesFile>,
    pub resources: Vec<Resource>,
    pub client: Client,
    /// What an error event's `code` or `type` stands for.
    pub error_statuses: Literal,
}

/// The class that users make.
#[derive(Debug)]
pub struct Client {
    pub name: String,
    pub docs: Docs,
    pub roots: Vec<Child>,
}

pub fn sdk(api: &Api, diagnostics: &mut Diagnostics) -> Sdk {
    let mut scope = Scope::with(runtime::NAMES);
    let name = scope.claim(&client_name(&api.title));
    let spelling = Spelling::of(api, &mut scope);
    let (types, places) = types::files(api, &spelling);
    let (resources, roots) = resources::lower(api, &spelling, &places, &mut scope, diagnostics);
    let docs = docs::prose(&api.description);
    let statuses = api.error_statuses.iter();
    let statuses = statuses.map(|known| (names::key(&known.name), literals::code(known.status.to_string())));
    let error_statuses = Literal::Object(statuses.collect());
    Sdk { types, resources, client: Client { name, docs, roots }, error_statuses }
}

/// `NovAI` stays as it is; `Museum API` is `MuseumAPI`.
fn client_name(title: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    names::type_name(&words.map(capital).collect::<String>())
}
