//! A type is described by a *conjunction*: schemas that must all hold. This file flattens conjunctions.
//!
//! `allOf`, `$ref` beside other keywords, a union's base beside its variants, and several descriptions of one property
//! are all the same thing here, so each is handled once. Start at [`Builder::reduce`].

use std::collections::HashSet;

use super::{
    builder::Builder,
    kinds::Kinds,
    source::{At, NodeId, Read, RefError},
};

/// One part of a conjunction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Atom<'d> {
    /// A schema, some of its parts left out.
    Node(At<'d>, Skip),
    /// Only values of these kinds.
    Only(Kinds),
}

pub(super) type Conjunction<'d> = Vec<Atom<'d>>;

/// Parts of a schema that are handled elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Skip(u8);

impl Skip {
    pub const NOTHING: Skip = Skip(0);
    pub const REF: Skip = Skip(1);
    pub const ALL_OF: Skip = Skip(2);
    pub const ANY_OF: Skip = Skip(4);
    pub const ONE_OF: Skip = Skip(8);
    /// Every other keyword that says something about the value.
    pub const OWN: Skip = Skip(16);

    fn and(self, other: Skip) -> Skip {
        Skip(self.0 & other.0)
    }

    pub fn or(self, other: Skip) -> Skip {
        Skip(self.0 | other.0)
    }

    fn not(self) -> Skip {
        Skip(!self.0 & 31)
    }

    pub fn has(self, other: Skip) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

/// The parts that a schema has.
fn parts(at: At<'_>) -> Skip {
    if at.as_bool() == Some(false) {
        return Skip::OWN;
    }
    at.entries().fold(Skip::NOTHING, |parts, (key, value)| {
        parts.or(match key {
            "$ref" => Skip::REF,
            "allOf" => Skip::ALL_OF,
            "anyOf" => Skip::ANY_OF,
            "oneOf" => Skip::ONE_OF,
            "nullable" if value.as_bool() != Some(true) => Skip::NOTHING,
            "required" if value.as_bool().is_some() => Skip::NOTHING,
            key if is_constraint(key) => Skip::OWN,
            _ => Skip::NOTHING,
        })
    })
}

/// Keywords that restrict the value, those above aside. Everything else describes it, or is unknown and reported.
pub(super) fn is_constraint(key: &str) -> bool {
    super::kinds::of_keyword(key).is_some()
        || matches!(key, "type" | "enum" | "const" | "format" | "nullable" | "not" | "if" | "then" | "else")
        || matches!(key, "$dynamicRef" | "minContains" | "maxContains")
}

/// The parts of an atom that are to be handled.
pub(super) fn live(at: At<'_>, skip: Skip) -> Skip {
    parts(at).and(skip.not())
}

/// The same atom, however its skip set came about.
fn canonical(at: At<'_>, skip: Skip) -> Atom<'_> {
    Atom::Node(at, skip.and(parts(at)))
}

pub(super) fn node(at: At<'_>) -> Atom<'_> {
    Atom::Node(at, Skip::NOTHING)
}

/// An atom that is a reference and nothing else.
pub(super) fn pure_ref<'d>(atom: &Atom<'d>) -> Option<At<'d>> {
    match *atom {
        Atom::Node(at, skip) if live(at, skip) == Skip::REF => Some(at),
        _ => None,
    }
}

impl<'d> Builder<'d, '_> {
    /// Flattens without following references: `allOf`, a union of one, `$ref` beside other keywords; drops what says
    /// nothing. What is left says all that the conjunction says, `null` aside.
    pub fn reduce(&mut self, conjunction: &[Atom<'d>]) -> Conjunction<'d> {
        let mut out = Vec::new();
        for &atom in conjunction {
            self.flatten(atom, &mut out);
        }
        self.settle(out)
    }

    fn flatten(&mut self, atom: Atom<'d>, out: &mut Conjunction<'d>) {
        let Atom::Node(at, skip) = atom else {
            out.push(atom);
            return;
        };
        let live = live(at, skip);
        if live.has(Skip::ALL_OF) {
            for member in at.list("allOf") {
                self.flatten(node(member), out);
            }
            return self.flatten(Atom::Node(at, skip.or(Skip::ALL_OF)), out);
        }
        for (key, part) in [("anyOf", Skip::ANY_OF), ("oneOf", Skip::ONE_OF)] {
            if live.has(part) {
                let mut members = at.list(key);
                members.retain(|&member| self.node_kinds(member, Skip::NOTHING) != Kinds::NULL);
                if let [only] = members.as_slice() {
                    self.flatten(node(*only), out);
                    return self.flatten(Atom::Node(at, skip.or(part)), out);
                }
            }
        }
        if live.has(Skip::REF) && live != Skip::REF {
            out.push(canonical(at, Skip::REF.not()));
            return self.flatten(Atom::Node(at, skip.or(Skip::REF)), out);
        }
        if !live.is_nothing() {
            out.push(canonical(at, skip));
        }
    }

    /// Drops repetitions, and atoms that only name kinds which the others imply.
    fn settle(&mut self, atoms: Conjunction<'d>) -> Conjunction<'d> {
        let mut seen = HashSet::new();
        let mut targets = HashSet::new();
        let mut kept: Conjunction<'d> = Vec::new();
        for atom in atoms {
            let target = pure_ref(&atom).and_then(|at| self.target(at).ok());
            if seen.insert(atom) && target.is_none_or(|target| targets.insert(target.id())) {
                kept.push(atom);
            }
        }
        if let Some(Atom::Node(at, _)) = kept.get(PARTS_MAX).copied() {
            self.error(
                at,
                format!("more than {PARTS_MAX} schemas apply to one value"),
                "merge them into fewer",
            );
            kept.truncate(PARTS_MAX);
        }
        let mut index = 0;
        while kept.len() > 1 && index < kept.len() {
            let atom = kept[index];
            if names_kinds_only(&atom) {
                let mut others = kept.clone();
                others.remove(index);
                if self.kinds(&others).without_null().is_within(self.kinds(&[atom])) {
                    kept = others;
                    continue;
                }
            }
            index += 1;
        }
        kept
    }

    /// As [`Builder::reduce`], references followed too: no atom of the result is one.
    pub fn expand(&mut self, conjunction: &[Atom<'d>]) -> Conjunction<'d> {
        let mut out = Vec::new();
        let mut visited: HashSet<NodeId> = HashSet::new();
        let mut leads_back = None;
        // The next atom is the last one.
        let mut todo = self.reduce(conjunction);
        todo.reverse();
        while let Some(atom) = todo.pop() {
            let Some(at) = pure_ref(&atom) else {
                out.push(atom);
                continue;
            };
            match self.target(at) {
                Ok(target) if visited.len() >= REFERENCES_MAX => {
                    let help = "shorten the chain of references";
                    self.error(target, "too many references lead to one schema", help);
                }
                Ok(target) if visited.insert(target.id()) => {
                    let mut parts = Vec::new();
                    self.flatten(node(target), &mut parts);
                    todo.extend(parts.into_iter().rev());
                }
                // A schema that includes itself adds nothing.
                Ok(_) => leads_back = Some(at),
                Err(error) => self.bad_reference(at, &error),
            }
        }
        if let (Some(at), true) = (leads_back, out.is_empty()) {
            self.error(at, "the reference leads back to itself", "describe the schema where it is named");
        }
        self.settle(out)
    }

    /// Where a node's `$ref` leads.
    pub fn target(&self, at: At<'_>) -> Result<At<'d>, RefError> {
        let target = self.document.resolve(at.text("$ref").unwrap_or_default())?;
        if target.is_object() || target.as_bool().is_some() { Ok(target) } else { Err(RefError::Missing) }
    }

    pub fn bad_reference(&mut self, at: At<'d>, error: &RefError) {
        let message = format!("`{}` {error}", at.text("$ref").unwrap_or_default());
        self.error(at, message, error.help());
    }
}

/// References that one conjunction may follow. `allOf` chains in published documents follow six.
const REFERENCES_MAX: usize = 256;

/// Schemas that may hold for one value at once.
const PARTS_MAX: usize = 128;

/// `type`, `nullable`, `additionalProperties: true`: nothing that another atom of the same kinds does not say.
fn names_kinds_only(atom: &Atom<'_>) -> bool {
    match *atom {
        Atom::Only(_) => true,
        Atom::Node(at, skip) => {
            live(at, skip) == Skip::OWN
                && at.is_object()
                && at.entries().all(|(key, value)| match key {
                    "type" | "nullable" => true,
                    "additionalProperties" => value.as_bool() == Some(true),
                    "$ref" | "allOf" | "anyOf" | "oneOf" => true,
                    _ => !is_constraint(key),
                })
        }
    }
}
