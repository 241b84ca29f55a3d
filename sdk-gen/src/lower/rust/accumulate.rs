//! How a stream's pieces become the answer that the operation gives when it does not stream.
//!
//! Two halves: pieces are folded into one piece of the same type ([`Folding`]), and that piece becomes the result
//! ([`Conversion`]). Start at [`lower`].

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Field, Merge, ObjectShape, Operation, Shape, TypeId};

use super::model::{StructField, Ty};
use super::repr::resolved;
use super::{Context, convert, names, objects};

#[derive(Debug, Default)]
pub struct Accumulators {
    pub streams: Vec<StreamAccumulator>,
    pub foldings: Vec<Folding>,
    pub conversions: Vec<Conversion>,
}

#[derive(Debug, Clone)]
pub struct StreamAccumulator {
    pub name: String,
    /// Of the operation, for the docs.
    pub operation_id: String,
    pub event: String,
    pub result: String,
    pub terminal: Option<String>,
}

/// How one type's pieces are folded.
#[derive(Debug)]
pub struct Folding {
    pub name: String,
    pub fields: Vec<(String, FoldWith)>,
    pub extra: Option<String>,
    /// Items of a list are found by this field.
    pub index: Option<IndexField>,
}

#[derive(Debug)]
pub struct IndexField {
    pub ident: String,
    pub optional: bool,
    pub signed: bool,
    /// A text that names the item, and whether it is optional.
    pub id: Option<(String, bool)>,
}

/// A function of the `fold` module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldWith {
    First,
    FirstSet,
    Replace,
    ReplaceSet,
    Append,
    /// The field is a struct.
    Fold,
    Merge,
    MergeFirst,
    ByIndex,
    ByIndexSet,
}

/// The whole piece as the result's type.
#[derive(Debug)]
pub struct Conversion {
    pub from: String,
    pub to: String,
    pub kind: ConversionKind,
}

#[derive(Debug)]
pub enum ConversionKind {
    /// Each field with its expression over `from`.
    Struct(Vec<(String, String)>),
    Union {
        /// Expression of the tag's text, such as `from.r#type.as_deref()`.
        tag: String,
        default: String,
        /// Tag and variant.
        arms: Vec<(Vec<String>, String)>,
    },
}

/// What streams, and what each piece and each result is.
pub fn lower(context: &Context<'_>, diagnostics: &mut Diagnostics) -> Accumulators {
    let mut out = Accumulators::default();
    let mut scope = names::Scope::default();
    let (mut folded, mut converted) = (BTreeSet::new(), BTreeMap::new());
    for operation in &context.api.operations {
        let Some(stream) = &operation.success.stream else { continue };
        let Some(result) = operation.success.json else {
            refuse(operation, "an operation that only streams cannot be generated yet", diagnostics);
            continue;
        };
        let names = (context.reprs.item_name(stream.event.id), context.reprs.item_name(result.id));
        let ((Some(event), Some(final_name)), (event_id, Shape::Object(_)), (result_id, Shape::Object(_))) =
            (names, resolved(context.api, stream.event.id), resolved(context.api, result.id))
        else {
            refuse(operation, "a stream's events and the answer beside it must be objects", diagnostics);
            continue;
        };
        if !context.defaults.has(event_id) {
            refuse(operation, "a stream's event needs a field that has no empty value", diagnostics);
            continue;
        }
        fold(context, event_id, &mut folded, &mut out.foldings);
        convert::convert(context, event_id, result_id, &mut converted, diagnostics);
        out.streams.push(StreamAccumulator {
            name: scope.claim(format!("{final_name}Accumulator")),
            operation_id: operation.id.clone(),
            event: event.to_owned(),
            result: final_name.to_owned(),
            terminal: stream.terminal.clone(),
        });
    }
    out.conversions = converted.into_values().flatten().collect();
    out
}

fn refuse(operation: &Operation, message: &str, diagnostics: &mut Diagnostics) {
    let origin = &operation.origin;
    let help = "answer with JSON under the same status, as an object, and let the events be pieces of it";
    diagnostics.error(origin.pointer.clone(), origin.place, message, help);
}

/// The struct behind a type, if it is one.
pub fn object<'a>(context: &Context<'a>, id: TypeId) -> Option<(TypeId, &'a ObjectShape)> {
    match resolved(context.api, id) {
        (id, Shape::Object(object)) if context.reprs.item_name(id).is_some() => Some((id, object)),
        _ => None,
    }
}

fn fold(context: &Context<'_>, id: TypeId, seen: &mut BTreeSet<TypeId>, out: &mut Vec<Folding>) {
    let Some((id, shape)) = object(context, id) else { return };
    if !seen.insert(id) {
        return;
    }
    let lowered = objects::lower(context, id, shape);
    let mut fields = Vec::new();
    let mut inner = Vec::new();
    for field in &lowered.fields {
        let Some(source) = shape.fields.iter().find(|source| source.name == field.wire) else { continue };
        let with = fold_with(context, source, field);
        if matches!(
            with,
            FoldWith::Fold
                | FoldWith::Merge
                | FoldWith::MergeFirst
                | FoldWith::ByIndex
                | FoldWith::ByIndexSet
        ) {
            inner.push(item_of(context, source));
        }
        fields.push((field.ident.clone(), with));
    }
    out.push(Folding {
        name: context.reprs.item_name(id).unwrap_or_default().to_owned(),
        index: index_field(context, shape, &lowered.fields),
        extra: (lowered.extra.1 == Ty::Extra).then_some(lowered.extra.0),
        fields,
    });
    inner.into_iter().for_each(|id| fold(context, id, seen, out));
}

/// The type of a list's items, or the type itself.
fn item_of(context: &Context<'_>, field: &Field) -> TypeId {
    match resolved(context.api, field.ty.id) {
        (_, Shape::Array { items, .. }) => items.id,
        (id, _) => id,
    }
}

fn index_field(context: &Context<'_>, shape: &ObjectShape, fields: &[StructField]) -> Option<IndexField> {
    let lowered = |name: &str| fields.iter().find(|field| field.wire == name);
    let source = shape.fields.iter().find(|field| field.name == "index")?;
    if !matches!(resolved(context.api, source.ty.id).1, Shape::Integer { .. }) {
        return None;
    }
    let optional = |field: &StructField| matches!(objects::declared(field), Ty::Option(_));
    let index = lowered("index")?;
    let id = lowered("id").filter(|field| field.ty == Ty::String);
    Some(IndexField {
        ident: index.ident.clone(),
        optional: optional(index),
        signed: index.ty == Ty::I64,
        id: id.map(|field| (field.ident.clone(), optional(field))),
    })
}

fn fold_with(context: &Context<'_>, source: &Field, field: &StructField) -> FoldWith {
    let (id, shape) = resolved(context.api, source.ty.id);
    let set = matches!(objects::declared(field), Ty::Option(_));
    let pick = |plain, in_option| if set { in_option } else { plain };
    let is_struct = object(context, id).is_some();
    let indexed = match shape {
        Shape::Array { items, .. } => object(context, items.id).is_some_and(|(_, item)| {
            item.fields.iter().any(|field| {
                field.name == "index" && matches!(resolved(context.api, field.ty.id).1, Shape::Integer { .. })
            })
        }),
        _ => false,
    };
    let is_list = matches!(field.ty, Ty::Vec(_));
    let default = match shape {
        Shape::Array { .. } if indexed => Merge::ByIndex,
        Shape::Array { .. } => Merge::Append,
        _ => Merge::Replace,
    };
    match source.merge.unwrap_or(default) {
        Merge::ByIndex if indexed => pick(FoldWith::ByIndex, FoldWith::ByIndexSet),
        Merge::ByIndex | Merge::Append if is_list || field.ty == Ty::String => FoldWith::Append,
        Merge::First if field.ty == Ty::String => pick(FoldWith::First, FoldWith::FirstSet),
        Merge::First if set && matches!(field.ty, Ty::U64 | Ty::I64 | Ty::F64 | Ty::Bool | Ty::Vec(_)) => {
            FoldWith::FirstSet
        }
        // An object is merged property by property, unless the document asks for the last one whole.
        Merge::Replace if source.merge.is_none() && is_struct => match context.defaults.has(id) {
            true => pick(FoldWith::Fold, FoldWith::Merge),
            false => pick(FoldWith::Fold, FoldWith::MergeFirst),
        },
        _ => pick(FoldWith::Replace, FoldWith::ReplaceSet),
    }
}

/// The default that the document gives a tag, as text.
pub fn default_text(field: &Field) -> String {
    field.default.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}
