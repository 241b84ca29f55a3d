//! progenitor's client, over our types and the runtime's hooks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use progenitor_impl::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle};
use serde_json::Value;

use crate::diagnostic::{Diagnostics, Place};
use crate::emit::header;

use super::EMITTER;

const DOCS: &str = "
//! progenitor's client: one method per operation, with status, headers and every documented reply untouched.
//!
//! An operation that answers JSON or a stream is two methods here; both go to the same URL.

// Not ours to change.
#![allow(clippy::all, clippy::unwrap_used, missing_docs, rustdoc::all, unused_imports)]

";

/// `None`: progenitor could not read the document, which is in the diagnostics then.
pub fn emit(client: &Value, replaced: &[String], diagnostics: &mut Diagnostics) -> Option<String> {
    // progenitor panics on what it does not expect. Known causes were kept out; another one must not end the process.
    let made = catch_unwind(AssertUnwindSafe(|| generate(client, replaced)));
    let reason = match made {
        Ok(Ok(text)) => return Some(format!("{}{DOCS}{text}", header::slashes(EMITTER))),
        Ok(Err(reason)) => reason,
        Err(panic) => panic_text(panic.as_ref()),
    };
    diagnostics.error(
        "",
        Place::default(),
        format!("progenitor cannot make a client: {reason}"),
        "describe what it names in another way",
    );
    None
}

fn generate(client: &Value, replaced: &[String]) -> Result<String, String> {
    let document: openapiv3::OpenAPI =
        serde_json::from_value(client.clone()).map_err(|error| error.to_string())?;
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_tag(TagStyle::Merged)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote::quote!(crate::transport::Inner));
    for name in replaced {
        settings.with_replacement(name, format!("crate::generated::types::{name}"), std::iter::empty());
    }
    let tokens = Generator::new(&settings).generate_tokens(&document).map_err(|error| error.to_string())?;
    let file: syn::File = syn::parse2(tokens).map_err(|error| error.to_string())?;
    Ok(prettyplease::unparse(&file))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it stopped without saying why").lines().next().unwrap_or_default().to_owned()
}
