//! Lists that come page by page: what the runtime needs to go from one page to the next.
//!
//! Start at [`lower`].

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Operation, Pages, Shape, TypeId};

use super::model::{Presence, StructField, Ty};
use super::repr::resolved;
use super::sdk::{PageField, PagesMethod, ParamsStruct};
use super::{Context, docs, names, objects};

/// The method beside `base` that yields the items of all pages.
pub fn lower(
    context: &Context<'_>,
    operation: &Operation,
    base: &str,
    optional: Option<&ParamsStruct>,
    diagnostics: &mut Diagnostics,
) -> Option<PagesMethod> {
    let pages = operation.pages.as_ref()?;
    let found = find(context, operation, pages, base, optional);
    if found.is_none() {
        let origin = &operation.origin;
        diagnostics.warning(
            origin.pointer.clone(),
            origin.place,
            "the pages of this list cannot be followed in Rust; it gets a method for one page only",
            "let an optional parameter and a field of the page hold the cursor, both strings",
        );
    }
    found
}

fn find(
    context: &Context<'_>,
    operation: &Operation,
    pages: &Pages,
    base: &str,
    optional: Option<&ParamsStruct>,
) -> Option<PagesMethod> {
    let answer = operation.success.json.filter(|answer| !answer.nullable)?;
    let fields = fields(context, answer.id)?;
    let field = |wire: &str| fields.iter().find(|field| field.wire == wire);
    let items = field(&pages.items)?;
    let Ty::Vec(item) = &items.ty else { return None };
    let has_more = match &pages.has_more {
        Some(wire) => Some(field(wire).filter(|field| field.ty == Ty::Bool)?),
        None => None,
    };
    let next_cursor = match &pages.next_cursor {
        Some(wire) => page_field(text(context, answer.id, wire, &fields)?),
        None => {
            let Shape::Object(page) = resolved(context.api, answer.id).1 else { return None };
            let items = page.fields.iter().find(|field| field.name == pages.items)?;
            let Shape::Array { items, .. } = resolved(context.api, items.ty.id).1 else { return None };
            page_field(text(context, items.id, "id", &self::fields(context, items.id)?)?)
        }
    };
    let cursor = operation.params.iter().find(|param| param.name == pages.cursor_param)?;
    let takes_text = matches!(resolved(context.api, cursor.ty.id).1, Shape::String(_));
    let cursor = names::identifier(&names::snake(&cursor.name));
    let optional = optional.filter(|optional| optional.fields.iter().any(|field| field.ident == cursor))?;
    let mut lines = docs::markdown(&operation.summary);
    lines.push(String::new());
    lines.extend(docs::unescaped(&format!(
        "The items of all pages, one after the other. A page is asked for, as by [`{base}`](Self::{base}), when \
         the items of the one before are used up."
    )));
    takes_text.then(|| PagesMethod {
        name: format!("{}_all", base.trim_start_matches("r#")),
        docs: lines,
        item: (**item).clone(),
        params: optional.name.clone(),
        cursor,
        items: page_field(items),
        has_more: has_more.map(page_field),
        next_is_id: pages.next_cursor.is_none(),
        next_cursor,
    })
}

fn fields(context: &Context<'_>, id: TypeId) -> Option<Vec<StructField>> {
    let (id, Shape::Object(object)) = resolved(context.api, id) else { return None };
    Some(objects::lower(context, id, object).fields)
}

/// A field that is a string, whatever its type is called.
fn text<'f>(
    context: &Context<'_>,
    owner: TypeId,
    wire: &str,
    fields: &'f [StructField],
) -> Option<&'f StructField> {
    let Shape::Object(object) = resolved(context.api, owner).1 else { return None };
    let field = object.fields.iter().find(|field| field.name == wire)?;
    let is_text = matches!(resolved(context.api, field.ty.id).1, Shape::String(_));
    fields.iter().find(|field| is_text && field.wire == wire)
}

fn page_field(field: &StructField) -> PageField {
    PageField { ident: field.ident.clone(), optional: field.presence != Presence::Required }
}
