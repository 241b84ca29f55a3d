//! Which kinds of JSON value a schema lets through, references followed.

use super::{
    builder::Builder,
    conjunction::{Atom, Skip, live},
    kinds::{self, Kinds},
    source::{At, Read},
};

/// Longest chain of references that is followed; a longer one counts as "anything" and is reported.
const DEPTH_MAX: usize = 128;

impl<'d> Builder<'d, '_> {
    pub fn kinds(&mut self, conjunction: &[Atom<'d>]) -> Kinds {
        conjunction.iter().fold(Kinds::ALL, |kinds, atom| {
            kinds.and(match *atom {
                Atom::Only(only) => only,
                Atom::Node(at, skip) => self.node_kinds(at, skip),
            })
        })
    }

    pub fn node_kinds(&mut self, at: At<'d>, skip: Skip) -> Kinds {
        if let Some(flag) = at.as_bool() {
            return if flag { Kinds::ALL } else { Kinds::NONE };
        }
        let key = Atom::Node(at, skip);
        if let Some(known) = self.kinds_by_node.get(&key) {
            // `None`: asked again while it is being computed. A recursive schema adds nothing to itself.
            return known.unwrap_or(Kinds::ALL);
        }
        if self.kinds_depth >= DEPTH_MAX {
            let help = "shorten the chain of references";
            self.error(at, format!("the schema is reached through more than {DEPTH_MAX} others"), help);
            return Kinds::ALL;
        }
        self.kinds_depth += 1;
        self.kinds_by_node.insert(key, None);
        let kinds = self.compute(at, live(at, skip));
        self.kinds_by_node.insert(key, Some(kinds));
        self.kinds_depth -= 1;
        kinds
    }

    fn compute(&mut self, at: At<'d>, live: Skip) -> Kinds {
        let mut kinds = if live.has(Skip::OWN) { own(at) } else { Kinds::ALL };
        if live.has(Skip::REF)
            && let Ok(target) = self.target(at)
        {
            kinds = kinds.and(self.node_kinds(target, Skip::NOTHING));
        }
        if live.has(Skip::ALL_OF) {
            for member in at.list("allOf") {
                kinds = kinds.and(self.node_kinds(member, Skip::NOTHING));
            }
        }
        for (key, part) in [("anyOf", Skip::ANY_OF), ("oneOf", Skip::ONE_OF)] {
            if live.has(part) {
                let mut any = Kinds::NONE;
                for member in at.list(key) {
                    let in_progress = self
                        .kinds_by_node
                        .get(&Atom::Node(member, Skip::NOTHING))
                        .is_some_and(Option::is_none);
                    if !in_progress {
                        any = any.or(self.node_kinds(member, Skip::NOTHING));
                    }
                }
                kinds = kinds.and(any);
            }
        }
        if !live.has(Skip::OWN) {
            return kinds;
        }
        if kinds == Kinds::ALL {
            kinds = implied(at);
        }
        if at.flag("nullable") && kinds != Kinds::NONE { kinds.or(Kinds::NULL) } else { kinds }
    }

    /// Reports a `type` that JSON Schema does not know.
    pub fn bad_type(&mut self, at: At<'d>) -> bool {
        let unknown = at.texts("type").into_iter().find(|name| Kinds::of_type(name).is_none());
        if let Some(name) = unknown {
            let message = format!("there is no type `{name}`");
            self.error(at, message, "use string, integer, number, boolean, array, object or null");
        }
        unknown.is_some()
    }
}

/// By `type`, `const` and `enum`.
fn own(at: At<'_>) -> Kinds {
    if let Some(list) = at.get("enum")
        && list.items().next().is_some()
        && list.items().all(|value| value.to_json().is_null())
    {
        // `type: string, enum: [null]` is how some 3.0 documents write "null", which 3.0 has no type for.
        return Kinds::NULL;
    }
    let mut kinds = Kinds::ALL;
    if at.has("type") {
        let names = at.texts("type").into_iter();
        // An unknown name is reported where the schema is described; until then it may be anything.
        kinds = names.fold(Kinds::NONE, |kinds, name| kinds.or(Kinds::of_type(name).unwrap_or(Kinds::ALL)));
    }
    if let Some(value) = at.get("const") {
        kinds = kinds.and(Kinds::of_value(&value.to_json()));
    }
    if at.has("enum") {
        let values = at.list("enum").into_iter();
        let any = values.fold(Kinds::NONE, |kinds, value| kinds.or(Kinds::of_value(&value.to_json())));
        // `nullable: true` with an `enum` that does not list null means null all the same (3.0).
        kinds = kinds.and(if at.flag("nullable") { any.or(Kinds::NULL) } else { any });
    }
    kinds
}

/// By the keywords that are there. `properties` without `type` lets strings through, says the standard; no author of a
/// published document meant that.
fn implied(at: At<'_>) -> Kinds {
    let by_keyword = at
        .entries()
        .filter(|(key, value)| *key != "required" || value.as_bool().is_none())
        .filter_map(|(key, _)| kinds::of_keyword(key))
        .fold(Kinds::NONE, |all, kinds| all.or(kinds));
    if by_keyword != Kinds::NONE {
        return by_keyword;
    }
    at.text("format").map_or(Kinds::ALL, kinds::of_format)
}
