//! How a stream's events are put together, as a constant that the runtime reads.
//!
//! Start at [`plan`].

use serde_json::{Map, Value};

use crate::ir::model::{Api, TypeId};
use crate::lower::shared::accumulate::{Due, Fold, Plan, Settle, Step, When};

use super::literals::{self, code, text};
use super::model::Literal;
use super::names;
use super::runtime;
use super::spell::Spelling;

/// One entry per fold, each with a note of what it makes of what.
pub fn plan(api: &Api, spelling: &Spelling<'_>, plan: &Plan) -> Literal {
    let name = |id: TypeId| spelling.name(id).unwrap_or(&api.ty(id).name).to_owned();
    let entry = |(at, fold): (usize, &Fold)| {
        let (piece, target) = (name(fold.piece), name(fold.target));
        let note =
            if piece == target { format!("{at}: {piece}") } else { format!("{at}: {piece} into {target}") };
        Literal::Noted(note, Box::new(self::fold(fold)))
    };
    Literal::Array(plan.folds.iter().enumerate().map(entry).collect())
}

fn fold(fold: &Fold) -> Literal {
    let step = |step: Step, into: Option<&str>| match (step, into) {
        (Step::AppendText, None) => code(runtime::APPEND_TEXT),
        (Step::AppendList, None) => code(runtime::APPEND_LIST),
        (Step::Replace, None) => code(runtime::REPLACE),
        (Step::First, None) => code(runtime::FIRST),
        (Step::AppendText, Some(into)) => Literal::Array(vec![text("text"), text(into)]),
        (Step::AppendList, Some(into)) => Literal::Array(vec![text("list"), text(into)]),
        (Step::Replace, Some(into)) => Literal::Array(vec![text("replace"), text(into)]),
        (Step::First, Some(into)) => Literal::Array(vec![text("first"), text(into)]),
        (Step::Object(at), into) => called(runtime::MERGE, at, into),
        (Step::ByIndex(at), into) => called(runtime::BY_INDEX, at, into),
    };
    let fields = fold.fields.iter().map(|field| {
        let into = (field.into != field.from).then_some(field.into.as_str());
        (names::literal_key(&field.from), step(field.step, into))
    });
    let mut entries = vec![("fields".to_owned(), Literal::Object(fields.collect()))];
    if !fold.left_out.is_empty() {
        let names = fold.left_out.iter().map(|name| text(name)).collect();
        entries.push(("leftOut".to_owned(), Literal::Array(names)));
    }
    if fold.drop_index {
        entries.push(("dropIndex".to_owned(), code("true")));
    }
    match &fold.settle {
        Settle::Object(dues) => {
            entries.extend(self::dues(dues).map(|dues| ("dues".to_owned(), dues)));
        }
        Settle::Union { tag, default, variants } => {
            entries.push(("tag".to_owned(), text(tag)));
            entries.extend(default.as_ref().map(|default| ("tagDefault".to_owned(), text(default))));
            let variants = variants.iter().flat_map(|(tags, dues)| {
                tags.iter().filter_map(|tag| Some((names::literal_key(tag), self::dues(dues)?)))
            });
            entries.push(("variants".to_owned(), Literal::Object(variants.collect())));
        }
    }
    Literal::Object(entries)
}

fn called(function: &str, at: usize, into: Option<&str>) -> Literal {
    code(match into {
        Some(into) => format!("{function}({at}, {})", names::literal(into)),
        None => format!("{function}({at})"),
    })
}

/// What a whole has, whatever its pieces say.
fn dues(dues: &[Due]) -> Option<Literal> {
    let of = |when: When| {
        let due = dues.iter().filter(|due| due.when == when);
        let values: Map<String, Value> = due.map(|due| (due.field.clone(), due.value.clone())).collect();
        (!values.is_empty()).then(|| literals::of_json(&Value::Object(values)))
    };
    let kinds = [("always", When::Always), ("absent", When::Absent), ("present", When::Present)];
    let entries: Vec<_> =
        kinds.into_iter().filter_map(|(key, when)| Some((key.to_owned(), of(when)?))).collect();
    (!entries.is_empty()).then_some(Literal::Object(entries))
}
