//! Unions of what comes: which model a JSON value is read as.
//!
//! Start at [`Types::wrap`](super::types::Types::wrap); [`converter`] makes the function that a union needs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ir::model::{Shape, TypeId, TypeRef, UnionShape};
use crate::lower::shared::empty::constant;
use crate::lower::shared::{object, resolved};

use super::model::{Argument, Assignment, Call, Imports};
use super::names;
use super::order::Order;
use super::types::{Site, Types, python};

/// How a decoded value becomes what the annotation promises.
#[derive(Debug, Clone, PartialEq)]
pub enum Wrap {
    /// As it came.
    Raw,
    /// A callable that takes an object.
    Kind(String),
    /// A callable that takes any value.
    Value(String),
}

impl Wrap {
    /// A callable that takes any value; `None` where nothing has to be done.
    pub fn callable(&self, imports: &mut Imports) -> Option<String> {
        match self {
            Wrap::Raw => None,
            Wrap::Kind(kind) => {
                imports.add("...fields", "one");
                Some(format!("one({kind})"))
            }
            Wrap::Value(value) => Some(value.clone()),
        }
    }
}

/// Who uses a type, so that a use of something that is not written yet can wait.
#[derive(Clone, Copy)]
pub struct User<'a> {
    pub id: TypeId,
    pub order: &'a Order,
    pub file: &'a str,
}

impl Types<'_> {
    pub fn wrap(&self, ty: TypeRef, user: Option<User<'_>>, imports: &mut Imports) -> Wrap {
        self.wrap_inside(ty, user, imports, &mut BTreeSet::new())
    }

    fn wrap_inside(
        &self,
        ty: TypeRef,
        user: Option<User<'_>>,
        imports: &mut Imports,
        open: &mut BTreeSet<TypeId>,
    ) -> Wrap {
        let (id, shape) = resolved(self.api, ty.id);
        let name = self.view_name(id);
        match (shape, name) {
            (Shape::Object(_), Some(name)) => Wrap::Kind(self.used(id, name, user, imports)),
            (Shape::Union(union), Some(name)) => match plan(self, id, union) {
                Plan::Raw => Wrap::Raw,
                Plan::Same(inner) if open.insert(id) => {
                    let wrap = self.wrap_inside(inner, user, imports, open);
                    open.remove(&id);
                    wrap
                }
                Plan::Same(_) => Wrap::Raw,
                Plan::Tagged => Wrap::Kind(self.used(id, &function(name), user, imports)),
                Plan::Shaped(_) => Wrap::Value(self.used(id, &function(name), user, imports)),
            },
            (Shape::Array { items, .. }, _) if open.insert(id) => {
                let items = self.wrap_inside(*items, user, imports, open);
                open.remove(&id);
                self.container("each", &items, imports)
            }
            (Shape::Map { values, .. }, _) if open.insert(id) => {
                let values = self.wrap_inside(*values, user, imports, open);
                open.remove(&id);
                self.container("each_value", &values, imports)
            }
            _ => Wrap::Raw,
        }
    }

    fn container(&self, function: &str, inside: &Wrap, imports: &mut Imports) -> Wrap {
        match inside.callable(imports) {
            None => Wrap::Raw,
            Some(callable) => {
                imports.add("...fields", function);
                Wrap::Value(format!("{function}({callable})"))
            }
        }
    }

    /// The expression of a class or converter, waiting where it has to.
    fn used(&self, id: TypeId, expression: &str, user: Option<User<'_>>, imports: &mut Imports) -> String {
        match user {
            Some(user) if user.file == self.file(id) => {
                if user.order.is_late(user.id, id) {
                    imports.add("...fields", "later");
                    return format!("later(lambda: {expression})");
                }
            }
            Some(user) => self.import(id, expression, false, Site::Types(user.file), imports),
            None => self.import(id, expression, false, Site::Resource, imports),
        }
        expression.to_owned()
    }

    /// Named types that have to be there before the union or class is written.
    pub fn needs(&self, id: TypeId) -> Vec<TypeId> {
        let mut out = Vec::new();
        for child in crate::ir::reach::children(&self.api.ty(id).shape) {
            self.collect(child.id, &mut out, 0);
        }
        out
    }

    /// Named types in a use of a type, itself among them.
    pub fn named_in(&self, ty: TypeRef) -> Vec<TypeId> {
        let mut out = Vec::new();
        self.collect(ty.id, &mut out, 0);
        out
    }

    fn collect(&self, id: TypeId, out: &mut Vec<TypeId>, depth: usize) {
        let (id, shape) = resolved(self.api, id);
        if self.view_name(id).is_some() || self.param_name(id).is_some() {
            out.push(id);
        } else if depth < 8 {
            for child in crate::ir::reach::children(shape) {
                self.collect(child.id, out, depth + 1);
            }
        }
    }
}

/// `ToolCall` → `read_tool_call`.
fn function(view: &str) -> String {
    format!("read_{}", names::snake(view).trim_end_matches('_'))
}

#[derive(Debug)]
pub enum Plan {
    /// Nothing but scalars and free objects.
    Raw,
    /// Only one variant has to be read as something.
    Same(TypeRef),
    /// By a property.
    Tagged,
    /// By what the value looks like.
    Shaped(Shapes),
}

#[derive(Debug, Default)]
pub struct Shapes {
    objects: Vec<TypeRef>,
    /// Objects that nothing is known about are among the variants.
    free: bool,
    arrays: Vec<TypeRef>,
    maps: Vec<TypeRef>,
}

/// Decides how the variants of a union are told apart.
pub fn plan(types: &Types<'_>, id: TypeId, union: &UnionShape) -> Plan {
    if union.discriminator.is_some() {
        return Plan::Tagged;
    }
    let mut shapes = Shapes::default();
    gather(types, union, &mut shapes, &mut BTreeSet::from([id]));
    let models = |list: &[TypeRef]| list.iter().any(|ty| has_models(types, *ty, &mut BTreeSet::new()));
    let (arrays, maps) = (models(&shapes.arrays), models(&shapes.maps));
    match (shapes.objects.as_slice(), arrays, maps) {
        ([], false, false) => Plan::Raw,
        ([only], false, false) if !shapes.free => Plan::Same(*only),
        _ => Plan::Shaped(shapes),
    }
}

/// Whether anything inside is read as a model. A type that holds itself has none for that.
fn has_models(types: &Types<'_>, ty: TypeRef, seen: &mut BTreeSet<TypeId>) -> bool {
    let (id, shape) = resolved(types.api, ty.id);
    if !seen.insert(id) {
        return false;
    }
    match shape {
        Shape::Object(_) => types.view_name(id).is_some(),
        Shape::Union(union) => {
            union.discriminator.is_some()
                || union.variants.iter().any(|variant| has_models(types, variant.ty, seen))
        }
        Shape::Array { items, .. } => has_models(types, *items, seen),
        Shape::Map { values, .. } => has_models(types, *values, seen),
        _ => false,
    }
}

fn gather(types: &Types<'_>, union: &UnionShape, shapes: &mut Shapes, open: &mut BTreeSet<TypeId>) {
    for variant in &union.variants {
        let (id, shape) = resolved(types.api, variant.ty.id);
        match shape {
            Shape::Object(_) if types.view_name(id).is_some() => shapes.objects.push(variant.ty),
            Shape::Object(_) | Shape::Any => shapes.free = true,
            Shape::Union(inner) if inner.discriminator.is_some() => shapes.objects.push(variant.ty),
            Shape::Union(inner) if open.insert(id) => gather(types, inner, shapes, open),
            Shape::Array { items, .. } => shapes.arrays.push(*items),
            Shape::Map { values, .. } => {
                shapes.maps.push(*values);
                shapes.free = true;
            }
            _ => {}
        }
    }
}

/// The function that a union needs, if it needs one.
pub fn converter(
    types: &Types<'_>,
    id: TypeId,
    union: &UnionShape,
    user: User<'_>,
    imports: &mut Imports,
) -> Option<Assignment> {
    let unknown = types.unknown_name(id).unwrap_or("BaseModel").to_owned();
    match plan(types, id, union) {
        Plan::Raw | Plan::Same(_) => None,
        Plan::Tagged => {
            imports.add("...fields", "tagged");
            let tag = union.discriminator.as_ref().map(|tag| tag.property.clone()).unwrap_or_default();
            let mut kinds = Vec::new();
            for variant in &union.variants {
                let wrap = types.wrap(variant.ty, Some(user), imports);
                if let Wrap::Kind(kind) = wrap {
                    kinds.extend(variant.tags.iter().map(|tag| (names::quoted(tag), kind.clone())));
                }
            }
            let arguments =
                vec![Argument::Text(names::quoted(&tag)), Argument::Dict(kinds), Argument::Text(unknown)];
            let value = Call { function: "tagged".to_owned(), arguments };
            Some(assignment(types, id, "Kind", value, imports))
        }
        Plan::Shaped(shapes) => {
            let value = shaped(types, &shapes, &unknown, user, imports);
            Some(assignment(types, id, "Wrap", value, imports))
        }
    }
}

/// Annotated, since types that refer to each other in a circle leave nothing to infer.
fn assignment(types: &Types<'_>, id: TypeId, kind: &str, value: Call, imports: &mut Imports) -> Assignment {
    imports.add("...fields", kind);
    let name = function(types.view_name(id).unwrap_or_default());
    Assignment { name, annotation: kind.to_owned(), value }
}

/// Whether some values of the union are read as its `Unknown…` model.
pub fn has_unknown(types: &Types<'_>, id: TypeId, union: &UnionShape) -> bool {
    match plan(types, id, union) {
        Plan::Tagged => true,
        Plan::Shaped(shapes) => !shapes.free && !shapes.objects.is_empty(),
        Plan::Raw | Plan::Same(_) => false,
    }
}

fn shaped(types: &Types<'_>, shapes: &Shapes, unknown: &str, user: User<'_>, imports: &mut Imports) -> Call {
    imports.add("...fields", "shaped");
    let mut arguments = Vec::new();
    for ty in &shapes.objects {
        arguments.extend(shape_of(types, *ty, user, imports));
    }
    for (name, parts) in [("items", &shapes.arrays), ("values", &shapes.maps)] {
        let mut wraps: Vec<String> = Vec::new();
        for part in parts {
            let wrap = types.wrap(*part, Some(user), imports).callable(imports);
            wraps.extend(wrap.filter(|wrap| !wraps.contains(wrap)));
        }
        match wraps.as_slice() {
            [] => {}
            [only] => arguments.push(Argument::Named(name.to_owned(), only.clone())),
            // Lists of several kinds: each item by its own looks.
            _ => {
                let mut inner = Vec::new();
                for part in parts {
                    inner.extend(shape_of(types, *part, user, imports));
                }
                let texts: Vec<String> = inner
                    .iter()
                    .filter_map(|argument| match argument {
                        Argument::Call(call) => Some(written(call)),
                        _ => None,
                    })
                    .collect();
                arguments.push(Argument::Named(name.to_owned(), format!("shaped({})", texts.join(", "))));
            }
        }
    }
    if !shapes.free && !shapes.objects.is_empty() {
        arguments.push(Argument::Named("unknown".to_owned(), unknown.to_owned()));
    }
    Call { function: "shaped".to_owned(), arguments }
}

/// `Shape(Kind, ["required"], {"constant": 1})`
fn shape_of(types: &Types<'_>, ty: TypeRef, user: User<'_>, imports: &mut Imports) -> Option<Argument> {
    let Wrap::Kind(kind) = types.wrap(ty, Some(user), imports) else { return None };
    imports.add("...fields", "Shape");
    let (mut required, mut constants): (Vec<String>, Vec<(String, Value)>) = (Vec::new(), Vec::new());
    match resolved(types.api, ty.id).1 {
        Shape::Union(union) => {
            required.extend(union.discriminator.iter().map(|tag| names::quoted(&tag.property)));
        }
        _ => {
            for field in object(types.api, ty.id).into_iter().flat_map(|(_, object)| &object.fields) {
                match constant(types.api, field.ty) {
                    Some(value) if field.required => constants.push((field.name.clone(), value)),
                    _ if field.required => required.push(names::quoted(&field.name)),
                    _ => {}
                }
            }
        }
    }
    let mut arguments = vec![Argument::Text(kind), Argument::Text(format!("[{}]", required.join(", ")))];
    if !constants.is_empty() {
        let constants = Value::Object(constants.into_iter().collect());
        arguments.push(Argument::Text(python(&constants)));
    }
    Some(Argument::Call(Call { function: "Shape".to_owned(), arguments }))
}

/// On one line.
pub fn written(call: &Call) -> String {
    let arguments: Vec<String> = call.arguments.iter().map(written_argument).collect();
    format!("{}({})", call.function, arguments.join(", "))
}

pub fn written_argument(argument: &Argument) -> String {
    match argument {
        Argument::Text(text) => text.clone(),
        Argument::Named(name, text) => format!("{name}={text}"),
        Argument::Call(call) => written(call),
        Argument::NamedCall(name, call) => format!("{name}={}", written(call)),
        Argument::Dict(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Argument::NamedDict(name, entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}: {}", written_argument(value))).collect();
            format!("{name}={{{}}}", entries.join(", "))
        }
    }
}
