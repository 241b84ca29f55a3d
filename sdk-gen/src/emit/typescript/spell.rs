//! How a type is written.

use std::fmt::{self, Display, Formatter};

use crate::lower::typescript::model::Ty;

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Word(word) => f.write_str(word),
            Ty::Named(name) => f.write_str(name),
            Ty::Array { items, readonly } => write!(f, "{}{}[]", modifier(*readonly), grouped(items)),
            Ty::Tuple { items, rest, readonly } => {
                let mut parts: Vec<String> = items.iter().map(ToString::to_string).collect();
                parts.extend(rest.iter().map(|rest| format!("...{}[]", grouped(rest))));
                write!(f, "{}[{}]", modifier(*readonly), parts.join(", "))
            }
            Ty::Record(values) => write!(f, "Record<string, {values}>"),
            Ty::Index(values) => write!(f, "{{ [key: string]: {values} }}"),
            Ty::Union(_) => f.write_str(&variants(self).join(" | ")),
            Ty::Tagged { key, tags, of } => {
                write!(f, "({{ {key}: {} }} & {of})", tags.join(" | "))
            }
            Ty::Unknown { property } => {
                let quote = if property.contains('\'') { '"' } else { '\'' };
                write!(f, "UnknownVariant<{quote}{property}{quote}>")
            }
            Ty::Uploadable => f.write_str("Uploadable"),
        }
    }
}

/// The alternatives of a union, each as it is written among them.
pub fn variants(ty: &Ty) -> Vec<String> {
    match ty {
        Ty::Union(variants) => variants
            .iter()
            .map(|variant| match variant {
                Ty::Union(_) => format!("({variant})"),
                variant => variant.to_string(),
            })
            .collect(),
        Ty::Tagged { .. } => vec![unwrapped(ty)],
        single => vec![single.to_string()],
    }
}

/// An intersection needs its parentheses only among other types.
fn unwrapped(ty: &Ty) -> String {
    let text = ty.to_string();
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).map(str::to_owned).unwrap_or(text)
}

fn modifier(readonly: bool) -> &'static str {
    if readonly { "readonly " } else { "" }
}

/// What `[]` is put behind.
fn grouped(ty: &Ty) -> String {
    match ty {
        Ty::Union(_) | Ty::Array { readonly: true, .. } | Ty::Tuple { readonly: true, .. } => {
            format!("({ty})")
        }
        Ty::Word(word) if word.starts_with("(") => word.clone(),
        ty => ty.to_string(),
    }
}
