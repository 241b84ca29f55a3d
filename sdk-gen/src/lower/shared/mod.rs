//! What the Python and the TypeScript SDK decide alike: where a method lives, what it takes and answers, how a stream's
//! events become one answer, and the words of its docs.
//!
//! Names stay as the document has them, or as [`Words`](crate::ir::model::Words): casing, reserved words and the spelling
//! of types belong to each language. Start at [`tree`]; [`arguments`] and [`answers`] next.
//!
//! **Invariant:** nothing here knows a target language, and nothing but `ir` is imported.

pub mod accumulate;
pub mod answers;
pub mod arguments;
pub mod docs;
pub mod empty;
pub mod place;
pub mod text_path;
pub mod tree;

use crate::ir::model::{Api, ObjectShape, Shape, TypeId, TypeRef};

/// The type behind aliases.
pub fn resolved(api: &Api, id: TypeId) -> (TypeId, &Shape) {
    let target = target(api, TypeRef { id, nullable: false });
    (target.id, &api.ty(target.id).shape)
}

/// The same with what the aliases say about `null`.
pub fn target(api: &Api, mut ty: TypeRef) -> TypeRef {
    // Aliases end: `ir::check` has proven it.
    while let Shape::Alias(next) = &api.ty(ty.id).shape {
        ty = TypeRef { id: next.id, nullable: ty.nullable || next.nullable };
    }
    ty
}

/// The object behind a type, if it is one.
pub fn object(api: &Api, id: TypeId) -> Option<(TypeId, &ObjectShape)> {
    match resolved(api, id) {
        (id, Shape::Object(object)) => Some((id, object)),
        _ => None,
    }
}
