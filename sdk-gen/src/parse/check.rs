//! Compares the document with the table in [`super::shape`] and reports every key that does not fit.

use super::{
    document::{Document, Version},
    shape::{Expect, Kind, keys, other_keys},
    tree::At,
};
use crate::diagnostic::Diagnostics;

pub(super) fn check(document: &Document, diagnostics: &mut Diagnostics) {
    let root = document.root();
    let mut walk = Walk { is_31: document.version() == Version::V31, diagnostics };
    walk.object(root, Kind::Document);
    for key in ["info", "paths"] {
        // A document of components or webhooks only is a 3.1 document, too.
        if !root.has(key) && !(key == "paths" && (root.has("webhooks") || root.has("components"))) {
            let help = format!("add `{key}`; every OpenAPI document has it");
            walk.diagnostics.error("", root.place(), format!("the key `{key}` is missing"), help);
        }
    }
}

struct Walk<'g> {
    is_31: bool,
    diagnostics: &'g mut Diagnostics,
}

impl Walk<'_> {
    fn object(&mut self, at: At<'_>, kind: Kind) {
        if kind == Kind::Schema && at.as_bool().is_some() {
            return;
        }
        if !at.is_object() {
            self.wrong(at, "an object");
            return;
        }
        let known = keys(kind);
        for (key, value) in at.entries() {
            if key.starts_with("x-") {
                continue;
            }
            if key == "nullable" && kind == Kind::Schema && self.is_31 && value.as_bool() == Some(true) {
                let help = "write `type: [..., 'null']`";
                let message = "`nullable` is of OpenAPI 3.0; it is read as it was meant there";
                self.diagnostics.warning(value.pointer(), value.place(), message, help);
            }
            let listed = known.iter().find(|(name, _)| *name == key).map(|(_, expect)| *expect);
            match listed.or_else(|| other_keys(kind)) {
                Some(expect) => self.value(value, expect),
                None => {
                    let message = format!("the key `{key}` has no meaning here and is ignored");
                    let help = "remove it, or start its name with `x-`";
                    self.diagnostics.warning(value.pointer(), value.place(), message, help);
                }
            }
        }
    }

    fn value(&mut self, at: At<'_>, expect: Expect) {
        let text = at.as_str().is_some();
        match expect {
            Expect::Any => {}
            Expect::Text if text => {}
            Expect::Text => self.wrong(at, "a string"),
            Expect::Flag if at.as_bool().is_some() => {}
            Expect::Flag => self.wrong(at, "true or false"),
            Expect::Number if at.as_number().is_some() => {}
            Expect::Number => self.wrong(at, "a number"),
            Expect::FlagOrNumber if at.as_number().is_some() || at.as_bool().is_some() => {}
            Expect::FlagOrNumber => self.wrong(at, "a number"),
            Expect::TextOrTexts if text => {}
            Expect::TextsOrFlag if at.as_bool().is_some() => {
                let message = "`required: true` means nothing in a schema and is ignored";
                let help = "list the property's name under `required` of the object that has it";
                self.diagnostics.warning(at.pointer(), at.place(), message, help);
            }
            Expect::TextOrTexts | Expect::Texts | Expect::TextsOrFlag => self.texts(at),
            Expect::Values => self.list(at, None),
            Expect::Free if at.is_object() => {}
            Expect::Free => self.wrong(at, "an object"),
            Expect::One(kind) => self.object(at, kind),
            Expect::List(kind) => self.list(at, Some(kind)),
            Expect::Map(kind) if at.is_object() => {
                for (key, value) in at.entries() {
                    // `responses` and `callbacks` may hold extensions among their entries.
                    if !key.starts_with("x-") || value.is_object() {
                        self.object(value, kind);
                    }
                }
            }
            Expect::Map(_) => self.wrong(at, "an object"),
        }
    }

    fn texts(&mut self, at: At<'_>) {
        if !at.is_array() {
            return self.wrong(at, "a list of strings");
        }
        at.items().filter(|item| item.as_str().is_none()).for_each(|item| self.wrong(item, "a string"));
    }

    fn list(&mut self, at: At<'_>, kind: Option<Kind>) {
        if !at.is_array() {
            return self.wrong(at, "a list");
        }
        if let Some(kind) = kind {
            at.items().for_each(|item| self.object(item, kind));
        }
    }

    fn wrong(&mut self, at: At<'_>, expected: &str) {
        let message = format!("this is {}, where {expected} belongs", at.kind());
        self.diagnostics.error(at.pointer(), at.place(), message, format!("write {expected}"));
    }
}
