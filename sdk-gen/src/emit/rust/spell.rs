//! A type, a parameter, an argument: one line each.

use crate::lower::rust::model::{Pass, Presence, StructField, Ty};

pub fn ty(ty: &Ty) -> String {
    match ty {
        Ty::Value => "Value".to_owned(),
        Ty::Bool => "bool".to_owned(),
        Ty::U64 => "u64".to_owned(),
        Ty::I64 => "i64".to_owned(),
        Ty::F64 => "f64".to_owned(),
        Ty::String => "String".to_owned(),
        Ty::Vec(inner) => format!("Vec<{}>", self::ty(inner)),
        Ty::Map(inner) => format!("BTreeMap<String, {}>", self::ty(inner)),
        Ty::Object => "Map<String, Value>".to_owned(),
        Ty::Tuple(items) => match items.as_slice() {
            [item] => format!("({},)", self::ty(item)),
            items => format!("({})", items.iter().map(self::ty).collect::<Vec<_>>().join(", ")),
        },
        Ty::Named(name) => name.clone(),
        Ty::Boxed(name) => format!("Box<{name}>"),
        Ty::Option(inner) => format!("Option<{}>", self::ty(inner)),
    }
}

/// A field's type as declared.
pub fn field(field: &StructField) -> String {
    let inner = ty(&field.ty);
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
        (ty, Pass::Plain) => format!("{name}: {}", self::ty(ty)),
        (Ty::Boxed(inner), _) => format!("{name}: impl Into<{inner}>"),
        (ty, _) => format!("{name}: impl Into<{}>", self::ty(ty)),
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
