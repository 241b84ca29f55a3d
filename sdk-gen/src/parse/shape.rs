//! The shape of an OpenAPI document as a table: which keys each kind of object has, and what they hold.
//!
//! One table for 3.0 and 3.1: a key of the other version is read where its meaning is clear.

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect {
    Any,
    Text,
    Flag,
    Number,
    /// A string or a list of them.
    TextOrTexts,
    FlagOrNumber,
    /// A list of strings.
    Texts,
    /// A list of strings; the flag of older drafts is ignored with a warning.
    TextsOrFlag,
    /// A list of anything.
    Values,
    /// An object of anything.
    Free,
    One(Kind),
    List(Kind),
    Map(Kind),
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Info,
    Server,
    Tag,
    Paths,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    Media,
    Encoding,
    Response,
    Header,
    Components,
    Schema,
    Discriminator,
    SecurityScheme,
    /// A map from scheme names to scopes.
    Requirement,
}

use Expect::{
    Any, Flag, FlagOrNumber, Free, List, Map, Number, One, Text, TextOrTexts, Texts, TextsOrFlag, Values,
};

/// Keys of an object of this kind.
pub(super) fn keys(kind: Kind) -> &'static [(&'static str, Expect)] {
    match kind {
        Kind::Document => DOCUMENT,
        Kind::Info => INFO,
        Kind::Server => &[("url", Text), ("description", Text), ("name", Text), ("variables", Free)],
        Kind::Tag => &[("name", Text), ("description", Text), ("externalDocs", Any)],
        Kind::Paths | Kind::Requirement => &[],
        Kind::PathItem => PATH_ITEM,
        Kind::Operation => OPERATION,
        Kind::Parameter => PARAMETER,
        Kind::RequestBody => &[
            ("$ref", Text),
            ("description", Text),
            ("summary", Text),
            ("required", Flag),
            ("content", Map(Kind::Media)),
        ],
        Kind::Media => &[
            ("schema", One(Kind::Schema)),
            ("example", Any),
            ("examples", Free),
            ("encoding", Map(Kind::Encoding)),
        ],
        Kind::Encoding => &[
            ("contentType", Text),
            ("headers", Map(Kind::Header)),
            ("style", Text),
            ("explode", Flag),
            ("allowReserved", Flag),
        ],
        Kind::Response => RESPONSE,
        Kind::Header => HEADER,
        Kind::Components => COMPONENTS,
        Kind::Schema => SCHEMA,
        Kind::Discriminator => &[("propertyName", Text), ("mapping", Free)],
        Kind::SecurityScheme => SECURITY_SCHEME,
    }
}

/// What every key that [`keys`] does not list holds; `None` where such a key is a mistake.
pub(super) fn other_keys(kind: Kind) -> Option<Expect> {
    match kind {
        Kind::Paths => Some(One(Kind::PathItem)),
        Kind::Requirement => Some(Values),
        _ => None,
    }
}

const DOCUMENT: &[(&str, Expect)] = &[
    ("openapi", Any),
    ("$schema", Text),
    ("$self", Text),
    ("info", One(Kind::Info)),
    ("jsonSchemaDialect", Text),
    ("servers", List(Kind::Server)),
    ("paths", One(Kind::Paths)),
    ("webhooks", Map(Kind::PathItem)),
    ("components", One(Kind::Components)),
    ("security", List(Kind::Requirement)),
    ("tags", List(Kind::Tag)),
    ("externalDocs", Any),
];

const INFO: &[(&str, Expect)] = &[
    ("title", Text),
    ("summary", Text),
    ("description", Text),
    ("termsOfService", Text),
    ("contact", Free),
    ("license", Free),
    ("version", Any),
];

const PATH_ITEM: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("summary", Text),
    ("description", Text),
    ("get", One(Kind::Operation)),
    ("put", One(Kind::Operation)),
    ("post", One(Kind::Operation)),
    ("delete", One(Kind::Operation)),
    ("options", One(Kind::Operation)),
    ("head", One(Kind::Operation)),
    ("patch", One(Kind::Operation)),
    ("trace", One(Kind::Operation)),
    ("servers", List(Kind::Server)),
    ("parameters", List(Kind::Parameter)),
];

const OPERATION: &[(&str, Expect)] = &[
    ("tags", Texts),
    ("summary", Text),
    ("description", Text),
    ("externalDocs", Any),
    ("operationId", Text),
    ("parameters", List(Kind::Parameter)),
    ("requestBody", One(Kind::RequestBody)),
    ("responses", Map(Kind::Response)),
    ("callbacks", Free),
    ("deprecated", Flag),
    ("security", List(Kind::Requirement)),
    ("servers", List(Kind::Server)),
];

const PARAMETER: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("summary", Text),
    ("name", Text),
    ("in", Text),
    ("description", Text),
    ("required", Flag),
    ("deprecated", Flag),
    ("allowEmptyValue", Flag),
    ("style", Text),
    ("explode", Flag),
    ("allowReserved", Flag),
    ("schema", One(Kind::Schema)),
    ("example", Any),
    ("examples", Any),
    ("content", Map(Kind::Media)),
];

const RESPONSE: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("summary", Text),
    ("description", Text),
    ("headers", Map(Kind::Header)),
    ("content", Map(Kind::Media)),
    ("links", Free),
];

const HEADER: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("summary", Text),
    ("description", Text),
    ("required", Flag),
    ("deprecated", Flag),
    ("allowEmptyValue", Flag),
    ("style", Text),
    ("explode", Flag),
    ("schema", One(Kind::Schema)),
    ("example", Any),
    ("examples", Any),
    ("content", Map(Kind::Media)),
];

const COMPONENTS: &[(&str, Expect)] = &[
    ("schemas", Map(Kind::Schema)),
    ("responses", Map(Kind::Response)),
    ("parameters", Map(Kind::Parameter)),
    ("examples", Free),
    ("requestBodies", Map(Kind::RequestBody)),
    ("headers", Map(Kind::Header)),
    ("securitySchemes", Map(Kind::SecurityScheme)),
    ("links", Free),
    ("callbacks", Free),
    ("pathItems", Map(Kind::PathItem)),
];

const SECURITY_SCHEME: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("summary", Text),
    ("type", Text),
    ("description", Text),
    ("name", Text),
    ("in", Text),
    ("scheme", Text),
    ("bearerFormat", Text),
    ("flows", Free),
    ("openIdConnectUrl", Text),
];

const SCHEMA: &[(&str, Expect)] = &[
    ("$ref", Text),
    ("$defs", Map(Kind::Schema)),
    ("definitions", Map(Kind::Schema)),
    ("$schema", Text),
    ("$id", Text),
    ("$anchor", Text),
    ("$dynamicAnchor", Text),
    ("$dynamicRef", Text),
    ("$vocabulary", Any),
    ("$comment", Text),
    ("title", Text),
    ("description", Text),
    ("default", Any),
    ("example", Any),
    ("examples", Any),
    ("deprecated", Flag),
    ("readOnly", Flag),
    ("writeOnly", Flag),
    ("externalDocs", Any),
    ("xml", Any),
    ("nullable", Flag),
    ("type", TextOrTexts),
    ("enum", Values),
    ("const", Any),
    ("format", Text),
    ("pattern", Text),
    ("minLength", Number),
    ("maxLength", Number),
    ("contentEncoding", Text),
    ("contentMediaType", Text),
    ("contentSchema", One(Kind::Schema)),
    ("minimum", Number),
    ("maximum", Number),
    ("exclusiveMinimum", FlagOrNumber),
    ("exclusiveMaximum", FlagOrNumber),
    ("multipleOf", Number),
    ("items", One(Kind::Schema)),
    ("prefixItems", List(Kind::Schema)),
    ("minItems", Number),
    ("maxItems", Number),
    ("uniqueItems", Flag),
    ("contains", One(Kind::Schema)),
    ("minContains", Number),
    ("maxContains", Number),
    ("unevaluatedItems", One(Kind::Schema)),
    ("properties", Map(Kind::Schema)),
    ("required", TextsOrFlag),
    ("additionalProperties", One(Kind::Schema)),
    ("patternProperties", Map(Kind::Schema)),
    ("propertyNames", One(Kind::Schema)),
    ("minProperties", Number),
    ("maxProperties", Number),
    ("dependentRequired", Free),
    ("dependentSchemas", Map(Kind::Schema)),
    ("unevaluatedProperties", One(Kind::Schema)),
    ("allOf", List(Kind::Schema)),
    ("anyOf", List(Kind::Schema)),
    ("oneOf", List(Kind::Schema)),
    ("not", One(Kind::Schema)),
    ("if", One(Kind::Schema)),
    ("then", One(Kind::Schema)),
    ("else", One(Kind::Schema)),
    ("discriminator", One(Kind::Discriminator)),
];
