//! A field, a parameter, an argument: one line each.

use crate::lower::rust::model::{Pass, Presence, StructField, Ty};

/// A field's type as declared.
pub fn field(field: &StructField) -> String {
    let inner = field.ty.to_string();
    if field.presence == Presence::Required || inner.starts_with("Option<") {
        inner
    } else {
        format!("Option<{inner}>")
    }
}

/// `model: impl Into<String>`
pub fn param(field: &StructField) -> String {
    let name = &field.ident;
    match (&field.ty, field.pass) {
        (ty, Pass::Plain) => format!("{name}: {ty}"),
        (Ty::Boxed(inner), _) => format!("{name}: impl Into<{inner}>"),
        (ty, _) => format!("{name}: impl Into<{ty}>"),
    }
}

/// `model: model.into()`, or the name alone.
pub fn initialiser(field: &StructField) -> String {
    let name = &field.ident;
    match value(field) {
        value if value == *name => value,
        value => format!("{name}: {value}"),
    }
}

/// A parameter as the field's value.
pub fn value(field: &StructField) -> String {
    let name = &field.ident;
    match field.pass {
        Pass::Plain => name.clone(),
        Pass::Into => format!("{name}.into()"),
        Pass::IntoBoxed => format!("Box::new({name}.into())"),
    }
}
