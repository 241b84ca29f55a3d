//! What a method takes: parameters of path, query, headers and cookies, and the fields of the body, side by side.
//!
//! Start at [`request`].

use serde_json::Value;

use crate::ir::model::{Api, Body, Docs, Field, Location, Media, Operation, Param, Shape, TypeRef};

use super::resolved;

/// Everything that one call sends.
#[derive(Debug)]
pub struct Request<'a> {
    /// Path parameters in the order of the path, then query, headers and cookies, then the body's fields, each in the
    /// document's order. Names are unique, but for what casing does to them.
    pub arguments: Vec<Argument<'a>>,
    pub body: Option<RequestBody<'a>>,
}

#[derive(Debug)]
pub struct Argument<'a> {
    /// The wire name; where another argument has it already, with the place behind it: `id`, `id_body`.
    pub name: String,
    pub wire: &'a str,
    pub place: Place,
    pub docs: &'a Docs,
    pub ty: TypeRef,
    pub required: bool,
    pub default: Option<&'a Value>,
    /// How a parameter outside of the body is written: `form`, `deepObject` …; a media type where its value is a
    /// document of its own. Empty for the body's.
    pub style: &'a str,
    pub explode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
    /// A field of the body.
    Field,
    /// The body itself, where its fields are no arguments of their own.
    Body,
}

impl Place {
    fn suffix(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
            Place::Field | Place::Body => "body",
        }
    }
}

#[derive(Debug)]
pub struct RequestBody<'a> {
    pub format: BodyFormat,
    pub media_type: &'a str,
    pub ty: Option<TypeRef>,
    /// False: the body may be left out altogether.
    pub required: bool,
    /// Its fields are arguments; else it is one argument, [`Place::Body`].
    pub flattened: bool,
    /// Unknown fields are welcome, so that further arguments may be.
    pub description: &'a str,
    /// Other media types that the operation takes, which the method does not offer.
    pub others: Vec<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    Json,
    Multipart,
    /// `application/x-www-form-urlencoded`
    Form,
    Text,
    /// Sent as it is.
    Bytes,
}

/// What JSON calls itself.
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

fn format(media_type: &str) -> BodyFormat {
    match media_type {
        "multipart/form-data" => BodyFormat::Multipart,
        "application/x-www-form-urlencoded" => BodyFormat::Form,
        json if is_json(json) => BodyFormat::Json,
        text if text.starts_with("text/") => BodyFormat::Text,
        _ => BodyFormat::Bytes,
    }
}

pub fn request<'a>(api: &'a Api, operation: &'a Operation) -> Request<'a> {
    let mut arguments: Vec<Argument<'a>> = Vec::new();
    for location in [Location::Path, Location::Query, Location::Header, Location::Cookie] {
        let mut params: Vec<&Param> =
            operation.params.iter().filter(|param| param.location == location).collect();
        if location == Location::Path {
            params.sort_by_key(|param| operation.path.find(&format!("{{{}}}", param.name)));
        }
        for param in params {
            push(&mut arguments, of_param(param));
        }
    }
    let body = operation.body.as_ref().and_then(|body| request_body(api, body, &mut arguments));
    Request { arguments, body }
}

fn of_param(param: &Param) -> Argument<'_> {
    Argument {
        name: param.name.clone(),
        wire: &param.name,
        place: match param.location {
            Location::Path => Place::Path,
            Location::Query => Place::Query,
            Location::Header => Place::Header,
            Location::Cookie => Place::Cookie,
        },
        docs: &param.docs,
        ty: param.ty,
        required: param.required,
        default: param.default.as_ref(),
        style: &param.style,
        explode: param.explode,
    }
}

fn of_field(field: &Field) -> Argument<'_> {
    Argument {
        name: field.name.clone(),
        wire: &field.name,
        place: Place::Field,
        docs: &field.docs,
        ty: field.ty,
        required: field.required,
        default: field.default.as_ref(),
        style: "",
        explode: false,
    }
}

static NO_DOCS: Docs =
    Docs { title: String::new(), description: String::new(), examples: Vec::new(), deprecated: false };

fn request_body<'a>(
    api: &'a Api,
    body: &'a Body,
    arguments: &mut Vec<Argument<'a>>,
) -> Option<RequestBody<'a>> {
    let media = preferred(&body.media)?;
    let mut request = RequestBody {
        format: format(&media.media_type),
        media_type: &media.media_type,
        ty: media.ty,
        required: body.required,
        flattened: false,
        description: &body.description,
        others: body.media.iter().map(|other| other.media_type.as_str()).collect(),
    };
    request.others.retain(|other| *other != request.media_type);
    let has_fields = !matches!(request.format, BodyFormat::Text | BodyFormat::Bytes);
    let shape = media.ty.map(|ty| resolved(api, ty.id).1);
    // A `$ref` of its own, or arbitrary fields, are one argument: there is nothing to spread.
    if let (true, Some(Shape::Object(object)), Some(false)) =
        (has_fields, shape, media.ty.map(|ty| ty.nullable))
        && object.fields.iter().any(|field| !field.read_only)
    {
        request.flattened = true;
        for field in object.fields.iter().filter(|field| !field.read_only) {
            let mut argument = of_field(field);
            argument.required &= body.required;
            push(arguments, argument);
        }
    } else if let Some(ty) = media.ty {
        push(arguments, whole(body, ty));
    }
    Some(request)
}

fn whole(body: &Body, ty: TypeRef) -> Argument<'_> {
    Argument {
        name: "body".to_owned(),
        wire: "body",
        place: Place::Body,
        docs: &NO_DOCS,
        ty,
        required: body.required,
        default: None,
        style: "",
        explode: false,
    }
}

/// JSON where there is any, else the first.
fn preferred(media: &[Media]) -> Option<&Media> {
    media.iter().find(|media| is_json(&media.media_type)).or_else(|| media.first())
}

fn push<'a>(arguments: &mut Vec<Argument<'a>>, mut argument: Argument<'a>) {
    let taken = |name: &str| arguments.iter().any(|other| other.name == name);
    let plain = argument.name.clone();
    let mut number = 1;
    while taken(&argument.name) {
        let suffix = argument.place.suffix();
        argument.name =
            if number == 1 { format!("{plain}_{suffix}") } else { format!("{plain}_{suffix}{number}") };
        number += 1;
    }
    arguments.push(argument);
}
