//! The language-neutral API: what every target is generated from.
//!
//! **Invariant:** nothing here knows a target language. Names stay as the document has them (wire names) or as
//! [`Words`]; casing and reserved words belong to `lower`.
//!
//! **Invariant:** every [`TypeId`] resolves and every `allOf`, `$ref` sibling, type array, `const`, and `anyOf` with
//! null has been normalised away: a consumer matches on [`Shape`] and needs no JSON Schema.

use serde_json::Value;

pub use super::error_statuses::ErrorStatus;
use crate::diagnostic::Place;

/// A name as its parts, lower case: `createChatCompletion` is `["create", "chat", "completion"]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Words(pub Vec<String>);

#[derive(Debug, Clone)]
pub struct Api {
    pub title: String,
    pub version: String,
    pub description: String,
    /// Server URLs in the document's order, such as `/v1`.
    pub servers: Vec<String>,
    pub tags: Vec<Tag>,
    /// Indexed by [`TypeId`]. Named schemas first, in the document's order; inline ones get names from their place.
    pub types: Vec<TypeDef>,
    /// In the document's order.
    pub operations: Vec<Operation>,
    pub security: Vec<SecurityScheme>,
    /// In the document's order; a name occurs once.
    pub error_statuses: Vec<ErrorStatus>,
}

impl Api {
    pub fn ty(&self, id: TypeId) -> &TypeDef {
        &self.types[id.0 as usize]
    }
}

#[derive(Debug, Clone)]
pub struct Tag {
    pub name: String,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A use of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeRef {
    pub id: TypeId,
    /// `null` is allowed beside the type's own values.
    pub nullable: bool,
}

#[derive(Debug, Clone)]
pub struct Origin {
    /// JSON pointer into the document.
    pub pointer: String,
    pub place: Place,
}

#[derive(Debug, Clone)]
pub struct TypeDef {
    /// Name in `components/schemas`, or one made from the place of an inline schema (`ParentField`, unique).
    pub name: String,
    /// True for members of `components/schemas`.
    pub named: bool,
    pub origin: Origin,
    pub docs: Docs,
    pub shape: Shape,
    /// Reachable from a request body or a parameter.
    pub in_request: bool,
    /// Reachable from a response or a stream event.
    pub in_response: bool,
    /// False where an error says that part of the schema could not be expressed; `shape` is then the nearest we have.
    pub complete: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Docs {
    pub title: String,
    pub description: String,
    pub examples: Vec<Value>,
    pub deprecated: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Any JSON value.
    Any,
    /// Only `null`.
    Null,
    Bool,
    Integer {
        format: Option<String>,
        range: Range,
    },
    Number {
        format: Option<String>,
        range: Range,
    },
    String(StringShape),
    /// Bytes: `format: binary`, `contentEncoding`, or an octet-stream.
    Bytes {
        base64: bool,
    },
    /// One literal value.
    Const(Value),
    /// A closed list in the document; SDKs still keep unknown values (law A6).
    Enum {
        values: Vec<EnumValue>,
    },
    Array {
        items: TypeRef,
        min_items: Option<u64>,
        max_items: Option<u64>,
        unique: bool,
    },
    Tuple {
        items: Vec<TypeRef>,
        rest: Option<TypeRef>,
    },
    /// `additionalProperties` without properties of its own.
    Map {
        values: TypeRef,
        min_properties: Option<u64>,
        max_properties: Option<u64>,
        key_pattern: Option<String>,
        key_max_length: Option<u64>,
    },
    Object(ObjectShape),
    Union(UnionShape),
    /// Another name for a type.
    Alias(TypeRef),
}

/// Bounds of a number; all as the document has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Range {
    pub minimum: Option<serde_json::Number>,
    pub maximum: Option<serde_json::Number>,
    pub exclusive_minimum: Option<serde_json::Number>,
    pub exclusive_maximum: Option<serde_json::Number>,
    pub multiple_of: Option<serde_json::Number>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct StringShape {
    /// `date-time`, `uri`, `uuid` …; carried, never guessed from.
    pub format: Option<String>,
    /// ECMA 262, unanchored unless it anchors itself.
    pub pattern: Option<String>,
    /// In Unicode scalar values.
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EnumValue {
    pub value: Value,
    pub description: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ObjectShape {
    /// In the document's order, `allOf` merged.
    pub fields: Vec<Field>,
    pub additional: Additional,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Additional {
    /// Unknown fields are allowed and kept (the default).
    Open,
    /// `additionalProperties: false`: a server refuses them.
    Closed,
    Typed(TypeRef),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Wire name.
    pub name: String,
    pub docs: Docs,
    pub ty: TypeRef,
    pub required: bool,
    pub default: Option<Value>,
    pub read_only: bool,
    pub write_only: bool,
    /// How a stream's accumulator folds this field; see `spec/extensions.md`.
    pub merge: Option<Merge>,
    /// Name of the field of the final result that this field of a chunk is folded into (`delta` → `message`).
    pub merge_into: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Concatenate strings, or extend arrays.
    Append,
    /// Last value wins, where it is not null. The default for scalars.
    Replace,
    /// First value that is neither null nor empty wins (ids that some upstreams repeat).
    First,
    /// Array items with the same `index` are folded together. The default for arrays of objects that have an integer `index`.
    ByIndex,
}

#[derive(Debug, Clone, PartialEq)]
pub struct UnionShape {
    pub variants: Vec<Variant>,
    pub discriminator: Option<Discriminator>,
    /// `anyOf`: more than one variant may match.
    pub any_of: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Wire values of the discriminator that select this variant; empty without one.
    pub tags: Vec<String>,
    pub ty: TypeRef,
    pub docs: Docs,
}

/// A property that tells a union's variants apart: declared, or inferred when every variant is an object that has the
/// same required string constant under different values.
#[derive(Debug, Clone, PartialEq)]
pub struct Discriminator {
    pub property: String,
    pub inferred: bool,
}

#[derive(Debug, Clone)]
pub struct Operation {
    /// `operationId`, or one made from method and path.
    pub id: String,
    pub origin: Origin,
    pub method: Method,
    /// As in the document, with `{parameter}`.
    pub path: String,
    pub tags: Vec<String>,
    pub summary: String,
    pub description: String,
    pub deprecated: bool,
    /// Where SDKs put it: `/chat/completions` + `createChatCompletion` → resource `[chat, completions]`, method `create`.
    pub resource: Vec<Words>,
    pub method_name: Words,
    pub params: Vec<Param>,
    pub body: Option<Body>,
    pub success: Success,
    /// Every response outside 2xx.
    pub errors: Vec<ErrorResponse>,
    /// The type that all error bodies share, where they share one.
    pub error_type: Option<TypeRef>,
    /// False where the operation opts out with `security: []`.
    pub authenticated: bool,
    /// Roles that a caller must have: all those of one of these lists. Empty: any caller will do.
    pub roles: Vec<Vec<String>>,
    /// Cursor pages, where inferred or declared with `x-pages`.
    pub pages: Option<Pages>,
    /// The answer is a job as it stands, where inferred or declared with `x-job`.
    pub job: Option<Job>,
    /// False where an error lies on the operation itself (its types have a flag of their own).
    pub complete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Get,
    Put,
    Post,
    Delete,
    Options,
    Head,
    Patch,
    Trace,
}

#[derive(Debug, Clone)]
pub struct Param {
    /// Wire name.
    pub name: String,
    pub location: Location,
    pub docs: Docs,
    pub required: bool,
    pub ty: TypeRef,
    pub default: Option<Value>,
    /// `form`, `simple`, `deepObject` …, resolved to the location's default.
    pub style: String,
    pub explode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug, Clone)]
pub struct Body {
    pub required: bool,
    pub description: String,
    /// In the document's order; the first JSON one is preferred.
    pub media: Vec<Media>,
}

#[derive(Debug, Clone)]
pub struct Media {
    /// Without parameters, lower case.
    pub media_type: String,
    /// `None` where the document gives no schema.
    pub ty: Option<TypeRef>,
    pub examples: Vec<Value>,
}

/// All 2xx responses together.
#[derive(Debug, Clone, Default)]
pub struct Success {
    /// Statuses in the document's order, `2XX` as 200.
    pub statuses: Vec<u16>,
    pub description: String,
    pub json: Option<TypeRef>,
    pub stream: Option<StreamShape>,
    /// Other media types: binary, text, newline-delimited JSON.
    pub other: Vec<Media>,
    /// One of the statuses has no body.
    pub empty: bool,
    pub headers: Vec<Header>,
    pub examples: Vec<Value>,
}

#[derive(Debug, Clone)]
pub struct ErrorResponse {
    /// `4XX`, `5XX` and `default` as `None` with the text in `range`.
    pub status: Option<u16>,
    pub range: String,
    pub description: String,
    pub ty: Option<TypeRef>,
    pub headers: Vec<Header>,
}

#[derive(Debug, Clone)]
pub struct Header {
    pub name: String,
    pub docs: Docs,
    pub required: bool,
    pub ty: TypeRef,
}

/// `text/event-stream`: what one event holds and how the stream ends.
#[derive(Debug, Clone)]
pub struct StreamShape {
    /// Type of the JSON in each event's `data`.
    pub event: TypeRef,
    /// `data` of the event that ends a complete stream, such as `[DONE]`; `None`: the end of the body.
    pub terminal: Option<String>,
    /// Type of a mid-stream error event.
    pub error: Option<TypeRef>,
    /// Boolean field of the request body that asks for the stream; `None` where the operation only streams.
    pub selector: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Pages {
    /// Field of the response that holds the items.
    pub items: String,
    /// Query parameter that takes the cursor, such as `after`.
    pub cursor_param: String,
    /// Field of the response that holds the next cursor; `None`: the last item's `id`.
    pub next_cursor: Option<String>,
    /// Boolean field that says whether more follow.
    pub has_more: Option<String>,
}

/// A job is read again and again, until it is done.
#[derive(Debug, Clone)]
pub struct Job {
    /// Field of the answer that says how far the job is.
    pub status: String,
    /// Values of that field after which nothing changes any more.
    pub done: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct SecurityScheme {
    pub name: String,
    pub kind: SecurityKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SecurityKind {
    Bearer,
    Basic,
    ApiKey { location: Location, name: String },
    Other(String),
}
