//! Names for the inline variants of a union: what tells each from its sisters.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::{
    builder::Builder,
    conjunction::Skip,
    names::pascal,
    source::{At, Read},
};

/// Properties whose constant names a variant.
const TAG_PROPERTIES: [&str; 5] = ["type", "object", "kind", "event", "role"];
/// A longer title is a sentence, not a name.
const TITLE_WORDS_MAX: usize = 4;

impl<'d> Builder<'d, '_> {
    /// One label for each member; unique ones where the members have anything unique to say.
    pub fn variant_labels(&mut self, members: &[At<'d>]) -> Vec<String> {
        let candidates: Vec<Vec<String>> = members.iter().map(|&member| self.candidates(member)).collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for label in candidates.iter().flatten() {
            *uses.entry(label).or_default() += 1;
        }
        let choose = |labels: &Vec<String>| {
            let unique = labels.iter().find(|label| uses.get(label.as_str()) == Some(&1));
            unique.or(labels.first()).cloned().unwrap_or_default()
        };
        candidates.iter().map(choose).collect()
    }

    /// The best first: the referred schema's name, constants, the title, the kind of value.
    fn candidates(&mut self, member: At<'d>) -> Vec<String> {
        if let Some(target) = member.text("$ref") {
            return vec![pascal(target.rsplit('/').next().unwrap_or_default())];
        }
        let properties = member.get("properties");
        let tags = TAG_PROPERTIES.iter().filter_map(|name| constant(properties?.get(name)?));
        let title = member.text("title").filter(|title| title.split_whitespace().count() <= TITLE_WORDS_MAX);
        let words = tags.chain(constant(member)).chain(title);
        let mut labels: IndexSet<String> = words.map(pascal).filter(|label| !label.is_empty()).collect();
        labels.insert(match self.node_kinds(member, Skip::NOTHING).split().as_slice() {
            [kind] => kind.label().to_owned(),
            _ => "Variant".to_owned(),
        });
        labels.into_iter().collect()
    }
}

fn constant(at: At<'_>) -> Option<&str> {
    match (at.get("const"), at.list("enum").as_slice()) {
        (Some(value), _) => value.as_str(),
        (None, [only]) => only.as_str(),
        _ => None,
    }
}
