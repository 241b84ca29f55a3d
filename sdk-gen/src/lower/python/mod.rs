//! The IR → a Python package: views over JSON for what comes, `TypedDict`s for what goes, resources with methods.
//!
//! Start at [`lower`]; `types` decides the names of all types first, everything else asks it.
//!
//! **Invariant:** every operation of the document gets a method, or there is an error in the diagnostics.

mod docs;
mod folds;
mod jobs;
mod method_docs;
mod methods;
pub mod model;
pub mod names;
mod operations;
mod order;
mod parameters;
mod params;
mod resources;
mod types;
mod unions;
mod views;

use crate::diagnostic::Diagnostics;
use crate::ir::model::Api;

use model::Package;

/// What the document does not say.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the client; with `Async` before it, that of its twin.
    pub client: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Options { client: "NovAI" }
    }
}

pub fn lower(api: &Api, options: &Options, diagnostics: &mut Diagnostics) -> Package {
    let types = types::Types::of(api);
    let folds = folds::Folds::of(api, &types);
    let resources = resources::lower(api, &types, &folds, diagnostics);
    let statuses = api.error_statuses.iter();
    Package {
        types: views::lower(&types),
        params: params::lower(&types),
        folds: folds.constants,
        error_statuses: statuses.map(|known| (names::quoted(&known.name), known.status)).collect(),
        client: resources::client(api, options, &resources),
        resources: resources.modules,
    }
}
