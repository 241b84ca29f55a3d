//! What a function takes, and where each value goes: path, query, headers, cookies, body.
//!
//! Path parameters are arguments by position; the body is one; all others are fields of one object, under their wire
//! names. Start at [`taken`].

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Docs, Location, Operation, Param, Shape, TypeId, Words};
use crate::lower::shared::resolved;

use super::docs;
use super::model::{Argument, Declaration, DeclarationKind, Entry, Member, Request, Ty, Values};
use super::names::{self, Scope};
use super::operations::{BODY, File, body_ty};
use super::runtime;

/// A call's arguments and what becomes of them.
pub struct Taken {
    pub positional: Vec<Argument>,
    pub body: Option<Argument>,
    pub params: Option<Argument>,
    pub request: Request,
}

const PARAMS: &str = "params";
/// Arguments of every function that are no parameters.
const TAKEN: &[&str] = &["client", BODY, "job", PARAMS, "options"];

pub fn taken(
    file: &mut File<'_>,
    operation: &Operation,
    function: &str,
    params_name: String,
    diagnostics: &mut Diagnostics,
) -> Option<Taken> {
    let mut scope = Scope::with(TAKEN);
    // A parameter must not hide a function or constant that the body of the function uses.
    runtime::NAMES.iter().for_each(|name| drop(scope.claim(name)));
    drop(scope.claim(function));
    let mut request = Request::default();
    let mut positional = Vec::new();
    let of = |location: Location| operation.params.iter().filter(move |param| param.location == location);
    let mut in_path: Vec<&Param> = of(Location::Path).collect();
    in_path.sort_by_key(|param| operation.path.find(&format!("{{{}}}", param.name)));
    for param in in_path {
        if param.style != "simple" {
            let origin = &operation.origin;
            diagnostics.error(
                origin.pointer.clone(),
                origin.place,
                format!(
                    "the path parameter `{}` has style `{}`, which cannot be generated",
                    param.name, param.style
                ),
                "use style `simple`",
            );
            return None;
        }
        let name = scope.claim(&names::identifier(&Words::split(&param.name)));
        request.path.push(entry(&param.name, &name));
        positional.push(Argument { name, ty: file.spelling.ty(param.ty), optional: false, is_body: false });
    }
    let body = operation.body.as_ref().filter(|body| !body.media.is_empty()).map(|body| Argument {
        name: BODY.to_owned(),
        ty: body_ty(file, operation),
        optional: !body.required,
        is_body: true,
    });
    request.body = body.as_ref().map(|body| body.name.clone());
    let others: Vec<&Param> =
        operation.params.iter().filter(|param| param.location != Location::Path).collect();
    let params = (!others.is_empty()).then(|| declare(file, &others, params_name, &mut request));
    let optional = others.iter().all(|param| !param.required);
    let params = params.map(|name| Argument {
        name: PARAMS.to_owned(),
        ty: Ty::Named(name),
        optional,
        is_body: false,
    });
    if optional {
        request.make_optional();
    }
    Some(Taken { positional, body, params, request })
}

fn entry(name: &str, code: &str) -> Entry {
    Entry { key: names::literal_key(name), code: code.to_owned() }
}

/// Declares the type of all parameters that are neither in the path nor the body, and says where each goes.
fn declare(file: &mut File<'_>, params: &[&Param], name: String, request: &mut Request) -> String {
    let mut scope = Scope::default();
    let mut members = Vec::new();
    let mut query = Vec::new();
    let mut cookies = Vec::new();
    for param in params {
        // One name in two places: the second one says where.
        let field = if scope.has(&param.name) {
            format!("{}_{}", param.name, place(param))
        } else {
            param.name.clone()
        };
        let field = scope.claim(&field);
        members.push(member(file, param, &field));
        let value = format!("{PARAMS}{}", names::access(&field));
        match param.location {
            Location::Query => query.push(of_query(file.api, param, &value)),
            Location::Header => request.headers.push(entry(&param.name, &of_header(file.api, param, &value))),
            Location::Cookie => cookies.push(format!("{}: {value}", names::literal_key(&param.name))),
            Location::Path => {}
        }
    }
    if !cookies.is_empty() {
        request.headers.push(entry("cookie", &format!("cookies({{ {} }})", cookies.join(", "))));
    }
    let whole = query.len() == params.len()
        && query.iter().zip(&members).all(|(entry, member)| {
            entry.key == names::literal_key(member.key.trim_matches('\''))
                && entry.code == format!("{PARAMS}{}", names::access(member.key.trim_matches('\'')))
        });
    request.query = match (whole, query.is_empty()) {
        (_, true) => Values::None,
        (true, _) => Values::Argument(PARAMS.to_owned()),
        (false, _) => Values::Each(query),
    };
    let kind = DeclarationKind::Interface { members, index: None };
    let docs = vec!["Parameters beside the path and the body.".to_owned()];
    file.params.push(Declaration { name: name.clone(), docs, kind });
    name
}

fn place(param: &Param) -> &'static str {
    match param.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
    }
}

fn member(file: &File<'_>, param: &Param, name: &str) -> Member {
    let ty = file.spelling.ty(param.ty);
    let docs: &Docs = &param.docs;
    Member {
        key: names::key(name),
        docs: docs::member(docs, resolved(file.api, param.ty.id).1, param.default.as_ref()),
        ty: if param.required { ty } else { ty.or(Ty::word("undefined")) },
        optional: !param.required,
        readonly: false,
    }
}

/// How a value is written into the query. Scalars, and lists by repetition, are the runtime's own.
fn of_query(api: &Api, param: &Param, value: &str) -> Entry {
    let (has_list, has_object) = (holds(api, param.ty.id, is_list), holds(api, param.ty.id, is_object));
    let separator = separator(param);
    if param.style.contains('/') {
        return entry(&param.name, &format!("JSON.stringify({value})"));
    }
    // `name[key]=value` is the runtime's own.
    if has_object && param.style != "deepObject" {
        return match param.explode {
            true if !has_list => Entry { key: String::new(), code: value.to_owned() },
            _ => entry(&param.name, &format!("joined({value}, {})", names::literal(separator))),
        };
    }
    entry(&param.name, value)
}

fn separator(param: &Param) -> &'static str {
    match param.style.as_str() {
        "spaceDelimited" => " ",
        "pipeDelimited" => "|",
        _ => ",",
    }
}

/// Query parameters whose lists are one value, with the separator.
pub fn joined(api: &Api, operation: &Operation) -> Vec<(String, String)> {
    let joined = |param: &&Param| {
        param.location == Location::Query
            && !param.explode
            && holds(api, param.ty.id, is_list)
            && !holds(api, param.ty.id, is_object)
    };
    let params = operation.params.iter().filter(joined);
    params.map(|param| (names::literal_key(&param.name), names::literal(separator(param)))).collect()
}

fn of_header(api: &Api, param: &Param, value: &str) -> String {
    let many = holds(api, param.ty.id, is_list) || holds(api, param.ty.id, is_object);
    if param.style.contains('/') {
        format!("JSON.stringify({value})")
    } else if many {
        format!("joined({value}, ',')")
    } else {
        value.to_owned()
    }
}

fn is_list(shape: &Shape) -> bool {
    matches!(shape, Shape::Array { .. } | Shape::Tuple { .. })
}

fn is_object(shape: &Shape) -> bool {
    matches!(shape, Shape::Object(_) | Shape::Map { .. })
}

/// Whether a type, or a variant of it, is of this kind.
fn holds(api: &Api, id: TypeId, kind: fn(&Shape) -> bool) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        let (id, shape) = resolved(api, id);
        if kind(shape) {
            return true;
        }
        if let (true, Shape::Union(union)) = (seen.insert(id), shape) {
            open.extend(union.variants.iter().map(|variant| variant.ty.id));
        }
    }
    false
}

impl Request {
    /// The parameters may be left out altogether.
    fn make_optional(&mut self) {
        let reads = format!("{PARAMS}.");
        let optional = format!("{PARAMS}?.");
        let entries = match &mut self.query {
            Values::Each(entries) => entries.as_mut_slice(),
            _ => &mut [],
        };
        for entry in entries.iter_mut().chain(&mut self.headers) {
            entry.code =
                entry.code.replace(&format!("{PARAMS}["), &format!("{PARAMS}?.[")).replace(&reads, &optional);
        }
    }
}
