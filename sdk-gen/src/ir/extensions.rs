//! Values of our `x-` keys on operations (`spec/extensions.md`): one that is not described there is an error, so that a
//! slip of the pen does not quietly mean "not declared".

use super::{
    builder::Builder,
    model::{Location, Param},
    source::{At, Read},
};

/// Keys of `x-pages`, and whether they must be there.
const PAGES_KEYS: [(&str, bool); 4] =
    [("items", true), ("cursor_param", true), ("next_cursor", false), ("has_more", false)];

impl<'d> Builder<'d, '_> {
    pub fn check_extensions(&mut self, operation: At<'d>, params: &[Param]) {
        if let Some(at) = operation.get("x-method").filter(|at| at.as_str().is_none()) {
            self.error(at, "`x-method` is not a string", "write the name of the method");
        }
        let is_name = |at: At<'_>| at.as_str().is_some_and(|name| !name.is_empty());
        let is_path = |at: &At<'_>| is_name(*at) || at.items().next().is_some() && at.items().all(is_name);
        if let Some(at) = operation.get("x-resource").filter(|at| !is_path(at)) {
            self.error(at, "`x-resource` is not a list of names", "write it like `[chat, completions]`");
        }
        if let Some(at) = operation.get("x-pages").filter(|at| at.as_bool() != Some(false)) {
            self.check_pages(at, params);
        }
        if let Some(at) = operation.get("x-job").filter(|at| at.as_bool() != Some(false)) {
            self.check_job(at);
        }
    }

    /// `x-call-option`: every SDK has it as an option of each call, and the server reads it beside the operation.
    pub fn is_call_option(&mut self, param: At<'d>, location: Location) -> bool {
        let Some(at) = param.get("x-call-option") else { return false };
        if at.as_bool() != Some(true) || location != Location::Header || param.flag("required") {
            let help = "write `x-call-option: true` on an optional header, or remove it";
            self.error(at, "`x-call-option` is for optional headers", help);
        }
        true
    }

    fn check_pages(&mut self, at: At<'d>, params: &[Param]) {
        let help =
            "write it like `{ items: data, cursor_param: after, next_cursor: last_id, has_more: has_more }`";
        for (key, required) in PAGES_KEYS {
            if at.text(key).is_none() && (required || at.has(key)) {
                self.error(at, format!("`x-pages` needs the name of a field under `{key}`"), help);
            }
        }
        for (key, value) in at.entries().filter(|(key, _)| PAGES_KEYS.iter().all(|(known, _)| known != key)) {
            self.error(value, format!("`x-pages` has no key `{key}`"), help);
        }
        let takes =
            |name: &str| params.iter().any(|param| param.location == Location::Query && param.name == name);
        if let Some(name) = at.text("cursor_param").filter(|name| !takes(name)) {
            let message = format!("the operation has no query parameter `{name}`");
            self.error(at, message, "name the parameter that takes the cursor");
        }
    }
}
