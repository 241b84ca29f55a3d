//! The Python package as `emit` writes it down: every name, annotation and order is decided.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct Package {
    pub types: Vec<TypesModule>,
    pub params: Vec<ParamsModule>,
    pub folds: Vec<Fold>,
    pub resources: Vec<ResourceModule>,
    pub client: Client,
    /// What an error event's `code` or `type` stands for, names as they are written.
    pub error_statuses: Vec<(String, u16)>,
}

/// What a module imports: names by module, as the module is written (`...fields`).
#[derive(Debug, Default, Clone)]
pub struct Imports {
    pub modules: BTreeMap<String, BTreeSet<String>>,
}

impl Imports {
    pub fn add(&mut self, module: &str, name: &str) {
        self.modules.entry(module.to_owned()).or_default().insert(name.to_owned());
    }

    /// Adds those of `others` that `text` really names.
    pub fn add_used(&mut self, others: &Imports, text: &str) {
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for (module, names) in &others.modules {
            names.iter().filter(|name| words.contains(name.as_str())).for_each(|name| self.add(module, name));
        }
    }
}

/// `types/chat.py`
#[derive(Debug)]
pub struct TypesModule {
    pub file: String,
    pub docs: Vec<String>,
    pub imports: Imports,
    /// A name comes before those that use it, but for those that are marked as late.
    pub items: Vec<ViewItem>,
}

#[derive(Debug)]
pub enum ViewItem {
    Class(Class),
    Alias(Alias),
    /// `read_message: Kind = tagged("role", {…}, UnknownMessage)`
    Converter(Assignment),
}

impl ViewItem {
    pub fn name(&self) -> &str {
        match self {
            ViewItem::Class(class) => &class.name,
            ViewItem::Alias(alias) => &alias.name,
            ViewItem::Converter(assignment) => &assignment.name,
        }
    }
}

#[derive(Debug)]
pub struct Class {
    pub name: String,
    pub base: String,
    pub docs: Vec<String>,
    pub fields: Vec<ViewField>,
}

/// `choices: List[Choice] = views("choices", Choice)`
#[derive(Debug)]
pub struct ViewField {
    pub name: String,
    pub annotation: String,
    pub value: Call,
    pub docs: Vec<String>,
}

/// `Name = Union[A, B]`
#[derive(Debug)]
pub struct Alias {
    pub name: String,
    pub docs: Vec<String>,
    /// Written as they are; one alone needs no `Union`.
    pub members: Vec<String>,
}

#[derive(Debug)]
pub struct Assignment {
    pub name: String,
    pub annotation: String,
    pub value: Call,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub function: String,
    pub arguments: Vec<Argument>,
}

#[derive(Debug, Clone)]
pub enum Argument {
    Text(String),
    Named(String, String),
    /// Keys and values as they are written.
    Dict(Vec<(String, String)>),
    Call(Call),
    NamedCall(String, Call),
    /// Under a name.
    NamedDict(String, Vec<(String, Argument)>),
}

/// `params/chat.py`
#[derive(Debug)]
pub struct ParamsModule {
    pub file: String,
    pub docs: Vec<String>,
    pub imports: Imports,
    pub items: Vec<ParamItem>,
}

#[derive(Debug)]
pub enum ParamItem {
    Dict(DictType),
    Alias(Alias),
}

impl ParamItem {
    pub fn name(&self) -> &str {
        match self {
            ParamItem::Dict(dict) => &dict.name,
            ParamItem::Alias(alias) => &alias.name,
        }
    }
}

/// A `TypedDict`.
#[derive(Debug)]
pub struct DictType {
    pub name: String,
    pub docs: Vec<String>,
    /// False: a key is no identifier, so that the class form cannot be used.
    pub class_form: bool,
    pub keys: Vec<DictKey>,
}

#[derive(Debug)]
pub struct DictKey {
    pub wire: String,
    pub annotation: String,
    pub docs: Vec<String>,
}

/// A constant of the module that says how events are folded.
#[derive(Debug)]
pub struct Fold {
    pub name: String,
    pub docs: String,
    pub value: Call,
}

/// `resources/chat_completions.py`
#[derive(Debug)]
pub struct ResourceModule {
    pub file: String,
    /// `client.chat.completions`
    pub dotted: String,
    pub docs: Vec<String>,
    pub imports: Imports,
    /// Only for annotations.
    pub type_imports: Imports,
    pub operations: Vec<OperationConstant>,
    pub class: String,
    pub children: Vec<Child>,
    pub methods: Vec<Method>,
}

#[derive(Debug, Clone)]
pub struct Child {
    pub accessor: String,
    pub class: String,
    pub file: String,
    pub docs: String,
}

#[derive(Debug)]
pub struct OperationConstant {
    pub name: String,
    pub value: Call,
}

#[derive(Debug)]
pub struct Method {
    pub name: String,
    pub operation_id: String,
    /// `GET /models/{model}`
    pub route: String,
    pub docs: Vec<String>,
    /// Before the star.
    pub positional: Vec<Parameter>,
    pub named: Vec<Parameter>,
    pub returns: Returns,
    pub sends: Sends,
    pub wait: Option<Wait>,
}

/// A method beside one that reads a job: it asks until the job is done.
#[derive(Debug)]
pub struct Wait {
    pub name: String,
    /// Constant that names the field and its last values.
    pub job: String,
    pub annotation: String,
    pub docs: Vec<String>,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub annotation: String,
    pub default: Option<String>,
}

#[derive(Debug)]
pub enum Returns {
    /// One reply.
    Whole { annotation: String, operation: String },
    /// Only a stream.
    Stream { annotation: StreamTypes, operation: String },
    /// Either, as the parameter `selector` says.
    Either {
        whole: String,
        operation: String,
        stream: StreamTypes,
        stream_operation: String,
        selector: Box<Selectors>,
    },
    /// Either, with nothing in the request that tells which: two methods.
    Twin {
        whole: String,
        operation: String,
        stream: StreamTypes,
        stream_operation: String,
        stream_name: String,
    },
    /// Items, page by page.
    Pages { item: String, operation: String },
}

/// The parameter that asks for a stream, as each overload has it.
#[derive(Debug)]
pub struct Selectors {
    pub name: String,
    pub whole: Parameter,
    pub stream: Parameter,
    pub either: Parameter,
    pub implementation: Parameter,
}

#[derive(Debug, Clone)]
pub struct StreamTypes {
    pub event: String,
    pub whole: String,
}

/// Keys and expressions of each part of the request.
#[derive(Debug, Default)]
pub struct Sends {
    pub path: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Option<SentBody>,
}

#[derive(Debug)]
pub enum SentBody {
    Fields(Vec<(String, String)>),
    /// One expression.
    Whole(String),
}

#[derive(Debug)]
pub struct Client {
    pub sync: String,
    pub asynchronous: String,
    pub children: Vec<Child>,
    pub docs: Vec<String>,
}
