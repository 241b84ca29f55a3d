//! Turns the parsed document into a language-neutral [`model::Api`].
//!
//! Start at [`build`]; read [`model`] next. The way of a schema: `builder` reserves a type for it, `conjunction` flattens
//! `allOf`, `$ref` and their siblings, `schemas` finds its shape with the help of `scalars`, `objects` and `unions`.
//!
//! **Invariant:** nothing here knows a target language, and only `source` imports `parse`.
//!
//! **Invariant:** what cannot be expressed is an error in the diagnostics, and the type or operation it belongs to is
//! marked as not `complete`; the rest of the document still builds.

mod builder;
mod check;
mod conjunction;
mod coverage;
mod discriminators;
mod error_statuses;
mod extensions;
mod jobs;
mod kinds;
mod kinds_of;
pub mod model;
mod names;
mod objects;
mod operations;
mod pages;
mod print;
pub mod reach;
mod resources;
mod responses;
mod scalars;
mod schemas;
pub mod secrets;
mod security;
mod source;
mod streams;
mod unions;
mod unsupported;
mod variant_labels;

pub use check::check;
pub use coverage::{Coverage, coverage};
pub use print::print;

use crate::diagnostic::{Diagnostics, Place};
use builder::Builder;
use model::{Api, Tag};
use source::{Document, Read};

/// Builds the API of a document. What is wrong with it goes to `diagnostics`.
pub fn build(document: &Document, diagnostics: &mut Diagnostics) -> Api {
    let root = document.root();
    let mut builder = Builder::new(document, diagnostics);
    let (mut operations, nodes) = builder.operations();
    let security = builder.security();
    builder.run();
    builder.end_aliases();
    builder.find_discriminators();
    builder.check_merges(&operations);
    if let Some(webhooks) = root.get("webhooks") {
        builder.warning(webhooks, "webhooks are not generated", "describe them in a document of their own");
    }
    let error_statuses = std::mem::take(&mut builder.error_statuses);
    let mut types = builder.types;

    for (operation, at) in operations.iter_mut().zip(&nodes) {
        streams::find_selector(&types, operation);
        operation.pages = pages::find_pages(&types, operation, *at);
        operation.job = jobs::find_job(&types, operation, *at);
    }
    resources::name_resources(&types, &mut operations, &nodes);
    reach::mark(&mut types, &operations);

    let info = root.get("info").unwrap_or(root);
    let tags = root.list("tags").into_iter();
    let api = Api {
        title: info.words("title"),
        version: info
            .get("version")
            .map(|at| at.as_str().map_or_else(|| at.to_json().to_string(), str::to_owned))
            .unwrap_or_default(),
        description: info.words("description"),
        servers: root.list("servers").into_iter().map(|server| server.words("url")).collect(),
        tags: tags
            .map(|tag| Tag { name: tag.words("name"), description: tag.words("description") })
            .collect(),
        types,
        operations,
        security,
        error_statuses,
    };
    for problem in check(&api) {
        let help = "this is a mistake of the generator; please report it with the document";
        diagnostics.error("", Place::default(), format!("inconsistent result: {problem}"), help);
    }
    api
}
