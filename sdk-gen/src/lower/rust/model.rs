//! Rust types as they will be written: every name, ownership and derive is decided.
//!
//! **Invariant:** no decision is left to `emit`, and nothing here depends on the document's own notation.

use std::fmt;

/// The types of one crate, in files.
#[derive(Debug)]
pub struct Types {
    pub modules: Vec<Module>,
}

/// One file.
#[derive(Debug)]
pub struct Module {
    /// `["chat", "request"]` is `chat/request.rs`.
    pub path: Vec<String>,
    pub docs: String,
    pub items: Vec<Item>,
}

#[derive(Debug)]
pub struct Item {
    pub name: String,
    pub docs: Vec<String>,
    /// Other generated types that its declaration names.
    pub uses: Vec<String>,
    pub kind: ItemKind,
    /// What the schema asks of a value; `None` where it asks nothing or where the target does not check.
    pub check: Option<Vec<Rule>>,
}

#[derive(Debug)]
pub enum ItemKind {
    Struct(Struct),
    OpenEnum(OpenEnum),
    Union(Union),
    Alias(Ty),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    Value,
    Bool,
    U64,
    I64,
    F64,
    String,
    Vec(Box<Ty>),
    Map(Box<Ty>),
    /// A JSON object whose values are anything.
    Object,
    /// The fields that an object's type does not name.
    Extra,
    Tuple(Vec<Ty>),
    /// A generated type.
    Named(String),
    /// A generated type, on the heap because it contains itself.
    Boxed(String),
    Option(Box<Ty>),
}

impl Ty {
    /// Calls `f` with the name of every generated type in it.
    pub fn named(&self, f: &mut impl FnMut(&str)) {
        match self {
            Ty::Named(name) | Ty::Boxed(name) => f(name),
            Ty::Vec(inner) | Ty::Map(inner) | Ty::Option(inner) => inner.named(f),
            Ty::Tuple(items) => items.iter().for_each(|item| item.named(f)),
            Ty::Value | Ty::Bool | Ty::U64 | Ty::I64 | Ty::F64 | Ty::String | Ty::Object | Ty::Extra => {}
        }
    }
}

/// As Rust source.
impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Value => f.write_str("Value"),
            Ty::Bool => f.write_str("bool"),
            Ty::U64 => f.write_str("u64"),
            Ty::I64 => f.write_str("i64"),
            Ty::F64 => f.write_str("f64"),
            Ty::String => f.write_str("String"),
            Ty::Vec(inner) => write!(f, "Vec<{inner}>"),
            Ty::Map(inner) => write!(f, "BTreeMap<String, {inner}>"),
            Ty::Object => f.write_str("Map<String, Value>"),
            Ty::Extra => f.write_str("Extra"),
            Ty::Tuple(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                let comma = if items.len() == 1 { "," } else { "" };
                write!(f, "({}{comma})", items.join(", "))
            }
            Ty::Named(name) => f.write_str(name),
            Ty::Boxed(name) => write!(f, "Box<{name}>"),
            Ty::Option(inner) => write!(f, "Option<{inner}>"),
        }
    }
}

/// How a value is handed to a constructor or setter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// As its own type.
    Plain,
    /// `impl Into<…>`.
    Into,
    /// `impl Into<…>`, and boxed.
    IntoBoxed,
}

#[derive(Debug)]
pub struct Struct {
    pub fields: Vec<StructField>,
    /// Name and value type of the flattened rest: unknown fields, or typed additional ones.
    pub extra: (String, Ty),
    /// `Default` exists: derived, or written out where constants have a value.
    pub default: Option<DefaultKind>,
    /// `new` is generated.
    pub builder: bool,
    /// A setter per optional field is generated.
    pub setters: bool,
}

impl Struct {
    /// `Debug` is written out, because it must not show everything.
    pub fn has_secrets(&self) -> bool {
        self.fields.iter().any(|field| field.secret)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultKind {
    Derived,
    Written,
}

#[derive(Debug, Clone)]
pub struct StructField {
    pub ident: String,
    pub wire: String,
    /// `#[serde(rename)]` is needed.
    pub renamed: bool,
    pub docs: Vec<String>,
    /// Without the `Option` that `presence` adds.
    pub ty: Ty,
    pub presence: Presence,
    /// Literal of a constant field.
    pub constant: Option<String>,
    pub setter: String,
    pub pass: Pass,
    /// `Debug` does not show its value.
    pub secret: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    /// `Option`, written as `null` when empty.
    Nullable,
    /// `Option`, left out when empty.
    Optional,
}

/// A string enum that keeps values it does not know.
#[derive(Debug)]
pub struct OpenEnum {
    pub values: Vec<OpenEnumValue>,
}

#[derive(Debug)]
pub struct OpenEnumValue {
    pub variant: String,
    pub wire: String,
    pub docs: Vec<String>,
}

/// One of several shapes, told apart by JSON kind and, among objects, by a tag.
#[derive(Debug)]
pub struct Union {
    /// Property that tells object variants apart.
    pub tag: Option<String>,
    pub variants: Vec<UnionVariant>,
    /// What a value may be, in words: `a string or an array`.
    pub expected: String,
    /// Constructors such as `ChatMessage::user(content)`.
    pub constructors: Vec<Constructor>,
}

#[derive(Debug)]
pub struct UnionVariant {
    pub name: String,
    pub docs: Vec<String>,
    pub ty: Ty,
    pub kind: JsonKind,
    /// Tags that select it.
    pub tags: Vec<String>,
    /// The payload itself holds the tag, so the union must not write it.
    pub keeps_tag: bool,
    /// `From` conversions that no other variant claims.
    pub from: bool,
}

#[derive(Debug, Clone)]
pub struct Constructor {
    pub name: String,
    pub variant: String,
    pub payload: String,
    pub boxed: bool,
    pub docs: Vec<String>,
    pub params: Vec<StructField>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonKind {
    String,
    Number,
    Bool,
    Array,
    Object,
}

/// One thing that a schema asks of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// The rules hold for a field; `optional` ones only where it is set.
    Field {
        ident: String,
        wire: String,
        optional: bool,
        rules: Vec<Rule>,
    },
    /// The rules hold for the payload of a union's variant.
    Variant {
        variant: String,
        rules: Vec<Rule>,
    },
    /// The type has a check of its own.
    Nested,
    /// Each element of a list.
    Each(Vec<Rule>),
    /// Each value of a map.
    EachValue(Vec<Rule>),
    /// `minimum`, `maximum` … with the bound as a literal of the value's type.
    Bound {
        method: &'static str,
        literal: String,
    },
    /// Lengths and counts.
    Length {
        method: &'static str,
        limit: u64,
    },
    Pattern {
        constant: String,
        regex: String,
    },
    KeyPattern {
        constant: String,
        regex: String,
    },
    Unique,
    /// Any JSON object.
    Object,
    /// A constant or a list of them, as wire text.
    OneOf(Vec<String>),
    /// A list of numbers.
    OneOfNumbers(Vec<String>),
    /// `additionalProperties: false`.
    NoExtra(String),
    /// The value of the type is one of its known ones.
    Known,
}
