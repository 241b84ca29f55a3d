//! What goes: one `TypedDict` per object, one alias per enum and union, in modules by tag.

use crate::ir::model::{ObjectShape, Shape, TypeId, TypeRef, UnionShape};
use crate::lower::shared::target;

use super::docs;
use super::model::{Alias, DictKey, DictType, Imports, ParamItem, ParamsModule};
use super::names;
use super::order::Order;
use super::types::{Site, Types};
use super::views;

pub fn lower(types: &Types<'_>) -> Vec<ParamsModule> {
    types.files().into_iter().filter_map(|file| module(types, file)).collect()
}

fn module(types: &Types<'_>, file: &str) -> Option<ParamsModule> {
    let here =
        |id: &TypeId| types.param_name(*id).is_some() && !types.is_shared(*id) && types.file(*id) == file;
    let all = (0..types.api.types.len()).map(|at| TypeId(at as u32));
    let order = Order::of(all.filter(here), &|id| types.needs(id).into_iter().filter(here).collect());
    let mut imports = Imports::default();
    let mut items = Vec::new();
    for &id in &order.items {
        let Some(name) = types.param_name(id) else { continue };
        match &types.api.ty(id).shape {
            Shape::Object(object) => {
                items.push(ParamItem::Dict(dict(types, id, name, object, file, &mut imports)));
            }
            Shape::Union(union) => {
                items.push(ParamItem::Alias(alias(types, id, name, union, (file, &order), &mut imports)));
            }
            Shape::Enum { .. } => {
                let members = views::members(types, id, &mut imports);
                let docs = docs::of_type(&types.api.ty(id).docs, docs::WIDTH);
                items.push(ParamItem::Alias(Alias { name: name.to_owned(), docs, members }));
            }
            _ => {}
        }
    }
    let docs = vec![match file {
        "common" => "What requests of several parts of the API hold, as plain dicts.".to_owned(),
        file => format!(
            "What requests about {} hold, as plain dicts.",
            file.trim_end_matches('_').replace('_', " ")
        ),
    }];
    (!items.is_empty()).then(|| ParamsModule { file: file.to_owned(), docs, imports, items })
}

fn dict(
    types: &Types<'_>,
    id: TypeId,
    name: &str,
    object: &ObjectShape,
    file: &str,
    imports: &mut Imports,
) -> DictType {
    imports.add("typing_extensions", "TypedDict");
    let fields = object.fields.iter().filter(|field| !field.read_only);
    let keys: Vec<DictKey> = fields
        .map(|field| {
            let annotation = types.param(field.ty, Site::Params(file), imports);
            DictKey {
                wire: field.name.clone(),
                annotation: if field.required {
                    imports.add("typing_extensions", "Required");
                    format!("Required[{annotation}]")
                } else {
                    annotation
                },
                docs: docs::of_field(types.api, field, docs::WIDTH),
            }
        })
        .collect();
    DictType {
        name: name.to_owned(),
        docs: docs::of_type(&types.api.ty(id).docs, docs::WIDTH),
        class_form: keys.iter().all(|key| names::is_plain_key(&key.wire)),
        keys,
    }
}

fn alias(
    types: &Types<'_>,
    id: TypeId,
    name: &str,
    union: &UnionShape,
    (file, order): (&str, &Order),
    imports: &mut Imports,
) -> Alias {
    let mut members: Vec<String> = Vec::new();
    let mut nullable = false;
    for variant in &union.variants {
        let variant = target(types.api, variant.ty);
        nullable |= variant.nullable || types.api.ty(variant.id).shape == Shape::Null;
        let plain = TypeRef { id: variant.id, nullable: false };
        let text = types.param(plain, Site::Params(file), imports);
        let late = types.named_in(plain).into_iter().any(|used| order.is_late(id, used));
        let text = if late { format!("\"{}\"", text.replace('"', "'")) } else { text };
        if !members.contains(&text) {
            members.push(text);
        }
    }
    members.retain(|member| member != "None");
    if nullable {
        members.push("None".to_owned());
    }
    if members.len() > 1 {
        imports.add("typing", "Union");
    }
    Alias { name: name.to_owned(), docs: docs::of_type(&types.api.ty(id).docs, docs::WIDTH), members }
}
