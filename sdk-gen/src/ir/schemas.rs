//! From a conjunction of schemas to a [`Shape`]. Start at [`Builder::describe`].

use std::collections::HashSet;

use serde_json::Value;

use super::{
    builder::Builder,
    conjunction::{Atom, Conjunction, Skip, live, pure_ref},
    kinds::Kinds,
    model::{EnumValue, Shape, TypeId, TypeRef},
    source::{At, Read},
};

impl<'d> Builder<'d, '_> {
    pub fn describe(&mut self, id: TypeId, conjunction: &[Atom<'d>]) -> Shape {
        let reduced = self.reduce(conjunction);
        if let [atom] = reduced.as_slice()
            && pure_ref(atom).is_some()
        {
            let target = self.type_ref(&reduced, "");
            return Shape::Alias(TypeRef { id: target.id, nullable: false });
        }
        let kinds = self.kinds(conjunction);
        let atoms = self.expand(&reduced);
        for (at, skip) in own_nodes(&atoms) {
            self.report_unsupported(at, skip);
        }
        let atoms = self.drop_requirement_groups(atoms);
        match kinds.without_null() {
            Kinds::NONE if kinds == Kinds::NULL => return Shape::Null,
            Kinds::NONE => return self.impossible(&atoms),
            _ => {}
        }
        if let Some(shape) = self.union(id, &atoms) {
            return shape;
        }
        if let Some(shape) = self.values(&atoms, kinds) {
            return shape;
        }
        let kinds = kinds.without_null();
        if kinds == Kinds::ALL.without_null() {
            return Shape::Any;
        }
        match kinds.split().as_slice() {
            [Kinds::BOOL] => Shape::Bool,
            [Kinds::INTEGER] => Shape::Integer { format: self.format(&atoms), range: self.range(&atoms) },
            [Kinds::NUMBER] => Shape::Number { format: self.format(&atoms), range: self.range(&atoms) },
            [Kinds::STRING] => self.string_shape(&atoms),
            [Kinds::ARRAY] => self.array(id, &atoms),
            [Kinds::OBJECT] => self.object(id, &atoms),
            several => self.union_by_kind(id, &atoms, several),
        }
    }

    fn impossible(&mut self, atoms: &[Atom<'d>]) -> Shape {
        if let Some(Atom::Node(at, _)) = atoms.last() {
            let message =
                format!("no value can match `{}`: its parts contradict each other", self.owner_name());
            self.error(*at, message, "make the types of the parts agree");
        }
        Shape::Any
    }

    /// `const` and `enum`, intersected where there are several.
    fn values(&mut self, atoms: &[Atom<'d>], kinds: Kinds) -> Option<Shape> {
        let mut common: Option<Vec<EnumValue>> = None;
        let mut last = None;
        let mut is_const = false;
        for (at, _) in own_nodes(atoms) {
            let values = match (at.get("const"), at.get("enum")) {
                (Some(value), _) => vec![EnumValue { value: value.to_json(), description: String::new() }],
                (None, Some(_)) => enum_values(at),
                (None, None) => continue,
            };
            is_const |= at.has("const");
            last = Some(at);
            common = Some(match common {
                None => values,
                Some(mut common) => {
                    let both: HashSet<String> = values.iter().map(|new| new.value.to_string()).collect();
                    common.retain(|old| both.contains(&old.value.to_string()));
                    common
                }
            });
        }
        let (at, mut values) = (last?, common?);
        values.retain(|value| !value.value.is_null());
        let before = values.len();
        values.retain(|value| Kinds::of_value(&value.value).is_within(kinds.or(integer_as_number(kinds))));
        if values.len() < before {
            let message = "some values of the enum are not of the schema's type and are left out";
            self.warning(at, message, "quote the values, or correct `type`");
        }
        let mut seen = HashSet::new();
        values.retain(|value| seen.insert(value.value.to_string()));
        Some(match values.len() {
            0 => {
                let message = format!("no value of the enum is possible in `{}`", self.owner_name());
                self.error(at, message, "make the enum agree with the rest of the schema");
                Shape::Any
            }
            1 => Shape::Const(values.swap_remove(0).value),
            _ => {
                if is_const {
                    self.warning(at, "`const` beside an `enum` that has other values", "keep one of them");
                }
                Shape::Enum { values }
            }
        })
    }

    /// One type for each kind of value, as `type: [string, array]` asks.
    fn union_by_kind(&mut self, id: TypeId, atoms: &[Atom<'d>], kinds: &[Kinds]) -> Shape {
        let name = self.types[id.0 as usize].name.clone();
        let variants = kinds.iter().map(|&kind| {
            let mut conjunction: Conjunction<'d> = atoms.to_vec();
            conjunction.push(Atom::Only(kind));
            let ty = self.type_ref(&conjunction, &format!("{name}{}", kind.label()));
            super::unions::plain_variant(ty)
        });
        Shape::Union(super::model::UnionShape {
            variants: variants.collect(),
            discriminator: None,
            any_of: false,
        })
    }
}

/// Nodes whose own keywords are to be read.
pub(super) fn own_nodes<'d>(atoms: &[Atom<'d>]) -> impl Iterator<Item = (At<'d>, Skip)> {
    let nodes = atoms.iter().filter_map(|atom| match *atom {
        Atom::Node(at, skip) if live(at, skip).has(Skip::OWN) => Some((at, skip)),
        _ => None,
    });
    nodes.collect::<Vec<_>>().into_iter()
}

/// 1 is a number too.
fn integer_as_number(kinds: Kinds) -> Kinds {
    if kinds.meets(Kinds::INTEGER) { Kinds::INTEGER } else { Kinds::NONE }
}

/// Values with the descriptions that `x-enum-descriptions` (a list, or a map by value) gives them.
fn enum_values(at: At<'_>) -> Vec<EnumValue> {
    let descriptions = at.get("x-enum-descriptions").or_else(|| at.get("x-enumDescriptions"));
    let describe = |index: usize, value: &Value| {
        let descriptions = descriptions?;
        let found = match value.as_str() {
            Some(key) if descriptions.is_object() => descriptions.get(key),
            _ => descriptions.items().nth(index),
        };
        found?.as_str().map(str::to_owned)
    };
    let values = at.list("enum").into_iter().map(At::to_json).enumerate();
    values
        .map(|(index, value)| EnumValue { description: describe(index, &value).unwrap_or_default(), value })
        .collect()
}
