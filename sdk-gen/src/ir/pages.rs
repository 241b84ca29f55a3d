//! Lists that come in pages: `x-pages`, or what the parameters and the response tell.

use super::{
    model::{Location, Method, ObjectShape, Operation, Pages, Shape, TypeDef},
    source::{At, Read},
    streams::resolve,
};

/// Query parameters that take a cursor, and the fields of the response that hold the next one.
const CURSORS: [(&str, &[&str]); 5] = [
    ("after", &["last_id", "next_cursor", "next"]),
    ("cursor", &["next_cursor", "cursor", "next"]),
    ("page_token", &["next_page_token", "next_page"]),
    ("pageToken", &["nextPageToken", "nextPage"]),
    ("after_id", &["last_id"]),
];
const ITEMS: [&str; 3] = ["data", "items", "results"];
const HAS_MORE: [&str; 3] = ["has_more", "hasMore", "has_next_page"];

/// `at` is the operation in the document. `x-pages: false` says that there are none.
pub(super) fn find_pages(types: &[TypeDef], operation: &Operation, at: At<'_>) -> Option<Pages> {
    if let Some(extension) = at.get("x-pages") {
        let text = |key: &str| extension.text(key).map(str::to_owned);
        return Some(Pages {
            items: text("items")?,
            cursor_param: text("cursor_param")?,
            next_cursor: text("next_cursor"),
            has_more: text("has_more"),
        });
    }
    if operation.method != Method::Get {
        return None;
    }
    let Shape::Object(page) = resolve(types, operation.success.json?.id) else { return None };
    let is_array = |name: &str| matches!(field(types, page, name), Some(Shape::Array { .. }));
    let items = ITEMS.into_iter().find(|name| is_array(name))?;
    let has_more = HAS_MORE.into_iter().find(|name| matches!(field(types, page, name), Some(Shape::Bool)));
    let takes = |name: &str| {
        operation.params.iter().any(|param| param.location == Location::Query && param.name == name)
    };
    let (cursor_param, next) = CURSORS.into_iter().find(|(name, _)| takes(name))?;
    let next_cursor =
        next.iter().find(|name| field(types, page, name).is_some()).map(|name| (*name).to_owned());
    // One of both must tell when to stop.
    has_more.or(next_cursor.as_deref())?;
    Some(Pages {
        items: items.to_owned(),
        cursor_param: cursor_param.to_owned(),
        has_more: has_more.map(str::to_owned),
        next_cursor,
    })
}

fn field<'t>(types: &'t [TypeDef], object: &ObjectShape, name: &str) -> Option<&'t Shape> {
    let field = object.fields.iter().find(|field| field.name == name)?;
    Some(resolve(types, field.ty.id))
}
