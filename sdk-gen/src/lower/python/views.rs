//! What comes: one class per object, one alias per enum and union, in modules by tag.

use crate::ir::model::{Field, ObjectShape, Shape, TypeId, UnionShape};
use crate::ir::secrets::is_secret;
use crate::lower::shared::{resolved, target};

use super::docs;
use super::model::{Alias, Argument, Call, Class, Imports, TypesModule, ViewField, ViewItem};
use super::names::{self, Scope};
use super::order::Order;
use super::types::{Site, Types, literal, optional};
use super::unions::{self, User, Wrap};

/// What type checkers take the tag of an unknown variant for: comparing tags then tells the known ones apart.
const UNKNOWN_TAG: &str = "(unknown)";

pub fn lower(types: &Types<'_>) -> Vec<TypesModule> {
    types.files().into_iter().filter_map(|file| module(types, file)).collect()
}

fn module(types: &Types<'_>, file: &str) -> Option<TypesModule> {
    let here = |id: &TypeId| types.view_name(*id).is_some() && types.file(*id) == file;
    let all = (0..types.api.types.len()).map(|at| TypeId(at as u32));
    let order = Order::of(all.filter(here), &|id| types.needs(id).into_iter().filter(here).collect());
    let mut imports = Imports::default();
    let mut items = Vec::new();
    for &id in &order.items {
        let user = User { id, order: &order, file };
        let Some(name) = types.view_name(id) else { continue };
        match &types.api.ty(id).shape {
            Shape::Object(object) => {
                items.push(ViewItem::Class(class(types, id, name, object, user, &mut imports)));
            }
            Shape::Union(union) => self::union(types, id, name, union, user, &mut imports, &mut items),
            Shape::Enum { .. } => items.push(ViewItem::Alias(enumeration(types, id, name, &mut imports))),
            _ => {}
        }
    }
    let docs = vec![match file {
        "common" => "Types that several parts of the API share.".to_owned(),
        file => format!("What the API answers about {}.", file.trim_end_matches('_').replace('_', " ")),
    }];
    (!items.is_empty()).then(|| TypesModule { file: file.to_owned(), docs, imports, items })
}

fn class(
    types: &Types<'_>,
    id: TypeId,
    name: &str,
    object: &ObjectShape,
    user: User<'_>,
    imports: &mut Imports,
) -> Class {
    imports.add("...model", "Model as BaseModel");
    let mut scope = Scope::with(names::TAKEN_FIELDS);
    let fields = object.fields.iter().filter(|field| !field.write_only);
    let fields = fields.map(|field| {
        let name = scope.claim(names::snake(&field.name));
        self::field(types, name, field, user, imports)
    });
    Class {
        name: name.to_owned(),
        base: "BaseModel".to_owned(),
        docs: docs::of_type(&types.api.ty(id).docs, docs::WIDTH),
        fields: fields.collect(),
    }
}

fn field(types: &Types<'_>, name: String, field: &Field, user: User<'_>, imports: &mut Imports) -> ViewField {
    let site = Site::Types(user.file);
    let nullable = target(types.api, field.ty).nullable;
    let mut annotation = types.view(field.ty, site, imports);
    let (_, shape) = resolved(types.api, field.ty.id);
    let key = Argument::Text(names::quoted(&field.name));
    // First what is needed, then the imports of that alone.
    let mut wrap = |ty| types.wrap(ty, Some(user), imports);
    let probe = |ty| types.wrap(ty, Some(user), &mut Imports::default());
    let of_items = |ty| matches!(probe(ty), Wrap::Kind(_));
    let (function, wrap) = match (probe(field.ty), shape) {
        (Wrap::Raw, _) if is_secret(types.api, field.ty) => ("secret", Wrap::Raw),
        (Wrap::Raw, _) => ("field", Wrap::Raw),
        (Wrap::Kind(_), _) => ("view", wrap(field.ty)),
        (Wrap::Value(_), Shape::Array { items, .. }) if of_items(*items) => ("views", wrap(*items)),
        (Wrap::Value(_), Shape::Map { values, .. }) if of_items(*values) => ("view_map", wrap(*values)),
        (Wrap::Value(_), _) => ("wrapped", wrap(field.ty)),
    };
    let kind = match wrap {
        Wrap::Raw => None,
        Wrap::Kind(text) | Wrap::Value(text) => Some(text),
    };
    imports.add("...fields", function);
    let mut arguments = vec![key];
    arguments.extend(kind.map(Argument::Text));
    // An absent field reads as the document's default, if that is a plain value or an empty object.
    let default = field.default.as_ref().filter(|_| !field.required && !nullable);
    let default = default.and_then(|default| match (default, function) {
        (serde_json::Value::Object(fields), "view") if fields.is_empty() => Some("{}".to_owned()),
        (value, "field" | "secret") if !value.is_null() => literal(value),
        _ => None,
    });
    match default {
        Some(default) => arguments.push(Argument::Named("default".to_owned(), default)),
        None if !field.required => annotation = optional(&annotation, imports),
        None => {}
    }
    ViewField {
        annotation,
        value: Call { function: function.to_owned(), arguments },
        docs: docs::of_field(types.api, field, docs::WIDTH),
        name,
    }
}

fn union(
    types: &Types<'_>,
    id: TypeId,
    name: &str,
    union: &UnionShape,
    user: User<'_>,
    imports: &mut Imports,
    items: &mut Vec<ViewItem>,
) {
    let mut members = Vec::new();
    let mut nullable = false;
    for variant in &union.variants {
        let variant = target(types.api, variant.ty);
        nullable |= variant.nullable || types.api.ty(variant.id).shape == Shape::Null;
        let plain = crate::ir::model::TypeRef { id: variant.id, nullable: false };
        let text = types.view(plain, Site::Types(user.file), imports);
        let late = types.named_in(plain).into_iter().any(|used| user.order.is_late(id, used));
        let text = if late { format!("\"{}\"", text.replace('"', "'")) } else { text };
        if !members.contains(&text) {
            members.push(text);
        }
    }
    members.retain(|member| member != "None");
    let unknown = types.unknown_name(id).filter(|_| unions::has_unknown(types, id, union));
    if let Some(unknown) = unknown {
        items.push(ViewItem::Class(self::unknown(name, unknown, union, imports)));
        members.push(unknown.to_owned());
    }
    if nullable {
        members.push("None".to_owned());
    }
    if members.len() > 1 {
        imports.add("typing", "Union");
    }
    let docs = docs::of_type(&types.api.ty(id).docs, docs::WIDTH);
    items.push(ViewItem::Alias(Alias { name: name.to_owned(), docs, members }));
    items.extend(unions::converter(types, id, union, user, imports).map(ViewItem::Converter));
}

fn unknown(view: &str, name: &str, union: &UnionShape, imports: &mut Imports) -> Class {
    imports.add("...fields", "UnknownVariant");
    let mut fields = Vec::new();
    if let Some(tag) = &union.discriminator {
        imports.add("typing", "Literal");
        imports.add("...fields", "field");
        let mut scope = Scope::with(names::TAKEN_FIELDS);
        fields.push(ViewField {
            name: scope.claim(names::snake(&tag.property)),
            annotation: format!("Literal[{}]", names::quoted(UNKNOWN_TAG)),
            value: Call {
                function: "field".to_owned(),
                arguments: vec![Argument::Text(names::quoted(&tag.property))],
            },
            docs: vec!["As the server sent it, whatever the annotation says.".to_owned()],
        });
    }
    Class {
        name: name.to_owned(),
        base: "UnknownVariant".to_owned(),
        docs: vec![format!("A variant of `{view}` that this version does not know.")],
        fields,
    }
}

fn enumeration(types: &Types<'_>, id: TypeId, name: &str, imports: &mut Imports) -> Alias {
    let members = members(types, id, imports);
    Alias { name: name.to_owned(), docs: docs::of_type(&types.api.ty(id).docs, docs::WIDTH), members }
}

/// `Literal["stop", "length"]` and `str`: further values may come.
pub fn members(types: &Types<'_>, id: TypeId, imports: &mut Imports) -> Vec<String> {
    let Shape::Enum { values } = &types.api.ty(id).shape else { return Vec::new() };
    let literals: Vec<String> = values.iter().filter_map(|value| literal(&value.value)).collect();
    imports.add("typing", "Literal");
    let mut members = vec![format!("Literal[{}]", literals.join(", "))];
    if values.iter().any(|value| value.value.is_string()) {
        members.push("str".to_owned());
    }
    if values.iter().any(|value| value.value.is_number()) {
        members.push("int".to_owned());
    }
    if members.len() > 1 {
        imports.add("typing", "Union");
    }
    members
}
