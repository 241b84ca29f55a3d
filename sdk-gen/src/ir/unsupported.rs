//! Keywords that no target can express, and keywords that say nothing where they stand. Reported, never dropped.

use super::{
    builder::Builder,
    conjunction::Skip,
    kinds,
    source::{At, Read},
};

/// Keyword, and what to do without it.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("not", "describe what is allowed, for instance with `oneOf`"),
    ("if", "describe each case as a variant of `oneOf`"),
    ("then", "describe each case as a variant of `oneOf`"),
    ("else", "describe each case as a variant of `oneOf`"),
    ("dependentSchemas", "describe each case as a variant of `oneOf`"),
    ("dependentRequired", "describe each case as a variant of `oneOf`"),
    ("contains", "describe all items with `items`"),
    ("$dynamicRef", "refer to the schema with `$ref`"),
];

impl<'d> Builder<'d, '_> {
    pub fn report_unsupported(&mut self, at: At<'d>, skip: Skip) {
        self.bad_type(at);
        for (key, help) in UNSUPPORTED {
            let Some(value) = at.get(key) else { continue };
            if *key == "not" && names_fields_only(value) {
                let message = "fields that must not stand side by side are generated, but not told apart";
                self.warning(value, message, *help);
            } else {
                self.error(value, format!("`{key}` cannot be generated"), *help);
            }
        }
        self.report_patterns(at);
        let has_groups = at.has("anyOf") || at.has("oneOf");
        for key in ["unevaluatedProperties", "unevaluatedItems"] {
            // Beside `allOf` alone all parts are known here, so `false` means what `additionalProperties: false` does.
            let known = |value: At<'_>| value.as_bool().is_some_and(|flag| flag || !has_groups);
            if let Some(value) = at.get(key).filter(|value| !known(*value)) {
                self.error(
                    value,
                    format!("`{key}` cannot be generated"),
                    "use `additionalProperties` or `items`",
                );
            }
        }
        let own = self.node_kinds(at, skip);
        for (key, value) in at.entries() {
            let is_flag = key == "required" && value.as_bool().is_some();
            if !is_flag && kinds::of_keyword(key).is_some_and(|kinds| !own.meets(kinds)) {
                let message = format!("`{key}` says nothing about a value of this type");
                self.warning(value, message, "remove it, or correct `type`");
            }
        }
        if at.has("discriminator") && !has_groups {
            let message =
                "a discriminator without `oneOf`: the object alone is generated, other fields are kept";
            self.warning(at, message, "list the variants in a `oneOf` beside the discriminator");
        }
    }

    /// One pattern for all keys of a map can be generated; anything else cannot.
    fn report_patterns(&mut self, at: At<'d>) {
        let patterns = at.map("patternProperties");
        let closed = at.get("additionalProperties").and_then(At::as_bool) == Some(false);
        let is_map = patterns.len() == 1 && closed && !at.has("properties");
        if let (false, Some(value)) = (patterns.is_empty() || is_map, at.get("patternProperties")) {
            let help = "keep one pattern, with `additionalProperties: false` and without `properties`";
            self.error(value, "`patternProperties` beside other fields cannot be generated", help);
        }
    }
}

/// `not: { required: [a, b] }` says which fields exclude each other; types are the same without it.
fn names_fields_only(at: At<'_>) -> bool {
    at.has("required") && at.entries().count() == 1
}
