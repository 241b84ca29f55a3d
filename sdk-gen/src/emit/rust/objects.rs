//! A struct with its `Default`, `new` and setters.

use crate::emit::writer::Writer;
use crate::lower::rust::model::{DefaultKind, Item, Presence, Struct, StructField, Ty};

use super::spell;
use super::types::Layout;

pub fn write(w: &mut Writer, item: &Item, object: &Struct, layout: Layout) {
    declaration(w, item, object, layout);
    if object.has_secrets() {
        w.gap();
        debug(w, item, object);
    }
    if object.default == Some(DefaultKind::Written) {
        w.gap();
        default(w, item, object);
    }
    let required: Vec<&StructField> = required(object).collect();
    let new = object.builder && !required.is_empty();
    let setters: Vec<&StructField> =
        object.fields.iter().filter(|field| object.setters && field.presence != Presence::Required).collect();
    if !new && setters.is_empty() {
        return;
    }
    w.gap();
    w.open(format!("impl {} {{", item.name));
    if new {
        constructor(w, object, &required);
    }
    for field in setters {
        w.gap();
        setter(w, field);
    }
    w.close("}");
}

fn required(object: &Struct) -> impl Iterator<Item = &StructField> {
    object.fields.iter().filter(|field| field.presence == Presence::Required && field.constant.is_none())
}

fn declaration(w: &mut Writer, item: &Item, object: &Struct, layout: Layout) {
    let default = if object.default == Some(DefaultKind::Derived) { "Default, " } else { "" };
    w.docs(&item.docs);
    let debug = if object.has_secrets() { "" } else { "Debug, " };
    w.line(format!("#[derive({debug}Clone, {default}PartialEq, Serialize, Deserialize)]"));
    w.open(format!("pub struct {} {{", item.name));
    for field in &object.fields {
        w.docs(&field.docs);
        let mut attributes = Vec::new();
        if field.renamed {
            attributes.push(format!("rename = {:?}", field.wire));
        }
        if field.presence == Presence::Optional {
            attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
        }
        if !attributes.is_empty() {
            w.line(format!("#[serde({})]", attributes.join(", ")));
        }
        w.line(format!("pub {}: {},", field.ident, spell::field(field)));
    }
    let (name, ty) = &object.extra;
    if *ty == Ty::Extra {
        w.docs(&["Fields that this version does not know, as received."]);
    } else {
        w.docs(&["Every other field."]);
    }
    let unique =
        if layout.checks && *ty == Ty::Extra { ", deserialize_with = \"support::unique\"" } else { "" };
    w.line(format!("#[serde(flatten{unique})]"));
    w.line(format!("pub {name}: {},", ty));
    w.close("}");
}

/// `Debug` ends in logs, and secrets must not.
fn debug(w: &mut Writer, item: &Item, object: &Struct) {
    w.docs(&["Shows every field, but of a secret only that there is one."]);
    w.open(format!("impl fmt::Debug for {} {{", item.name));
    w.open("fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {");
    let field = |field: &StructField| {
        let name = field.ident.trim_start_matches("r#");
        let value = match (field.secret, field.presence) {
            (false, _) => format!("&self.{}", field.ident),
            (true, Presence::Required) => "&\"[redacted]\"".to_owned(),
            (true, _) => format!("&self.{}.as_ref().map(|_| \"[redacted]\")", field.ident),
        };
        format!(".field({name:?}, {value})")
    };
    let mut calls: Vec<String> = object.fields.iter().map(field).collect();
    calls.push(format!(".field({0:?}, &self.{0})", object.extra.0));
    calls.push(".finish()".to_owned());
    w.chain(&format!("f.debug_struct({:?})", item.name), &calls);
    w.close("}");
    w.close("}");
}

fn default(w: &mut Writer, item: &Item, object: &Struct) {
    w.open(format!("impl Default for {} {{", item.name));
    w.open("fn default() -> Self {");
    let value = |field: &StructField| match &field.constant {
        Some(constant) => format!("{}: {constant}", field.ident),
        None => format!("{}: {}", field.ident, empty(field)),
    };
    let mut parts: Vec<String> = object.fields.iter().map(value).collect();
    parts.push(format!("{}: {}", object.extra.0, fresh(&object.extra.1)));
    w.record("Self", &parts, "");
    w.close("}");
    w.close("}");
}

fn constructor(w: &mut Writer, object: &Struct, required: &[&StructField]) {
    let names: Vec<String> = required.iter().map(|field| format!("`{}`", field.wire)).collect();
    let others = object.fields.len() > required.len();
    let rest = if others { "; every other field is unset" } else { "" };
    w.docs(&[format!("With the required {}{rest}.", enumeration(&names))]);
    let params: Vec<String> = required.iter().map(|field| spell::param(field)).collect();
    w.list("pub fn new", &params, " -> Self {");
    w.indent();
    let mut parts: Vec<String> = Vec::new();
    if object.default.is_some() {
        parts.extend(required.iter().map(|field| spell::initialiser(field)));
        parts.push("..Self::default()".to_owned());
    } else {
        parts.extend(object.fields.iter().map(|field| match (&field.constant, field.presence) {
            (Some(constant), _) => format!("{}: {constant}", field.ident),
            (None, Presence::Required) => spell::initialiser(field),
            (None, _) => format!("{}: None", field.ident),
        }));
        parts.push(format!("{}: {}", object.extra.0, fresh(&object.extra.1)));
    }
    w.record("Self", &parts, "");
    w.close("}");
}

fn setter(w: &mut Writer, field: &StructField) {
    w.docs(field.docs.first().filter(|line| !line.is_empty()).into_iter().collect::<Vec<_>>().as_slice());
    let param = spell::param(field);
    w.list(&format!("pub fn {}", field.setter), &["mut self".to_owned(), param], " -> Self {");
    w.indent();
    w.line(format!("self.{} = Some({});", field.ident, spell::value(field)));
    w.line("self");
    w.close("}");
}

fn enumeration(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

fn empty(field: &StructField) -> String {
    if field.presence != Presence::Required { "None".to_owned() } else { fresh(&field.ty) }
}

fn fresh(ty: &Ty) -> String {
    match ty {
        Ty::Value => "Value::Null".to_owned(),
        Ty::Bool => "false".to_owned(),
        Ty::U64 | Ty::I64 => "0".to_owned(),
        Ty::F64 => "0.0".to_owned(),
        Ty::String => "String::new()".to_owned(),
        Ty::Vec(_) => "Vec::new()".to_owned(),
        Ty::Map(_) => "BTreeMap::new()".to_owned(),
        Ty::Object => "Map::new()".to_owned(),
        Ty::Extra => "Extra::new()".to_owned(),
        Ty::Option(_) => "None".to_owned(),
        Ty::Named(name) => format!("{name}::default()"),
        Ty::Boxed(_) | Ty::Tuple(_) => "Default::default()".to_owned(),
    }
}
