//! A folded piece → the result's type, field by field, by name.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Field, Shape, TypeId};

use super::accumulate::{Conversion, ConversionKind, default_text, object};
use super::model::{Presence, StructField, Ty};
use super::repr::resolved;
use super::{Context, objects, unions};

/// Conversions by their types; `None` while one is being made, so that recursive types end.
pub type Made = BTreeMap<(TypeId, TypeId), Option<Conversion>>;

/// Makes the conversion between two types and all that it needs. False: the types have nothing in common.
pub fn convert(
    context: &Context<'_>,
    from: TypeId,
    to: TypeId,
    made: &mut Made,
    diagnostics: &mut Diagnostics,
) -> bool {
    let Some((from, shape)) = object(context, from) else { return false };
    let (to, target) = resolved(context.api, to);
    if made.contains_key(&(from, to)) {
        return true;
    }
    made.insert((from, to), None);
    let kind = match target {
        Shape::Object(target) if context.reprs.item_name(to).is_some() => {
            Some(structure(context, (from, &shape.fields), (to, target), made, diagnostics))
        }
        Shape::Union(_) => union(context, (from, &shape.fields), to, made, diagnostics),
        _ => None,
    };
    let names = (context.reprs.item_name(from), context.reprs.item_name(to));
    match (kind, names) {
        (Some(kind), (Some(from_name), Some(to_name))) => {
            let conversion = Conversion { from: from_name.to_owned(), to: to_name.to_owned(), kind };
            made.insert((from, to), Some(conversion));
            true
        }
        _ => {
            made.remove(&(from, to));
            false
        }
    }
}

fn structure(
    context: &Context<'_>,
    (from, pieces): (TypeId, &[Field]),
    (to, target): (TypeId, &crate::ir::model::ObjectShape),
    made: &mut Made,
    diagnostics: &mut Diagnostics,
) -> ConversionKind {
    let source = object(context, from).map(|(id, shape)| objects::lower(context, id, shape));
    let whole = objects::lower(context, to, target);
    let mut fields = Vec::new();
    for field in &whole.fields {
        let Some(wanted) = target.fields.iter().find(|wanted| wanted.name == field.wire) else { continue };
        if let Some(constant) = &field.constant {
            fields.push((field.ident.clone(), constant.clone()));
            continue;
        }
        let piece =
            pieces.iter().find(|piece| piece.merge_into.as_deref().unwrap_or(&piece.name) == field.wire);
        let lowered = piece.and_then(|piece| {
            let fields = source.as_ref().map(|source| &source.fields)?;
            Some((piece, fields.iter().find(|field| field.wire == piece.name)?))
        });
        let expression = match lowered {
            Some((piece, lowered)) => value(context, (piece, lowered), (wanted, field), made, diagnostics),
            None => None,
        };
        let expression = expression.or_else(|| absent(context, wanted, field));
        fields.push((
            field.ident.clone(),
            expression.unwrap_or_else(|| missing(context, to, field, diagnostics)),
        ));
    }
    let extra = source.as_ref().filter(|source| source.extra.1 == whole.extra.1);
    let extra = extra.map_or("Default::default()".to_owned(), |source| format!("from.{}", source.extra.0));
    fields.push((whole.extra.0, extra));
    ConversionKind::Struct(fields)
}

/// What stands for a field that no piece has.
fn absent(context: &Context<'_>, wanted: &Field, field: &StructField) -> Option<String> {
    if field.presence != Presence::Required {
        return Some("None".to_owned());
    }
    has_default(context, wanted.ty.id).then(|| "Default::default()".to_owned())
}

fn has_default(context: &Context<'_>, id: TypeId) -> bool {
    match resolved(context.api, id) {
        (id, Shape::Object(_)) => context.reprs.item_name(id).is_none() || context.defaults.has(id),
        (id, Shape::Union(_) | Shape::Enum { .. }) => context.reprs.item_name(id).is_none(),
        (_, Shape::Tuple { .. }) => false,
        _ => true,
    }
}

fn missing(context: &Context<'_>, to: TypeId, field: &StructField, diagnostics: &mut Diagnostics) -> String {
    let origin = &context.api.ty(to).origin;
    diagnostics.error(
        origin.pointer.clone(),
        origin.place,
        format!("no piece of the stream gives the required `{}`, and it has no empty value", field.wire),
        "make it optional, or give a property of the pieces `x-merge-into`",
    );
    "Default::default()".to_owned()
}

/// The expression of one field over `from`; `None` where the types have nothing in common.
fn value(
    context: &Context<'_>,
    (piece, from): (&Field, &StructField),
    (wanted, to): (&Field, &StructField),
    made: &mut Made,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let set = matches!(objects::declared(from), Ty::Option(_));
    let wants_option = matches!(objects::declared(to), Ty::Option(_));
    let place = format!("from.{}", from.ident);
    let step = step(context, (piece.ty.id, &from.ty), (wanted.ty.id, &to.ty), made, diagnostics)?;
    // An unset piece needs an empty value to stand for it.
    if set && !wants_option && !has_default(context, piece.ty.id) {
        return None;
    }
    Some(match (step, set, wants_option) {
        (Step::Same, true, true) | (Step::Same, false, false) => place,
        (Step::Same, false, true) => format!("Some({place})"),
        (Step::Same, true, false) => format!("{place}.unwrap_or_default()"),
        (Step::Into, true, true) => format!("{place}.map(Into::into)"),
        (Step::Into, false, true) => format!("Some({place}.into())"),
        (Step::Into, true, false) => format!("{place}.unwrap_or_default().into()"),
        (Step::Into, false, false) => format!("{place}.into()"),
        (Step::Each, true, true) => {
            format!("{place}.map(|items| items.into_iter().map(Into::into).collect())")
        }
        (Step::Each, false, true) => format!("Some({place}.into_iter().map(Into::into).collect())"),
        (Step::Each, true, false) => format!("{place}.into_iter().flatten().map(Into::into).collect()"),
        (Step::Each, false, false) => format!("{place}.into_iter().map(Into::into).collect()"),
    })
}

/// What turns one type into another.
#[derive(Clone, Copy)]
enum Step {
    Same,
    Into,
    Each,
}

fn step(
    context: &Context<'_>,
    (from, from_ty): (TypeId, &Ty),
    (to, to_ty): (TypeId, &Ty),
    made: &mut Made,
    diagnostics: &mut Diagnostics,
) -> Option<Step> {
    let (from, from_shape) = resolved(context.api, from);
    let (to, to_shape) = resolved(context.api, to);
    if from == to || (from_ty == to_ty && !matches!(from_ty, Ty::Vec(_))) {
        return Some(Step::Same);
    }
    match (from_shape, to_shape) {
        (Shape::Array { items: from, .. }, Shape::Array { items: to, .. }) => {
            if context.reprs.ty(from.id) == context.reprs.ty(to.id) {
                return Some(Step::Same);
            }
            convert(context, from.id, to.id, made, diagnostics).then_some(Step::Each)
        }
        // A text becomes an open enum, which keeps what it does not know.
        (Shape::String(_), Shape::Enum { .. }) if context.reprs.item_name(to).is_some() => Some(Step::Into),
        (Shape::Object(_), Shape::Object(_) | Shape::Union(_)) => {
            convert(context, from, to, made, diagnostics).then_some(Step::Into)
        }
        _ => None,
    }
}

/// An object that becomes a variant of a tagged union: the variant that its own tag names.
fn union(
    context: &Context<'_>,
    (from, pieces): (TypeId, &[Field]),
    to: TypeId,
    made: &mut Made,
    diagnostics: &mut Diagnostics,
) -> Option<ConversionKind> {
    let lowered = unions::lower(context, to, context.reprs.item_name(to)?);
    let property = lowered.tag.clone()?;
    let piece = pieces.iter().find(|piece| piece.name == property)?;
    let (id, shape) = object(context, from)?;
    let source = objects::lower(context, id, shape);
    let field = source.fields.iter().find(|field| field.wire == property)?;
    if field.ty != Ty::String {
        return None;
    }
    let set = matches!(objects::declared(field), Ty::Option(_));
    let payloads = context.tags.payloads(to);
    let mut arms = Vec::new();
    for variant in lowered.variants.iter().filter(|variant| !variant.tags.is_empty()) {
        let payload = payloads.iter().find(|payload| context.reprs.held(to, payload.id) == variant.ty)?;
        if matches!(variant.ty, Ty::Named(_)) && convert(context, from, payload.id, made, diagnostics) {
            arms.push((variant.tags.clone(), variant.name.clone()));
        }
    }
    let tag = if set {
        format!("from.{}.as_deref()", field.ident)
    } else {
        format!("Some(from.{}.as_str())", field.ident)
    };
    Some(ConversionKind::Union { tag, default: default_text(piece), arms })
}
