//! What the whole of `build` shares: the types so far, the queue of those still to be described, names, and errors.
//!
//! A type is *reserved* when it is first referred to and *described* later, from a queue: schemas may refer to each
//! other in any way, and no document can drive us into deep recursion.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{
    conjunction::{Atom, Conjunction, live, node, pure_ref},
    discriminators::Declared,
    kinds::Kinds,
    model::{
        Docs, ErrorStatus, Field, Operation, Origin, Shape, StringShape, TypeDef, TypeId, TypeRef, Words,
    },
    names::Namer,
    reach::closure,
    source::{At, Document, NodeId, Read},
};
use crate::diagnostic::{Diagnostics, Severity};

/// Most types in one API. OpenAI's document makes 4,600; a hostile one can multiply unions without end.
const TYPES_MAX: usize = 50_000;
/// Longest chain of references between schemas that need no type of their own.
const HOPS_MAX: usize = 64;

pub(super) struct Builder<'d, 'g> {
    pub document: &'d Document,
    pub diagnostics: &'g mut Diagnostics,
    pub types: Vec<TypeDef>,
    /// What each type is described by; parallel to `types`.
    conjunctions: Vec<Conjunction<'d>>,
    by_conjunction: HashMap<Conjunction<'d>, TypeId>,
    components: HashMap<NodeId, TypeId>,
    /// Types without a place of their own: `string`, `integer` of a format …
    shared: HashMap<String, TypeId>,
    queue: VecDeque<TypeId>,
    pub names: Namer,
    pub kinds_by_node: HashMap<Atom<'d>, Option<Kinds>>,
    pub kinds_depth: usize,
    pub discriminators: HashMap<TypeId, Declared>,
    pub error_statuses: Vec<ErrorStatus>,
    /// The type that is being described; errors make it incomplete.
    owner: Option<TypeId>,
    /// Whether an error was reported outside of any type since the operation began.
    pub operation_complete: bool,
    /// Pointers of what `parse` found wrong.
    parse_errors: BTreeSet<String>,
}

impl<'d, 'g> Builder<'d, 'g> {
    pub fn new(document: &'d Document, diagnostics: &'g mut Diagnostics) -> Self {
        let errors = diagnostics.items().iter().filter(|item| item.severity == Severity::Error);
        let parse_errors = errors.map(|item| item.pointer.clone()).collect();
        let mut builder = Builder {
            document,
            diagnostics,
            types: Vec::new(),
            conjunctions: Vec::new(),
            by_conjunction: HashMap::new(),
            components: HashMap::new(),
            shared: HashMap::new(),
            queue: VecDeque::new(),
            names: Namer::default(),
            kinds_by_node: HashMap::new(),
            kinds_depth: 0,
            discriminators: HashMap::new(),
            error_statuses: Vec::new(),
            owner: None,
            operation_complete: true,
            parse_errors,
        };
        builder.reserve_components();
        builder
    }

    fn reserve_components(&mut self) {
        let schemas = self.document.root().get("components").map(|at| at.map("schemas")).unwrap_or_default();
        for (name, at) in schemas {
            self.names.take(name);
            let id = self.push(name.to_owned(), vec![node(at)], at.docs(), true);
            self.components.insert(at.id(), id);
        }
    }

    fn push(&mut self, name: String, conjunction: Conjunction<'d>, docs: Docs, named: bool) -> TypeId {
        let id = TypeId(self.types.len() as u32);
        let at =
            conjunction.iter().find_map(|atom| if let Atom::Node(at, _) = atom { Some(*at) } else { None });
        let origin = at.map_or(Origin { pointer: String::new(), place: Default::default() }, At::origin);
        self.types.push(TypeDef {
            name,
            named,
            origin,
            docs,
            shape: Shape::Any,
            in_request: false,
            in_response: false,
            complete: true,
        });
        self.conjunctions.push(conjunction.clone());
        self.by_conjunction.insert(conjunction, id);
        self.queue.push_back(id);
        id
    }

    /// Describes everything that is reserved.
    pub fn run(&mut self) {
        while let Some(id) = self.queue.pop_front() {
            self.owner = Some(id);
            let index = id.0 as usize;
            if self.has_parse_error(&self.types[index].origin.pointer.clone()) {
                self.types[index].complete = false;
            }
            let conjunction = self.conjunctions[index].clone();
            let shape = self.describe(id, &conjunction);
            self.types[index].shape = shape;
            self.owner = None;
        }
    }

    /// Turns aliases that lead back to themselves into `Any`.
    pub fn end_aliases(&mut self) {
        let mut ends = vec![false; self.types.len()];
        for index in 0..self.types.len() {
            let mut id = TypeId(index as u32);
            let mut chain = HashSet::new();
            while let Shape::Alias(target) = &self.types[id.0 as usize].shape {
                if ends[id.0 as usize] || !chain.insert(id) {
                    break;
                }
                id = target.id;
            }
            if chain.contains(&id) {
                let Origin { pointer, place } = self.types[id.0 as usize].origin.clone();
                let help = "describe the schema in one of the places";
                self.diagnostics.error(pointer, place, "the schema only refers back to itself", help);
                let def = &mut self.types[id.0 as usize];
                def.shape = Shape::Any;
                def.complete = false;
            }
            chain.into_iter().for_each(|id| ends[id.0 as usize] = true);
        }
    }

    /// Whether `parse` found something wrong at the pointer or below.
    pub fn has_parse_error(&self, pointer: &str) -> bool {
        if self.parse_errors.is_empty() {
            return false;
        }
        let below = format!("{pointer}/");
        self.parse_errors.contains(pointer)
            || self.parse_errors.range(below.clone()..).next().is_some_and(|error| error.starts_with(&below))
    }

    /// The type of a conjunction of schemas. `hint` names it if it has no name.
    pub fn type_ref(&mut self, conjunction: &[Atom<'d>], hint: &str) -> TypeRef {
        let nullable = self.kinds(conjunction).is_nullable();
        let mut atoms = self.reduce(conjunction);
        let mut hint = hint.to_owned();
        for _ in 0..HOPS_MAX {
            let [atom] = atoms.as_slice() else { break };
            let Some(at) = pure_ref(atom) else { break };
            let target = match self.target(at) {
                Ok(target) => target,
                Err(error) => {
                    self.bad_reference(at, &error);
                    return self.any();
                }
            };
            if let Some(&id) = self.components.get(&target.id()) {
                return TypeRef { id, nullable };
            }
            // A schema inside of something else: it has the type that its own place gives it.
            hint = place_name(at.text("$ref").unwrap_or_default());
            atoms = self.reduce(&[node(target)]);
        }
        if let [atom] = atoms.as_slice()
            && let Some(at) = pure_ref(atom)
        {
            self.error(at, "the reference leads back to itself", "describe the schema where it is named");
            return self.any();
        }
        let docs = self.docs(conjunction, &atoms);
        TypeRef { id: self.intern(atoms, &hint, docs), nullable }
    }

    pub fn schema(&mut self, at: At<'d>, hint: &str) -> TypeRef {
        self.type_ref(&[node(at)], hint)
    }

    fn intern(&mut self, atoms: Conjunction<'d>, hint: &str, docs: Docs) -> TypeId {
        if atoms.is_empty() {
            return self.any().id;
        }
        if let Some((name, shape)) = self.plain(&atoms) {
            return self.shared(&name, shape);
        }
        if let Some(&id) = self.by_conjunction.get(&atoms) {
            return id;
        }
        if self.types.len() >= TYPES_MAX {
            if let Some(Atom::Node(at, _)) = atoms.first() {
                let help = "name inner schemas in components; do not nest unions in unions";
                self.error(*at, format!("the document makes more than {TYPES_MAX} types"), help);
            }
            return self.any().id;
        }
        let name = self.names.unique(hint);
        self.push(name, atoms, docs, false)
    }

    /// A type that the document does not describe in one place, such as the union of two responses.
    pub fn synthesise(&mut self, name: &str, origin: Origin, shape: Shape) -> TypeId {
        let id = TypeId(self.types.len() as u32);
        let name = self.names.unique(name);
        self.types.push(TypeDef {
            name,
            named: false,
            origin,
            docs: Docs::default(),
            shape,
            in_request: false,
            in_response: false,
            complete: true,
        });
        self.conjunctions.push(Vec::new());
        id
    }

    pub fn any(&mut self) -> TypeRef {
        TypeRef { id: self.shared("Any", Shape::Any), nullable: false }
    }

    pub fn string(&mut self) -> TypeRef {
        TypeRef { id: self.shared("String", Shape::String(StringShape::default())), nullable: false }
    }

    fn shared(&mut self, name: &str, shape: Shape) -> TypeId {
        if let Some(&id) = self.shared.get(name) {
            return id;
        }
        let origin = Origin { pointer: String::new(), place: Default::default() };
        let id = self.synthesise(name, origin, shape);
        self.shared.insert(name.to_owned(), id);
        id
    }

    /// A primitive with at most a format: one type for all its uses.
    fn plain(&mut self, atoms: &[Atom<'d>]) -> Option<(String, Shape)> {
        let [atom] = atoms else { return None };
        let kinds = self.kinds(atoms).without_null();
        let format = match *atom {
            Atom::Only(_) => None,
            Atom::Node(at, skip) => {
                let own_only = live(at, skip) == super::conjunction::Skip::OWN;
                let plain = |key: &str| matches!(key, "type" | "format" | "nullable") || !is_own(key);
                if !own_only || !at.entries().all(|(key, _)| plain(key)) || self.bad_type(at) {
                    return None;
                }
                at.text("format").map(str::to_owned)
            }
        };
        let label = kinds.label().to_owned() + &super::names::pascal(format.as_deref().unwrap_or_default());
        let shape = match kinds {
            Kinds::BOOL => Shape::Bool,
            Kinds::INTEGER => Shape::Integer { format, range: Default::default() },
            Kinds::NUMBER => Shape::Number { format, range: Default::default() },
            Kinds::STRING => match format.as_deref() {
                Some("binary") => Shape::Bytes { base64: false },
                Some("byte" | "base64") => Shape::Bytes { base64: true },
                _ => Shape::String(StringShape { format, ..Default::default() }),
            },
            Kinds::NONE if self.kinds(atoms) == Kinds::NULL => Shape::Null,
            _ => return None,
        };
        Some((label, shape))
    }

    /// Documentation at the place of use, else inside of the wrappers around the one schema that is meant.
    pub fn docs(&self, conjunction: &[Atom<'d>], reduced: &[Atom<'d>]) -> Docs {
        let mut docs = Docs::default();
        let inner = reduced.iter().filter(|atom| pure_ref(atom).is_none());
        for atom in conjunction.iter().rev().chain(inner) {
            let Atom::Node(at, _) = atom else { continue };
            let next = at.docs();
            docs.deprecated |= next.deprecated;
            if docs.title.is_empty() {
                docs.title = next.title;
            }
            if docs.description.is_empty() {
                docs.description = next.description;
            }
            if docs.examples.is_empty() {
                docs.examples = next.examples;
            }
        }
        docs
    }

    /// `x-merge` tells how chunks of a stream are folded; anywhere else it is a mistake.
    pub fn check_merges(&mut self, operations: &[Operation]) {
        let chunks = operations.iter().map(|operation| &operation.success).flat_map(|success| {
            let lines = success.other.iter().filter(|media| media.is_lines()).filter_map(|media| media.ty);
            success.stream.iter().map(|stream| stream.event).chain(lines)
        });
        let chunks = closure(&self.types, chunks);
        for (index, def) in self.types.iter_mut().enumerate() {
            let Shape::Object(object) = &def.shape else { continue };
            let merges = |field: &&Field| field.merge.is_some() || field.merge_into.is_some();
            if let (Some(field), false) =
                (object.fields.iter().find(merges), chunks.contains(&TypeId(index as u32)))
            {
                let message = format!("`{}` has `x-merge`, but is in no stream's chunk", field.name);
                let Origin { pointer, place } = def.origin.clone();
                self.diagnostics.error(pointer, place, message, "remove it");
                def.complete = false;
            }
        }
    }

    pub fn error(&mut self, at: At<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.error(at.pointer(), at.place(), message, help);
        match self.owner {
            Some(id) => self.types[id.0 as usize].complete = false,
            None => self.operation_complete = false,
        }
    }

    /// The type that is being described, for messages: what contradicts may be merged from several places.
    pub fn owner_name(&self) -> &str {
        self.owner.map_or("", |id| &self.types[id.0 as usize].name)
    }

    pub fn warning(&mut self, at: At<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.warning(at.pointer(), at.place(), message, help);
    }
}

fn is_own(key: &str) -> bool {
    super::kinds::of_keyword(key).is_some()
        || matches!(key, "enum" | "const" | "not" | "if" | "then" | "else")
}

/// `#/components/schemas/Pet/properties/tag` → `PetTag`.
fn place_name(reference: &str) -> String {
    let keyword = |part: &&str| {
        !matches!(
            *part,
            "#" | "" | "components" | "schemas" | "properties" | "$defs" | "definitions" | "paths"
        ) && !matches!(
            *part,
            "content" | "schema" | "responses" | "requestBody" | "allOf" | "anyOf" | "oneOf"
        )
    };
    let parts: Vec<_> = reference.split('/').filter(keyword).collect();
    let defined = reference.rsplit_once("/$defs/").map(|(_, name)| name).filter(|name| !name.contains('/'));
    Words::split(defined.unwrap_or(&parts.join(" "))).pascal()
}
