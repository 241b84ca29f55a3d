//! Which Python types a document's types become, where each lives, and how a use of one is written.
//!
//! Start at [`Types::of`], then [`Types::view`] (what comes) and [`Types::param`] (what goes).

use serde_json::Value;

use crate::ir::model::{Additional, Api, ObjectShape, Shape, TypeId, TypeRef};
use crate::lower::shared::{place, target};

use super::model::Imports;
use super::names::{self, Scope};

/// The file of types that no single tag has for itself.
const COMMON: &str = "common";

/// Deepest nesting of arrays and maps without a name; a type that holds itself in one is `Any` from here.
const DEPTH_MAX: usize = 8;

#[derive(Debug)]
pub struct Types<'a> {
    pub api: &'a Api,
    /// Module of each type, by [`TypeId`].
    files: Vec<String>,
    /// Class or alias of what comes; `None` where none is needed.
    views: Vec<Option<String>>,
    /// The same for what goes.
    params: Vec<Option<String>>,
    /// Model of a union's variants that nobody knows.
    unknown: Vec<Option<String>>,
    /// Every name that is taken, so that resources find others.
    pub scope: Scope,
}

/// Where a use of a type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site<'f> {
    /// In the module of types of that file.
    Types(&'f str),
    /// In the module of parameters of that file.
    Params(&'f str),
    Resource,
}

/// An object that nothing is known about.
pub fn is_free(object: &ObjectShape) -> bool {
    object.fields.is_empty()
}

impl<'a> Types<'a> {
    pub fn of(api: &'a Api) -> Self {
        let mut file_names: Vec<(&str, String)> = Vec::new();
        let mut file_scope = Scope::with(&[COMMON]);
        let files = place::tags(api)
            .into_iter()
            .map(|tag| {
                let Some(tag) = tag else { return COMMON.to_owned() };
                if let Some((_, file)) = file_names.iter().find(|(known, _)| *known == tag) {
                    return file.clone();
                }
                let file = file_scope.claim(names::snake(tag));
                file_names.push((tag, file.clone()));
                file
            })
            .collect();
        let mut types = Types {
            api,
            files,
            views: vec![None; api.types.len()],
            params: vec![None; api.types.len()],
            unknown: vec![None; api.types.len()],
            scope: Scope::with(names::TAKEN_TYPES),
        };
        // What comes has the plain names, what goes those with `Param`.
        for (at, def) in api.types.iter().enumerate() {
            if def.in_response && has_name(&def.shape) {
                types.views[at] = Some(types.scope.claim(names::class(&def.name)));
            }
        }
        for (at, def) in api.types.iter().enumerate() {
            let shared = matches!(def.shape, Shape::Enum { .. });
            if def.in_request && shared {
                let known = types.views[at].clone();
                let name = known.unwrap_or_else(|| types.scope.claim(names::class(&def.name)));
                types.params[at] = Some(name);
            } else if def.in_request && has_name(&def.shape) {
                let name = names::class(&def.name);
                let name = if name.ends_with("Param") { name } else { format!("{name}Param") };
                types.params[at] = Some(types.scope.claim(name));
            }
            if let (Shape::Union(_), Some(view)) = (&def.shape, types.views[at].clone()) {
                types.unknown[at] = Some(types.scope.claim(format!("Unknown{view}")));
            }
        }
        types
    }

    pub fn file(&self, id: TypeId) -> &str {
        &self.files[id.0 as usize]
    }

    /// Every file, in order.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.files.iter().map(String::as_str).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    pub fn view_name(&self, id: TypeId) -> Option<&str> {
        self.views[id.0 as usize].as_deref()
    }

    pub fn param_name(&self, id: TypeId) -> Option<&str> {
        self.params[id.0 as usize].as_deref()
    }

    pub fn unknown_name(&self, id: TypeId) -> Option<&str> {
        self.unknown[id.0 as usize].as_deref()
    }

    /// An enum that comes and goes is written once, among what comes.
    pub fn is_shared(&self, id: TypeId) -> bool {
        self.view_name(id).is_some() && self.view_name(id) == self.param_name(id)
    }

    /// The annotation of a value that comes.
    pub fn view(&self, ty: TypeRef, site: Site<'_>, imports: &mut Imports) -> String {
        self.written(ty, false, site, imports, 0)
    }

    /// The annotation of a value that goes.
    pub fn param(&self, ty: TypeRef, site: Site<'_>, imports: &mut Imports) -> String {
        self.written(ty, true, site, imports, 0)
    }

    fn written(
        &self,
        ty: TypeRef,
        sent: bool,
        site: Site<'_>,
        imports: &mut Imports,
        depth: usize,
    ) -> String {
        let ty = target(self.api, ty);
        let text = self.plain(ty.id, sent, site, imports, depth);
        if ty.nullable && text != "Any" && text != "None" { optional(&text, imports) } else { text }
    }

    fn plain(&self, id: TypeId, sent: bool, site: Site<'_>, imports: &mut Imports, depth: usize) -> String {
        let name = if sent { self.param_name(id) } else { self.view_name(id) };
        if let Some(name) = name {
            self.import(id, name, sent && !self.is_shared(id), site, imports);
            return name.to_owned();
        }
        let any = |imports: &mut Imports| {
            imports.add("typing", "Any");
            "Any".to_owned()
        };
        if depth >= DEPTH_MAX {
            return any(imports);
        }
        match &self.api.ty(id).shape {
            Shape::Null => "None".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Integer { .. } => "int".to_owned(),
            Shape::Number { .. } => "float".to_owned(),
            Shape::Bytes { base64: false } if sent => {
                imports.add("...multipart", "Upload");
                "Upload".to_owned()
            }
            Shape::String(_) | Shape::Bytes { .. } => "str".to_owned(),
            Shape::Const(value) => match literal(value) {
                Some(text) => {
                    imports.add("typing", "Literal");
                    format!("Literal[{text}]")
                }
                None => any(imports),
            },
            Shape::Array { items, .. } => {
                let items = self.written(*items, sent, site, imports, depth + 1);
                self.list(&items, sent, imports)
            }
            Shape::Tuple { items, rest } => {
                let parts: Vec<String> = items
                    .iter()
                    .chain(rest)
                    .map(|item| self.written(*item, sent, site, imports, depth + 1))
                    .collect();
                let items = union(&parts, imports);
                self.list(&items, sent, imports)
            }
            Shape::Map { values, .. } => {
                let values = self.written(*values, sent, site, imports, depth + 1);
                self.map(&values, sent, imports)
            }
            Shape::Object(object) => {
                let values = match object.additional {
                    Additional::Typed(values) => self.written(values, sent, site, imports, depth + 1),
                    Additional::Open | Additional::Closed => any(imports),
                };
                self.map(&values, sent, imports)
            }
            _ => any(imports),
        }
    }

    fn list(&self, items: &str, sent: bool, imports: &mut Imports) -> String {
        let (module, name) = if sent { ("collections.abc", "Sequence") } else { ("typing", "List") };
        imports.add(module, name);
        format!("{name}[{items}]")
    }

    fn map(&self, values: &str, sent: bool, imports: &mut Imports) -> String {
        let (module, name) = if sent { ("collections.abc", "Mapping") } else { ("typing", "Dict") };
        imports.add(module, name);
        format!("{name}[str, {values}]")
    }

    /// Makes a named type known where it is used.
    pub fn import(&self, id: TypeId, name: &str, among_params: bool, site: Site<'_>, imports: &mut Imports) {
        let file = self.file(id);
        let module = match (site, among_params) {
            (Site::Types(here), false) | (Site::Params(here), true) if here == file => return,
            (Site::Types(_), false) | (Site::Params(_), true) => format!(".{file}"),
            (_, false) => format!("..types.{file}"),
            (_, true) => format!("..params.{file}"),
        };
        imports.add(&module, name);
    }
}

/// Whether a type has a name of its own; all others are written out where they are used.
fn has_name(shape: &Shape) -> bool {
    match shape {
        Shape::Object(object) => !is_free(object),
        Shape::Union(_) => true,
        Shape::Enum { values } => values.iter().all(|value| literal(&value.value).is_some()),
        _ => false,
    }
}

pub fn optional(text: &str, imports: &mut Imports) -> String {
    if text == "Any" || text == "None" || text.starts_with("Optional[") {
        return text.to_owned();
    }
    imports.add("typing", "Optional");
    format!("Optional[{text}]")
}

/// `Union[A, B]`, without repetitions.
pub fn union(parts: &[String], imports: &mut Imports) -> String {
    let mut unique: Vec<&String> = Vec::new();
    for part in parts {
        if part == "Any" {
            return part.clone();
        }
        if !unique.contains(&part) {
            unique.push(part);
        }
    }
    match unique.as_slice() {
        [] => {
            imports.add("typing", "Any");
            "Any".to_owned()
        }
        [only] => (*only).clone(),
        several => {
            imports.add("typing", "Union");
            let parts: Vec<&str> = several.iter().map(|part| part.as_str()).collect();
            format!("Union[{}]", parts.join(", "))
        }
    }
}

/// What may stand in `Literal[…]`.
pub fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("None".to_owned()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::String(text) => Some(names::quoted(text)),
        _ => None,
    }
}

/// A JSON value as Python writes it.
pub fn python(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", names::quoted(key), python(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Number(number) => number.to_string(),
        other => literal(other).unwrap_or_default(),
    }
}
