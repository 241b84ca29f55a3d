//! What the schema asks of a type's values, as an implementation of `Check`.

use crate::emit::writer::Writer;
use crate::lower::rust::model::{Item, ItemKind, Rule};
use crate::lower::rust::patterns;

pub fn write(w: &mut Writer, item: &Item, rules: &[Rule]) {
    statics(w, rules);
    w.gap();
    begin(w, &item.name, rules);
    match &item.kind {
        ItemKind::Struct(_) => fields(w, rules),
        ItemKind::OpenEnum(_) => known(w),
        ItemKind::Union(union) => variants(w, rules, &union.expected),
        ItemKind::Alias(_) => w.line("Ok(())"),
    }
    w.close("}");
    w.close("}");
}

/// The same for a struct that is no schema's: the parameters of an operation.
pub fn write_struct(w: &mut Writer, name: &str, rules: &[Rule]) {
    statics(w, rules);
    w.gap();
    begin(w, name, rules);
    fields(w, rules);
    w.close("}");
    w.close("}");
}

fn statics(w: &mut Writer, rules: &[Rule]) {
    for (name, regex) in patterns(rules) {
        w.assign(&format!("static {name}: Pattern"), &format!("Pattern::new({})", literal(&regex)));
    }
}

fn begin(w: &mut Writer, name: &str, rules: &[Rule]) {
    let at = if rules.is_empty() { "_at" } else { "at" };
    w.open(format!("impl Check for {name} {{"));
    w.open(format!("fn check_at(&self, {at}: &Path<'_>) -> Result<(), Violation> {{"));
}

/// A regular expression reads best without doubled backslashes.
fn literal(regex: &str) -> String {
    if regex.contains('\\') && !regex.contains('"') { format!("r\"{regex}\"") } else { format!("{regex:?}") }
}

fn fields(w: &mut Writer, rules: &[Rule]) {
    for rule in rules {
        match rule {
            Rule::Field { ident, wire, optional, rules } => {
                let at = if wire.is_empty() { "at".to_owned() } else { format!("at.field({wire:?})") };
                let nested = matches!(rules.as_slice(), [Rule::Nested]);
                if *optional && !nested {
                    w.open(format!("if let Some(value) = &self.{ident} {{"));
                    all(w, &at, &Place { value: "value", owner: "value", reference: "value" }, rules);
                    w.close("}");
                } else {
                    let (owner, reference) = (format!("self.{ident}"), format!("&self.{ident}"));
                    all(w, &at, &Place { value: &reference, owner: &owner, reference: &reference }, rules);
                }
            }
            Rule::NoExtra(ident) => w.line(format!("at.no_extra(&self.{ident})?;")),
            _ => {}
        }
    }
    w.line("Ok(())");
}

fn known(w: &mut Writer) {
    w.open("match self {");
    w.line("Self::Unknown(value) => Err(at.not_listed(value, Self::KNOWN)),");
    w.line("_ => Ok(()),");
    w.close("}");
}

fn variants(w: &mut Writer, rules: &[Rule], expected: &str) {
    w.open("match self {");
    let mut free = Vec::new();
    for rule in rules {
        let Rule::Variant { variant, rules } = rule else { continue };
        let place = Place { value: "value", owner: "value", reference: "value" };
        match rules.as_slice() {
            [] => free.push(format!("Self::{variant}(_)")),
            [rule] if is_call(rule) => {
                w.line(format!("Self::{variant}(value) => {},", call("at", &place, rule)));
            }
            rules => {
                w.open(format!("Self::{variant}(value) => {{"));
                all(w, "at", &place, rules);
                w.line("Ok(())");
                w.close("}");
            }
        }
    }
    if !free.is_empty() {
        w.line(format!("{} => Ok(()),", free.join(" | ")));
    }
    w.line(format!("Self::Unknown(value) => Err(at.unknown::<Self>(value, {expected:?})),"));
    w.close("}");
}

/// How the checked value is written: as a reference, and as the owner of a method.
struct Place<'a> {
    value: &'a str,
    owner: &'a str,
    reference: &'a str,
}

fn all(w: &mut Writer, at: &str, place: &Place<'_>, rules: &[Rule]) {
    let several = at != "at" && (rules.len() > 1 || rules.iter().any(is_loop_over_several));
    if several {
        w.line(format!("let field = {at};"));
    }
    let at = if several { "field" } else { at };
    for rule in rules {
        let inner = Place { value: "item", owner: "item", reference: "item" };
        match rule {
            Rule::Each(rules) => {
                w.open(format!("for (index, item) in {}.iter().enumerate() {{", place.owner));
                all(w, &format!("{at}.index(index)"), &inner, rules);
                w.close("}");
            }
            Rule::EachValue(rules) => {
                w.open(format!("for (key, item) in {} {{", place.reference));
                all(w, &format!("{at}.field(key)"), &inner, rules);
                w.close("}");
            }
            rule => w.line(format!("{}?;", call(at, place, rule))),
        }
    }
}

/// Its body names the element's path, which needs this one to live on.
fn is_loop_over_several(rule: &Rule) -> bool {
    matches!(rule, Rule::Each(rules) | Rule::EachValue(rules) if rules.len() > 1)
}

fn is_call(rule: &Rule) -> bool {
    !matches!(rule, Rule::Each(_) | Rule::EachValue(_))
}

/// `at.maximum(value, 2.0)`
fn call(at: &str, place: &Place<'_>, rule: &Rule) -> String {
    let Place { value, owner, .. } = place;
    match rule {
        Rule::Nested => format!("{at}.check({value})"),
        Rule::Bound { method, literal } => format!("{at}.{method}({value}, {literal})"),
        Rule::Length { method: method @ ("min_length" | "max_length"), limit } => {
            format!("{at}.{method}({value}, {limit})")
        }
        Rule::Length { method: "key_max_length", limit } => {
            format!("{at}.key_max_length({owner}.keys(), {limit})")
        }
        Rule::Length { method, limit } => format!("{at}.{method}({owner}.len(), {limit})"),
        Rule::Pattern { constant, .. } => format!("{at}.pattern({value}, &{constant})"),
        Rule::KeyPattern { constant, .. } => format!("{at}.key_pattern({owner}.keys(), &{constant})"),
        Rule::Unique => format!("{at}.unique({value})"),
        Rule::Object => format!("{at}.object({value})"),
        Rule::OneOf(values) => format!("{at}.one_of({value}, &[{}])", quoted(values)),
        Rule::OneOfNumbers(values) => format!("{at}.one_of_numbers({value}, &[{}])", values.join(", ")),
        Rule::NoExtra(ident) => format!("{at}.no_extra(&self.{ident})"),
        // The rest is written by the caller, as it is no single call.
        Rule::Field { .. } | Rule::Variant { .. } | Rule::Each(_) | Rule::EachValue(_) | Rule::Known => {
            "Ok(())".to_owned()
        }
    }
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}
