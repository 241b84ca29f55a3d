//! State of one comparison: both documents, what broke, and which pairs of types have been seen.

use std::collections::HashSet;

use sdk_gen::ir::model::{Api, Shape, TypeDef, TypeId, TypeRef};

use super::{Break, rules::Rule};

/// Who writes the value: what is safe for one side breaks the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Request,
    Response,
}

pub struct Comparison<'a> {
    pub old: &'a Api,
    pub new: &'a Api,
    pub breaks: Vec<Break>,
    /// Types refer to themselves, and one pair is reached on many ways.
    seen: HashSet<(TypeId, TypeId, Direction)>,
}

impl<'a> Comparison<'a> {
    pub fn new(old: &'a Api, new: &'a Api) -> Self {
        Self { old, new, breaks: Vec::new(), seen: HashSet::new() }
    }

    pub fn broken(&mut self, rule: Rule, at: &str) {
        self.breaks.push(Break { rule, at: at.to_owned() });
    }

    pub fn broken_if(&mut self, is_broken: bool, rule: Rule, at: &str) {
        if is_broken {
            self.broken(rule, at);
        }
    }

    /// False where this pair has been compared before.
    pub fn enter(&mut self, old: TypeId, new: TypeId, direction: Direction) -> bool {
        self.seen.insert((old, new, direction))
    }
}

/// A type behind its aliases; null on any step counts.
pub fn resolve(api: &Api, used: TypeRef) -> (TypeId, &TypeDef, bool) {
    let (mut current, mut nullable) = (used, used.nullable);
    // An alias that leads to itself is the generator's to report; here it only must not hang.
    for _ in 0..api.types.len() {
        match &api.ty(current.id).shape {
            Shape::Alias(next) => {
                nullable |= next.nullable;
                current = *next;
            }
            _ => break,
        }
    }
    (current.id, api.ty(current.id), nullable)
}
