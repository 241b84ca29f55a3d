//! Which types an operation reaches, and from which side.

use std::collections::HashSet;

use super::model::{Additional, Operation, Shape, TypeDef, TypeId, TypeRef};

/// Types that a shape names directly.
pub fn children(shape: &Shape) -> Vec<TypeRef> {
    match shape {
        Shape::Array { items, .. } => vec![*items],
        Shape::Tuple { items, rest } => items.iter().copied().chain(*rest).collect(),
        Shape::Map { values, .. } => vec![*values],
        Shape::Object(object) => {
            let rest = if let Additional::Typed(ty) = object.additional { Some(ty) } else { None };
            object.fields.iter().map(|field| field.ty).chain(rest).collect()
        }
        Shape::Union(union) => union.variants.iter().map(|variant| variant.ty).collect(),
        Shape::Alias(target) => vec![*target],
        Shape::Any
        | Shape::Null
        | Shape::Bool
        | Shape::Integer { .. }
        | Shape::Number { .. }
        | Shape::String(_)
        | Shape::Bytes { .. }
        | Shape::Const(_)
        | Shape::Enum { .. } => Vec::new(),
    }
}

/// Types that the operation's request names directly.
pub fn request_roots(operation: &Operation) -> Vec<TypeRef> {
    let body = operation.body.iter().flat_map(|body| &body.media).filter_map(|media| media.ty);
    operation.params.iter().map(|param| param.ty).chain(body).collect()
}

/// Types that the operation's responses name directly.
pub fn response_roots(operation: &Operation) -> Vec<TypeRef> {
    let success = &operation.success;
    let stream = success.stream.iter().flat_map(|stream| [Some(stream.event), stream.error]).flatten();
    let errors = operation.errors.iter();
    let headers =
        errors.clone().flat_map(|error| &error.headers).chain(&success.headers).map(|header| header.ty);
    let other = success.other.iter().filter_map(|media| media.ty);
    success
        .json
        .into_iter()
        .chain(stream)
        .chain(other)
        .chain(errors.filter_map(|error| error.ty))
        .chain(headers)
        .collect()
}

/// Everything that can be reached from `roots`.
pub fn closure(types: &[TypeDef], roots: impl IntoIterator<Item = TypeRef>) -> HashSet<TypeId> {
    let mut reached = HashSet::new();
    let mut open: Vec<TypeId> = roots.into_iter().map(|ty| ty.id).collect();
    while let Some(id) = open.pop() {
        if reached.insert(id)
            && let Some(def) = types.get(id.0 as usize)
        {
            open.extend(children(&def.shape).into_iter().map(|ty| ty.id));
        }
    }
    reached
}

/// Sets `in_request` and `in_response`.
pub(super) fn mark(types: &mut [TypeDef], operations: &[Operation]) {
    for id in closure(types, operations.iter().flat_map(request_roots)) {
        types[id.0 as usize].in_request = true;
    }
    for id in closure(types, operations.iter().flat_map(response_roots)) {
        types[id.0 as usize].in_response = true;
    }
}
