//! Objects, maps and arrays.

use indexmap::{IndexMap, IndexSet};

use super::{
    builder::Builder,
    conjunction::{Atom, Conjunction, node},
    model::{Additional, Field, Merge, ObjectShape, Shape, TypeId, TypeRef},
    names::pascal,
    scalars::{largest, smallest},
    schemas::own_nodes,
    source::{At, Read},
};

impl<'d> Builder<'d, '_> {
    pub fn object(&mut self, id: TypeId, atoms: &[Atom<'d>]) -> Shape {
        let name = self.types[id.0 as usize].name.clone();
        let mut properties: IndexMap<&'d str, Conjunction<'d>> = IndexMap::new();
        let mut required: IndexMap<&'d str, At<'d>> = IndexMap::new();
        for (at, _) in own_nodes(atoms) {
            for (key, property) in at.map("properties") {
                properties.entry(key).or_default().push(node(property));
            }
            required.extend(at.texts("required").into_iter().map(|key| (key, at)));
        }
        let additional = self.additional(atoms, &name);
        let described = !properties.is_empty();
        let by_pattern = own_nodes(atoms).any(|(at, _)| at.has("patternProperties"));
        if !described && required.is_empty() && (additional != Additional::Closed || by_pattern) {
            return self.map(atoms, additional, &name);
        }
        self.warn_of_counts(atoms);
        let mut fields: Vec<Field> = properties
            .iter()
            .map(|(key, conjunction)| self.field(key, conjunction, required.contains_key(key), &name))
            .collect();
        for (key, at) in required.iter().filter(|(key, _)| !properties.contains_key(*key)) {
            fields.push(self.undescribed(key, *at, additional, described));
        }
        Shape::Object(ObjectShape { fields, additional })
    }

    fn field(&mut self, key: &str, conjunction: &[Atom<'d>], required: bool, parent: &str) -> Field {
        let ty = self.type_ref(conjunction, &format!("{parent}{}", pascal(key)));
        let reduced = self.reduce(conjunction);
        let nodes: Vec<At<'d>> = conjunction
            .iter()
            .rev()
            .chain(reduced.iter())
            .filter_map(|atom| if let Atom::Node(at, _) = atom { Some(*at) } else { None })
            .collect();
        let target =
            reduced.iter().find_map(super::conjunction::pure_ref).and_then(|at| self.target(at).ok());
        let default = nodes.iter().copied().chain(target).find_map(|at| at.get("default")).map(At::to_json);
        nodes.iter().for_each(|&at| self.note_error_statuses(key, at));
        Field {
            name: key.to_owned(),
            docs: self.docs(conjunction, &reduced),
            ty,
            required,
            // `default: null` says what leaving the field out says.
            default: default.filter(|value| !value.is_null()),
            read_only: nodes.iter().any(|at| at.flag("readOnly")),
            write_only: nodes.iter().any(|at| at.flag("writeOnly")),
            merge: nodes.iter().find_map(|&at| self.merge(at)),
            merge_into: nodes.iter().find_map(|at| at.text("x-merge-into")).map(str::to_owned),
        }
    }

    /// A name in `required` that `properties` lacks.
    fn undescribed(&mut self, key: &str, at: At<'d>, additional: Additional, warn: bool) -> Field {
        if warn {
            let message = format!("`{key}` is required but not described");
            self.warning(at, message, "describe it under `properties`, or correct the name");
        }
        let ty = if let Additional::Typed(ty) = additional { ty } else { self.any() };
        Field {
            name: key.to_owned(),
            docs: Default::default(),
            ty,
            required: true,
            default: None,
            read_only: false,
            write_only: false,
            merge: None,
            merge_into: None,
        }
    }

    fn merge(&mut self, at: At<'d>) -> Option<Merge> {
        let value = at.get("x-merge")?;
        match value.as_str() {
            Some("append") => Some(Merge::Append),
            Some("replace") => Some(Merge::Replace),
            Some("first") => Some(Merge::First),
            Some("by-index") => Some(Merge::ByIndex),
            _ => {
                let message = format!("`x-merge: {}` is unknown", value.to_json());
                self.error(value, message, "use append, replace, first or by-index");
                None
            }
        }
    }

    fn additional(&mut self, atoms: &[Atom<'d>], name: &str) -> Additional {
        let mut typed: Conjunction<'d> = Vec::new();
        let mut closed = IndexSet::new();
        for (at, skip) in own_nodes(atoms) {
            for key in ["additionalProperties", "unevaluatedProperties"] {
                match at.get(key) {
                    Some(value) if value.as_bool() == Some(false) => drop(closed.insert((at, skip))),
                    Some(value) if value.as_bool().is_none() && key == "additionalProperties" => {
                        typed.push(node(value));
                    }
                    _ => {}
                }
            }
        }
        if let Some(&(at, _)) = closed.first() {
            let elsewhere = own_nodes(atoms).any(|(other, _)| other != at && other.has("properties"));
            if at.has("additionalProperties") && elsewhere {
                let message = "`additionalProperties: false` in one part forbids the fields of the other parts; \
                               the fields of all parts are taken together";
                self.warning(at, message, "use `unevaluatedProperties: false` beside `allOf`");
            }
            return Additional::Closed;
        }
        let reduced = self.reduce(&typed);
        if reduced.is_empty() {
            return Additional::Open;
        }
        Additional::Typed(self.type_ref(&typed, &format!("{name}Value")))
    }

    /// An object without fields of its own.
    fn map(&mut self, atoms: &[Atom<'d>], additional: Additional, name: &str) -> Shape {
        let mut values = if let Additional::Typed(ty) = additional { ty } else { self.any() };
        let mut key_pattern = None;
        let mut key_max_length = None;
        for (at, _) in own_nodes(atoms) {
            if let Some(names) = at.get("propertyNames") {
                let names = self.expand(&[node(names)]);
                key_pattern = own_nodes(&names).find_map(|(at, _)| at.text("pattern")).map(str::to_owned);
                key_max_length = smallest(&names, "maxLength");
                for (inner, _) in own_nodes(&names) {
                    let kept = |key: &str| {
                        matches!(key, "type" | "pattern" | "maxLength" | "format") || key.starts_with("x-")
                    };
                    if inner.entries().any(|(key, _)| !kept(key) && super::conjunction::is_constraint(key)) {
                        let message = "of `propertyNames`, only `pattern` and `maxLength` are checked";
                        self.warning(inner, message, "say the same with a pattern");
                    }
                }
            }
            if let [(pattern, value)] = at.map("patternProperties").as_slice() {
                key_pattern = Some((*pattern).to_owned());
                values = self.type_ref(&[node(*value)], &format!("{name}Value"));
            }
        }
        Shape::Map {
            values,
            min_properties: largest(atoms, "minProperties"),
            max_properties: smallest(atoms, "maxProperties"),
            key_pattern,
            key_max_length,
        }
    }

    fn warn_of_counts(&mut self, atoms: &[Atom<'d>]) {
        for (at, _) in own_nodes(atoms) {
            for key in ["minProperties", "maxProperties", "propertyNames"] {
                if at.has(key) {
                    let message = format!("`{key}` beside fields of a name is not checked");
                    self.warning(at, message, "make single fields required, or leave it out");
                }
            }
        }
    }

    pub fn array(&mut self, id: TypeId, atoms: &[Atom<'d>]) -> Shape {
        let name = self.types[id.0 as usize].name.clone();
        let mut items: Conjunction<'d> = Vec::new();
        let mut prefix: Vec<Conjunction<'d>> = Vec::new();
        let mut ends = false;
        for (at, _) in own_nodes(atoms) {
            match at.get("items") {
                Some(schema) if schema.as_bool() == Some(false) => ends = true,
                Some(schema) => items.push(node(schema)),
                None => {}
            }
            ends |= at.get("unevaluatedItems").and_then(At::as_bool) == Some(false);
            for (index, schema) in at.list("prefixItems").into_iter().enumerate() {
                prefix.resize_with(prefix.len().max(index + 1), Vec::new);
                prefix[index].push(node(schema));
            }
        }
        let item_name = format!("{name}Item");
        let (min_items, max_items) = (largest(atoms, "minItems"), smallest(atoms, "maxItems"));
        if prefix.is_empty() {
            let items = if items.is_empty() { self.any() } else { self.type_ref(&items, &item_name) };
            let unique = own_nodes(atoms).any(|(at, _)| at.flag("uniqueItems"));
            let max_items = if ends { Some(0) } else { max_items };
            return Shape::Array { items, min_items, max_items, unique };
        }
        let length = prefix.len() as u64;
        let fixed = ends || max_items.is_some_and(|max| max <= length);
        let rest: Option<TypeRef> = (!fixed).then(|| self.type_ref(&items, &item_name));
        let items = prefix
            .iter()
            .enumerate()
            .map(|(index, schema)| self.type_ref(schema, &format!("{item_name}{}", index + 1)))
            .collect();
        Shape::Tuple { items, rest }
    }
}
