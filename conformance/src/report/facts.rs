//! Every verdict as JSON, for programs: to compare two runs, or to see what a listed case fails at.

use serde_json::{Value, json};

use crate::suite::Verdict;

pub fn of(verdicts: &[Verdict]) -> Value {
    verdicts.iter().map(fact).collect()
}

fn fact(verdict: &Verdict) -> Value {
    let mismatches = verdict.failure.iter().flat_map(|failure| &failure.mismatches);
    json!({
        "case": verdict.case.id,
        "column": verdict.column.name(),
        "passes": verdict.failure.is_none(),
        "listed": verdict.known_failing,
        "runs": verdict.runs,
        "variation": verdict.failure.as_ref().map(|failure| &failure.variation),
        "mismatches": mismatches
            .map(|mismatch| json!({ "path": mismatch.path, "expected": mismatch.expected, "actual": mismatch.actual }))
            .collect::<Vec<Value>>(),
    })
}
