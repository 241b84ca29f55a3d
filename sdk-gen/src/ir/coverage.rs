//! How much of a document can be generated.

use std::fmt;

use super::{
    model::Api,
    reach::{closure, request_roots, response_roots},
};
use crate::diagnostic::{Diagnostics, Severity};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coverage {
    pub operations: usize,
    /// Operations without an error on them or on a type that they reach.
    pub covered: usize,
    pub types: usize,
    pub errors: usize,
    pub warnings: usize,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Coverage { operations, covered, types, errors, warnings } = self;
        write!(f, "{covered}/{operations} operations, {types} types, {errors} errors, {warnings} warnings")
    }
}

pub fn coverage(api: &Api, diagnostics: &Diagnostics) -> Coverage {
    let covered = api.operations.iter().filter(|operation| {
        let roots = request_roots(operation).into_iter().chain(response_roots(operation));
        operation.complete && closure(&api.types, roots).into_iter().all(|id| api.ty(id).complete)
    });
    let errors = diagnostics.items().iter().filter(|item| item.severity == Severity::Error).count();
    Coverage {
        operations: api.operations.len(),
        covered: covered.count(),
        types: api.types.len(),
        errors,
        warnings: diagnostics.items().len() - errors,
    }
}
