//! `oneOf` and `anyOf`. Start at [`Builder::union`].
//!
//! Keywords beside the list hold for every variant, so each variant is the conjunction of both. Which property tells
//! the variants apart is found later, when all of them are described: `discriminators`.

use std::collections::HashSet;

use super::{
    builder::Builder,
    conjunction::{Atom, Conjunction, Skip, live, node, pure_ref},
    discriminators::Declared,
    kinds::Kinds,
    model::{Shape, TypeId, TypeRef, UnionShape, Variant},
    source::{At, Read},
};

const GROUPS: [(&str, Skip); 2] = [("anyOf", Skip::ANY_OF), ("oneOf", Skip::ONE_OF)];

/// Most combinations of several lists that hold together, such as an `allOf` of two `oneOf`s.
const COMBINATIONS_MAX: usize = 1024;

impl<'d> Builder<'d, '_> {
    /// `None` where the conjunction has no `oneOf` or `anyOf`.
    pub fn union(&mut self, id: TypeId, atoms: &[Atom<'d>]) -> Option<Shape> {
        let (index, at, skip, key, part) = atoms.iter().enumerate().find_map(|(index, atom)| {
            let Atom::Node(at, skip) = *atom else { return None };
            let (key, part) = GROUPS.into_iter().find(|(_, part)| live(at, skip).has(*part))?;
            Some((index, at, skip, key, part))
        })?;
        let mut rest: Conjunction<'d> = atoms.to_vec();
        let without = skip.or(part);
        rest.splice(index..=index, (!live(at, without).is_nothing()).then_some(Atom::Node(at, without)));

        if !rest.is_empty() && self.multiply_too_far(atoms) {
            let message = format!("the lists of variants have more than {COMBINATIONS_MAX} combinations");
            self.error(at, message, "list the combinations that are meant as one `oneOf`");
            return Some(Shape::Any);
        }

        let name = self.types[id.0 as usize].name.clone();
        let declared = Declared::read(at);
        let members = self.members(at, key, declared.is_none());
        let labels = self.variant_labels(&members);
        let mut seen = HashSet::new();
        let mut variants: Vec<Variant> = Vec::new();
        let mut tags: Vec<Vec<String>> = Vec::new();
        let mut implicit: Vec<Option<String>> = Vec::new();
        for (member, label) in members.into_iter().zip(labels) {
            let mut conjunction = rest.clone();
            conjunction.push(node(member));
            let kinds = self.kinds(&conjunction);
            if kinds == Kinds::NULL {
                continue;
            }
            if kinds == Kinds::NONE {
                let message = "no value can match this variant; it is left out";
                self.warning(member, message, "make its type agree with the keywords beside the list");
                continue;
            }
            let ty = self.type_ref(&conjunction, &format!("{name}{label}"));
            if !seen.insert(ty.id) {
                continue;
            }
            let target = pure_ref(&node(member)).and_then(|at| at.text("$ref"));
            let component = target.and_then(|target| target.strip_prefix("#/components/schemas/"));
            tags.push(
                declared.as_ref().map(|declared| declared.mapped(target, component)).unwrap_or_default(),
            );
            implicit.push(component.map(str::to_owned));
            variants.push(Variant { docs: member.docs(), ..plain_variant(ty) });
        }
        if let Some(declared) = declared {
            self.discriminators.insert(id, Declared { tags, implicit, ..declared });
        }
        Some(match variants.as_slice() {
            [] => {
                self.error(
                    at,
                    format!("`{key}` lists no variant that is possible"),
                    "list at least one schema",
                );
                Shape::Any
            }
            [only] => Shape::Alias(only.ty),
            _ => Shape::Union(UnionShape { variants, discriminator: None, any_of: key == "anyOf" }),
        })
    }

    /// Members of the list; of an inline member that is a list itself, its members.
    fn members(&mut self, at: At<'d>, key: &str, flatten: bool) -> Vec<At<'d>> {
        let mut members = Vec::new();
        for member in at.list(key) {
            let inner = GROUPS.into_iter().find(|(_, part)| live(member, Skip::NOTHING) == *part);
            match inner {
                Some((inner, _)) if flatten && !member.has("discriminator") => {
                    members.extend(self.members(member, inner, flatten));
                }
                _ => members.push(member),
            }
        }
        members
    }

    /// Whether the lists of one conjunction have more combinations than can sensibly be types.
    fn multiply_too_far(&self, atoms: &[Atom<'d>]) -> bool {
        let mut combinations: usize = 1;
        for atom in atoms {
            let Atom::Node(at, skip) = *atom else { continue };
            for (key, _) in GROUPS.into_iter().filter(|(_, part)| live(at, skip).has(*part)) {
                combinations = combinations.saturating_mul(at.list(key).len().max(1));
            }
        }
        combinations > COMBINATIONS_MAX
    }

    /// Drops lists whose members only say which fields must be there: the fields stay optional, and it is said.
    pub fn drop_requirement_groups(&mut self, atoms: Conjunction<'d>) -> Conjunction<'d> {
        let mut kept = Vec::with_capacity(atoms.len());
        for atom in atoms {
            let Atom::Node(at, mut skip) = atom else {
                kept.push(atom);
                continue;
            };
            for (key, part) in GROUPS {
                let members = at.list(key);
                let only_require = !members.is_empty() && members.into_iter().all(requires_only);
                if live(at, skip).has(part) && only_require {
                    let message = format!("which fields `{key}` requires together is not checked");
                    self.warning(at, message, "describe each case as an object of its own");
                    skip = skip.or(part);
                }
            }
            if !live(at, skip).is_nothing() {
                kept.push(Atom::Node(at, skip));
            }
        }
        kept
    }
}

fn requires_only(member: At<'_>) -> bool {
    live(member, Skip::NOTHING) == Skip::OWN
        && member.has("required")
        && member.entries().all(|(key, _)| matches!(key, "required" | "type" | "title" | "description"))
}

pub(super) fn plain_variant(ty: TypeRef) -> Variant {
    Variant { tags: Vec::new(), ty: TypeRef { id: ty.id, nullable: false }, docs: Default::default() }
}
