//! Strings and numbers: formats and bounds, the tighter one where several schemas give one.

use serde_json::Number;

use super::{
    builder::Builder,
    conjunction::Atom,
    model::{Range, Shape, StringShape},
    schemas::own_nodes,
    source::{At, Read},
};

impl<'d> Builder<'d, '_> {
    /// `format`; of several, the last, which is the most derived.
    pub fn format(&mut self, atoms: &[Atom<'d>]) -> Option<String> {
        self.agreed(atoms, "format")
    }

    pub fn string_shape(&mut self, atoms: &[Atom<'d>]) -> Shape {
        let format = self.format(atoms);
        let encoding = self.agreed(atoms, "contentEncoding");
        let media_type = self.agreed(atoms, "contentMediaType");
        for (at, _) in own_nodes(atoms) {
            if let Some(inner) = at.get("contentSchema") {
                let message = "the JSON inside of the string is not described by the type";
                self.warning(inner, message, "describe it as an object, or leave `contentSchema` out");
            }
        }
        match (encoding.as_deref(), format.as_deref(), media_type.as_deref()) {
            (Some("base64" | "base64url"), ..) | (None, Some("byte" | "base64"), _) => {
                return Shape::Bytes { base64: true };
            }
            (Some("binary"), ..) | (None, Some("binary"), _) => return Shape::Bytes { base64: false },
            (None, None, Some(media_type)) if !is_text(media_type) => return Shape::Bytes { base64: false },
            (Some(other), ..) if other != "7bit" && other != "8bit" => {
                if let Some((at, _)) = own_nodes(atoms).next() {
                    let message = format!("the encoding `{other}` is not decoded; the value stays a string");
                    self.warning(at, message, "use base64");
                }
            }
            _ => {}
        }
        Shape::String(StringShape {
            format,
            pattern: self.agreed(atoms, "pattern"),
            min_length: largest(atoms, "minLength"),
            max_length: smallest(atoms, "maxLength"),
        })
    }

    pub fn range(&mut self, atoms: &[Atom<'d>]) -> Range {
        let mut range = Range::default();
        for (at, _) in own_nodes(atoms) {
            let (minimum, exclusive_minimum) = bound(at, "minimum", "exclusiveMinimum");
            let (maximum, exclusive_maximum) = bound(at, "maximum", "exclusiveMaximum");
            tighten(&mut range.minimum, minimum, |new, old| new > old);
            tighten(&mut range.exclusive_minimum, exclusive_minimum, |new, old| new > old);
            tighten(&mut range.maximum, maximum, |new, old| new < old);
            tighten(&mut range.exclusive_maximum, exclusive_maximum, |new, old| new < old);
            if let Some(step) = at.number("multipleOf") {
                if range.multiple_of.as_ref().is_some_and(|old| *old != step) {
                    let message = "two `multipleOf` apply; only the last is checked";
                    self.warning(at, message, "write their least common multiple");
                }
                range.multiple_of = Some(step);
            }
        }
        range
    }

    /// A keyword that cannot hold twice: two different values are an error, and the last one stays.
    fn agreed(&mut self, atoms: &[Atom<'d>], key: &str) -> Option<String> {
        let mut agreed: Option<String> = None;
        for (at, _) in own_nodes(atoms) {
            let Some(text) = at.text(key) else { continue };
            if agreed.as_ref().is_some_and(|old| old != text) {
                let message = format!("two different `{key}` apply to one value");
                self.error(at, message, "join them into one, or describe the value in one place");
            }
            agreed = Some(text.to_owned());
        }
        agreed
    }
}

pub(super) fn largest(atoms: &[Atom<'_>], key: &str) -> Option<u64> {
    own_nodes(atoms).filter_map(|(at, _)| at.count(key)).max()
}

pub(super) fn smallest(atoms: &[Atom<'_>], key: &str) -> Option<u64> {
    own_nodes(atoms).filter_map(|(at, _)| at.count(key)).min()
}

/// The inclusive and the exclusive bound. In 3.0 the exclusive one is a flag beside the other.
fn bound(at: At<'_>, inclusive: &str, exclusive: &str) -> (Option<Number>, Option<Number>) {
    match at.get(exclusive).and_then(At::as_bool) {
        Some(true) => (None, at.number(inclusive)),
        _ => (at.number(inclusive), at.number(exclusive)),
    }
}

fn tighten(bound: &mut Option<Number>, new: Option<Number>, tighter: fn(f64, f64) -> bool) {
    let Some(new) = new else { return };
    let is_tighter = match bound.as_ref().and_then(Number::as_f64).zip(new.as_f64()) {
        Some((old, new)) => tighter(new, old),
        None => true,
    };
    if is_tighter {
        *bound = Some(new);
    }
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type.contains("json") || media_type.contains("xml")
}
