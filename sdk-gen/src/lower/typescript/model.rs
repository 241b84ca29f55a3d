//! TypeScript as the emitter writes it down: names are final, orders are decided.

/// A type as it is spelled where it is used.
#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    /// A built-in type or a literal: `string`, `'user'`, `null`.
    Word(String),
    /// A declaration of the API's types.
    Named(String),
    Array {
        items: Box<Ty>,
        readonly: bool,
    },
    Tuple {
        items: Vec<Ty>,
        rest: Option<Box<Ty>>,
        readonly: bool,
    },
    /// `Record<string, …>`
    Record(Box<Ty>),
    /// `{ [key: string]: … }`: the same for types that may contain themselves.
    Index(Box<Ty>),
    Union(Vec<Ty>),
    /// A variant whose own type does not say which tags it has.
    Tagged {
        key: String,
        tags: Vec<String>,
        of: Box<Ty>,
    },
    /// A variant that this version does not know, told apart by this property.
    Unknown {
        property: String,
    },
    /// What a file is sent as.
    Uploadable,
}

impl Ty {
    pub fn word(text: impl Into<String>) -> Self {
        Ty::Word(text.into())
    }

    pub fn unknown() -> Self {
        Ty::word("unknown")
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Ty::Word(word) if word == "unknown")
    }

    /// `… | null`
    pub fn or_null(self, nullable: bool) -> Self {
        if nullable { self.or(Ty::word("null")) } else { self }
    }

    /// One more alternative, unless it is there already.
    pub fn or(self, other: Ty) -> Self {
        if self.is_unknown() || other.is_unknown() {
            return Ty::unknown();
        }
        let mut variants = match self {
            Ty::Union(variants) => variants,
            single => vec![single],
        };
        let more = match other {
            Ty::Union(more) => more,
            single => vec![single],
        };
        for variant in more {
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        if variants.len() == 1 { variants.remove(0) } else { Ty::Union(variants) }
    }

    /// Every name that this spells.
    pub fn walk<'a>(&'a self, seen: &mut impl FnMut(&'a Ty)) {
        seen(self);
        match self {
            Ty::Array { items, .. } | Ty::Record(items) | Ty::Index(items) => items.walk(seen),
            Ty::Tuple { items, rest, .. } => {
                items.iter().for_each(|item| item.walk(seen));
                rest.iter().for_each(|rest| rest.walk(seen));
            }
            Ty::Union(variants) => variants.iter().for_each(|variant| variant.walk(seen)),
            Ty::Tagged { of, .. } => of.walk(seen),
            Ty::Word(_) | Ty::Named(_) | Ty::Unknown { .. } | Ty::Uploadable => {}
        }
    }
}

/// A documentation comment: prose, then tags such as `@default`, all wrapped.
pub type Docs = Vec<String>;

/// One file of types.
#[derive(Debug)]
pub struct TypesFile {
    /// Without its extension.
    pub name: String,
    pub docs: Docs,
    pub imports: Vec<Import>,
    pub declarations: Vec<Declaration>,
}

/// `import { names } from 'from'`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    /// Sorted. Values and types are imported apart.
    pub names: Vec<String>,
    pub type_only: bool,
}

#[derive(Debug)]
pub struct Declaration {
    pub name: String,
    pub docs: Docs,
    pub kind: DeclarationKind,
}

#[derive(Debug)]
pub enum DeclarationKind {
    Interface { members: Vec<Member>, index: Option<Ty> },
    Alias(Ty),
}

#[derive(Debug, Clone)]
pub struct Member {
    /// As it is written: quoted where it has to be.
    pub key: String,
    pub docs: Docs,
    pub ty: Ty,
    pub optional: bool,
    pub readonly: bool,
}

/// Everything that one namespace has: a file of functions and a file with a class over them.
#[derive(Debug)]
pub struct Resource {
    /// `chat.completions`
    pub dotted: String,
    /// Without its extension.
    pub file: String,
    pub class: String,
    pub docs: Docs,
    pub children: Vec<Child>,
    pub functions: Vec<Function>,
    pub plans: Vec<PlanTable>,
    /// Types of parameters that are not part of a body.
    pub params: Vec<Declaration>,
    /// What the functions' file imports of the API's types and of the runtime's.
    pub function_imports: Vec<Import>,
    /// The same for the class.
    pub class_imports: Vec<Import>,
}

/// A namespace inside another one, or of the client.
#[derive(Debug, Clone)]
pub struct Child {
    pub member: String,
    pub class: String,
    pub file: String,
    pub docs: Docs,
}

/// One operation.
#[derive(Debug)]
pub struct Function {
    pub name: String,
    /// What the class calls it.
    pub method: String,
    pub summary: Docs,
    pub arguments: Vec<Argument>,
    /// What callers see, in this order. More than one: the last takes all that the others take.
    pub signatures: Vec<Signature>,
    pub request: Request,
    pub call: Call,
    /// `GET /models/{model}`, for `api.md`.
    pub route: String,
    /// The function beside it that asks until a job is done.
    pub wait: Option<Wait>,
}

/// Waits for a job with the arguments of the function that reads it.
#[derive(Debug)]
pub struct Wait {
    pub name: String,
    pub method: String,
    pub docs: Docs,
    pub job: Literal,
    pub ty: Ty,
}

#[derive(Debug, Clone)]
pub struct Argument {
    pub name: String,
    pub ty: Ty,
    pub optional: bool,
    /// `body & { stream: true }` in the signature that asks for a stream.
    pub is_body: bool,
}

#[derive(Debug)]
pub struct Signature {
    pub docs: Docs,
    /// Put behind the body's type: `stream: true`.
    pub narrowed: Option<String>,
    pub answer: Answer,
}

/// What a method returns, inside its promise.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Whole(Ty),
    Stream { event: Ty, result: Ty },
    Either(Box<Answer>, Box<Answer>),
    Page { item: Ty },
}

/// What is sent, from the arguments.
#[derive(Debug, Default)]
pub struct Request {
    pub path: Vec<Entry>,
    pub query: Values,
    pub headers: Vec<Entry>,
    /// The argument that is the body.
    pub body: Option<String>,
}

/// `name: code`; with an empty name `...code`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As it is written.
    pub key: String,
    pub code: String,
}

#[derive(Debug, Default, PartialEq)]
pub enum Values {
    #[default]
    None,
    /// An argument, whole.
    Argument(String),
    Each(Vec<Entry>),
}

/// Which constant the runtime is called with.
#[derive(Debug)]
pub enum Call {
    Constant(Constant),
    /// `condition ? then : otherwise`
    Choice {
        condition: String,
        then: Box<Call>,
        otherwise: Box<Call>,
    },
}

impl Call {
    pub fn constants(&self) -> Vec<&Constant> {
        match self {
            Call::Constant(constant) => vec![constant],
            // Alternatives stand behind what is usual.
            Call::Choice { then, otherwise, .. } => [otherwise.constants(), then.constants()].concat(),
        }
    }
}

/// What the runtime is told about an operation: a constant of the functions' file.
#[derive(Debug)]
pub struct Constant {
    pub name: String,
    pub kind: ConstantKind,
    /// In the order in which they are written.
    pub entries: Vec<(String, Literal)>,
}

#[derive(Debug)]
pub enum ConstantKind {
    Operation(Ty),
    Stream { event: Ty, result: Ty },
    Page { item: Ty },
}

/// How a stream's events become one answer: a constant of the functions' file.
#[derive(Debug)]
pub struct PlanTable {
    pub name: String,
    pub docs: Docs,
    pub value: Literal,
}

/// A value as it is written in an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Code(String),
    /// Keys as they are written.
    Object(Vec<(String, Literal)>),
    Array(Vec<Literal>),
    /// A value with a comment in front.
    Noted(String, Box<Literal>),
}
