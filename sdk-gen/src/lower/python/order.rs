//! The order of a module's items: a name before those that use it, otherwise as the document has them.
//!
//! Python evaluates class bodies and aliases as it reads them. Types that refer to each other in a circle are told apart
//! by [`Order::is_late`]: such a use has to wait until it is needed.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::model::TypeId;

#[derive(Debug, Default)]
pub struct Order {
    pub items: Vec<TypeId>,
    position: BTreeMap<TypeId, usize>,
}

impl Order {
    /// `uses` gives what has to be there before a type is written, in the document's order.
    pub fn of(types: impl IntoIterator<Item = TypeId>, uses: &dyn Fn(TypeId) -> Vec<TypeId>) -> Order {
        let mut order = Order::default();
        let mut state = BTreeSet::new();
        for id in types {
            order.visit(id, uses, &mut state);
        }
        order
    }

    /// Depth first without recursion: published documents nest hundreds of types deep.
    fn visit(&mut self, root: TypeId, uses: &dyn Fn(TypeId) -> Vec<TypeId>, seen: &mut BTreeSet<TypeId>) {
        if !seen.insert(root) {
            return;
        }
        let mut open = vec![(root, uses(root).into_iter())];
        while let Some((id, rest)) = open.last_mut() {
            match rest.next() {
                Some(next) if seen.insert(next) => {
                    let uses = uses(next).into_iter();
                    open.push((next, uses));
                }
                Some(_) => {}
                None => {
                    self.position.insert(*id, self.items.len());
                    self.items.push(*id);
                    open.pop();
                }
            }
        }
    }

    /// Whether `used` is written after `user`, or is itself.
    pub fn is_late(&self, user: TypeId, used: TypeId) -> bool {
        match (self.position.get(&user), self.position.get(&used)) {
            (Some(user), Some(used)) => used >= user,
            _ => false,
        }
    }
}
