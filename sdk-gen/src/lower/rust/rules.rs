//! What the schema asks of values that callers send: ranges, lengths, patterns, lists of allowed values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, Value};

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Additional, Api, Param, Range, Shape, TypeId, TypeRef};

use super::model::{Rule, Ty};
use super::patterns::translate;
use super::repr::{UnionKind, is_free_object, resolved, union_kind};
use super::{Context, names, objects, unions};

/// Rules by type, for every type that a caller sends and that has any.
pub fn checked(context: &Context<'_>) -> BTreeMap<TypeId, Vec<Rule>> {
    let mut known: BTreeSet<TypeId> = BTreeSet::new();
    // A type needs a check if one of its parts does; each round finds at least one more.
    loop {
        let mut rules = BTreeMap::new();
        for (at, ty) in context.api.types.iter().enumerate() {
            let id = TypeId(at as u32);
            if ty.in_request && context.reprs.item_name(id).is_some() {
                let own = item_rules(context, id, &known);
                if !own.is_empty() {
                    rules.insert(id, own);
                }
            }
        }
        let found: BTreeSet<TypeId> = rules.keys().copied().collect();
        if found == known {
            return rules;
        }
        known = found;
    }
}

/// A pattern is compiled at its first use, where nobody could be told any more that it is none.
pub fn refuse_bad_patterns(api: &Api, diagnostics: &mut Diagnostics) {
    for ty in api.types.iter().filter(|ty| ty.in_request) {
        let pattern = match &ty.shape {
            Shape::String(string) => string.pattern.as_deref(),
            Shape::Map { key_pattern, .. } => key_pattern.as_deref(),
            _ => None,
        };
        if let Some(pattern) = pattern
            && let Err(error) = translate(pattern)
        {
            diagnostics.error(
                ty.origin.pointer.clone(),
                ty.origin.place,
                format!("the server cannot match `{pattern}`: {error}"),
                "correct the pattern; its syntax is ECMA 262 without look-around and back-references",
            );
        }
    }
}

fn item_rules(context: &Context<'_>, id: TypeId, known: &BTreeSet<TypeId>) -> Vec<Rule> {
    match &context.api.ty(id).shape {
        Shape::Object(object) => {
            let lowered = objects::lower(context, id, object);
            let mut rules = Vec::new();
            for field in &lowered.fields {
                let Some(source) = object.fields.iter().find(|source| source.name == field.wire) else {
                    continue;
                };
                let owner = format!("{}_{}", context.reprs.item_name(id).unwrap_or_default(), field.wire);
                let own = value_rules(context, source.ty, &owner, known);
                if !own.is_empty() {
                    let optional = matches!(objects::declared(field), Ty::Option(_));
                    let (ident, wire) = (field.ident.clone(), field.wire.clone());
                    rules.push(Rule::Field { ident, wire, optional, rules: own });
                }
            }
            match object.additional {
                Additional::Closed => rules.push(Rule::NoExtra(lowered.extra.0)),
                Additional::Typed(values) => {
                    let owner = format!("{}_values", context.reprs.item_name(id).unwrap_or_default());
                    let own = value_rules(context, values, &owner, known);
                    if !own.is_empty() {
                        let ident = lowered.extra.0;
                        rules.push(Rule::Field {
                            ident,
                            wire: String::new(),
                            optional: false,
                            rules: vec![Rule::EachValue(own)],
                        });
                    }
                }
                Additional::Open => {}
            }
            rules
        }
        Shape::Enum { .. } => vec![Rule::Known],
        Shape::Union(union) => match union_kind(context.api, union) {
            UnionKind::Strings { closed: true } => vec![Rule::Known],
            UnionKind::Union => union_rules(context, id, known),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn union_rules(context: &Context<'_>, id: TypeId, known: &BTreeSet<TypeId>) -> Vec<Rule> {
    let name = context.reprs.item_name(id).unwrap_or_default();
    let lowered = unions::lower(context, id, name);
    let sources = context.tags.payloads(id);
    let mut rules = Vec::new();
    for variant in &lowered.variants {
        let source = sources.iter().find(|&&source| context.reprs.held(id, source.id) == variant.ty);
        let owner = format!("{name}_{}", variant.name);
        let own = source.map(|&source| value_rules(context, source, &owner, known)).unwrap_or_default();
        rules.push(Rule::Variant { variant: variant.name.clone(), rules: own });
    }
    // `Unknown` is always refused, so the union has a check even where no variant has.
    rules.push(Rule::Known);
    rules
}

/// Rules of a parameter; `owner` names its pattern, `known` are the types that have checks of their own.
pub fn parameter(context: &Context<'_>, param: &Param, owner: &str, known: &BTreeSet<TypeId>) -> Vec<Rule> {
    value_rules(context, param.ty, owner, known)
}

/// Rules of a value where it is used; `owner` names its pattern.
fn value_rules(context: &Context<'_>, ty: TypeRef, owner: &str, known: &BTreeSet<TypeId>) -> Vec<Rule> {
    let api = context.api;
    let (id, shape) = resolved(api, ty.id);
    let item = context.reprs.item_name(id).is_some();
    match shape {
        Shape::Integer { range, .. } => bounds(range, &context.reprs.aliased(id)),
        Shape::Number { range, .. } => bounds(range, &Ty::F64),
        Shape::String(string) => {
            let mut rules = lengths(&[
                ("min_length", string.min_length.filter(|&low| low > 0)),
                ("max_length", string.max_length),
            ]);
            rules.extend(string.pattern.iter().map(|regex| pattern(owner, regex)));
            rules
        }
        Shape::Const(Value::String(text)) => vec![Rule::OneOf(vec![text.clone()])],
        Shape::Const(Value::Number(number)) if number.is_i64() => {
            vec![Rule::OneOfNumbers(vec![number.to_string()])]
        }
        Shape::Enum { values } if !item && context.reprs.ty(id) == Ty::I64 => {
            vec![Rule::OneOfNumbers(values.iter().map(|value| value.value.to_string()).collect())]
        }
        Shape::Array { items, min_items, max_items, unique } => {
            let mut rules =
                lengths(&[("min_items", min_items.filter(|&low| low > 0)), ("max_items", *max_items)]);
            rules.extend(unique.then_some(Rule::Unique));
            rules.extend(each(context, *items, owner, known, Rule::Each));
            rules
        }
        shape if is_free_object(api, shape) => vec![Rule::Object],
        Shape::Map { values, min_properties, max_properties, key_pattern, key_max_length } => {
            let mut rules = lengths(&[
                ("min_properties", min_properties.filter(|&low| low > 0)),
                ("max_properties", *max_properties),
                ("key_max_length", *key_max_length),
            ]);
            rules.extend(key_pattern.iter().map(|regex| key_pattern_rule(owner, regex)));
            rules.extend(each(context, *values, owner, known, Rule::EachValue));
            rules
        }
        Shape::Union(union) if !item => match union_kind(api, union) {
            UnionKind::Single(variant) if variant.id != id => value_rules(context, variant, owner, known),
            _ => Vec::new(),
        },
        _ if item && known.contains(&id) => vec![Rule::Nested],
        _ => Vec::new(),
    }
}

fn each(
    context: &Context<'_>,
    element: TypeRef,
    owner: &str,
    known: &BTreeSet<TypeId>,
    wrap: fn(Vec<Rule>) -> Rule,
) -> Option<Rule> {
    let rules = value_rules(context, element, owner, known);
    match rules.as_slice() {
        [] => None,
        // Lists, maps and options of checked types are checked by `support`.
        [Rule::Nested] => Some(Rule::Nested),
        // A `null` element has no value to look at.
        _ if element.nullable => None,
        _ => Some(wrap(rules)),
    }
}

fn lengths(limits: &[(&'static str, Option<u64>)]) -> Vec<Rule> {
    limits.iter().filter_map(|&(method, limit)| limit.map(|limit| Rule::Length { method, limit })).collect()
}

fn pattern(owner: &str, regex: &str) -> Rule {
    Rule::Pattern {
        constant: format!("{}_PATTERN", names::snake(owner).to_uppercase()),
        regex: translated(regex),
    }
}

fn key_pattern_rule(owner: &str, regex: &str) -> Rule {
    let constant = format!("{}_KEY_PATTERN", names::snake(owner).to_uppercase());
    Rule::KeyPattern { constant, regex: translated(regex) }
}

/// One that cannot be translated was reported by [`refuse_bad_patterns`]; nothing is generated then.
fn translated(ecma: &str) -> String {
    translate(ecma).unwrap_or_else(|_| ecma.to_owned())
}

fn bounds(range: &Range, ty: &Ty) -> Vec<Rule> {
    let bound = |method, number: &Option<Number>, round: fn(f64) -> f64| {
        let literal = number.as_ref().and_then(|number| literal(number, ty, round))?;
        Some(Rule::Bound { method, literal })
    };
    [
        bound("minimum", &range.minimum, f64::ceil),
        bound("above", &range.exclusive_minimum, f64::floor),
        bound("maximum", &range.maximum, f64::floor),
        bound("below", &range.exclusive_maximum, f64::ceil),
        bound("multiple_of", &range.multiple_of, |number| number),
    ]
    .into_iter()
    .flatten()
    .filter(|rule| !is_vacuous(rule, ty))
    .collect()
}

/// An unsigned number is at least 0 by its type.
fn is_vacuous(rule: &Rule, ty: &Ty) -> bool {
    *ty == Ty::U64 && *rule == Rule::Bound { method: "minimum", literal: "0".to_owned() }
}

/// The bound as a literal of the value's type; `None` where the type itself keeps it.
fn literal(number: &Number, ty: &Ty, round: fn(f64) -> f64) -> Option<String> {
    match ty {
        Ty::F64 => number.as_f64().map(|number| format!("{number:?}")),
        Ty::U64 if number.as_u64().is_some() => Some(number.to_string()),
        Ty::I64 if number.as_i64().is_some() => Some(number.to_string()),
        Ty::U64 | Ty::I64 => {
            let rounded = round(number.as_f64()?);
            let low = if *ty == Ty::U64 { 0.0 } else { -9.0e18 };
            // Beyond the type's own range there is nothing left to check.
            (low..9.0e18).contains(&rounded).then(|| format!("{rounded:.0}"))
        }
        _ => None,
    }
}

/// The names of patterns that an item's rules use, each with its expression.
pub fn patterns(rules: &[Rule]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for rule in rules {
        match rule {
            Rule::Pattern { constant, regex } | Rule::KeyPattern { constant, regex } => {
                out.push((constant.clone(), regex.clone()));
            }
            Rule::Field { rules, .. }
            | Rule::Variant { rules, .. }
            | Rule::Each(rules)
            | Rule::EachValue(rules) => {
                out.extend(patterns(rules));
            }
            _ => {}
        }
    }
    out
}
