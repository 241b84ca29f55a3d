//! How the events of each stream are put together: one constant for each way, in the words of the runtime's `accumulate`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ir::model::Api;
use crate::lower::shared::accumulate::{Due, Fold as SharedFold, Folding, Plan, Settle, Step, When};
use crate::lower::shared::answers::answers;

use super::model::{Argument, Call, Fold};
use super::names::{self, Scope};
use super::types::{Types, python};

#[derive(Debug, Default)]
pub struct Folds {
    pub constants: Vec<Fold>,
    /// Constant of each streaming operation, by its id.
    by_operation: BTreeMap<String, String>,
}

impl Folds {
    pub fn of(api: &Api, types: &Types<'_>) -> Folds {
        let mut folds = Folds::default();
        let mut scope = Scope::with(&[]);
        let mut known: Vec<(Folding, String)> = Vec::new();
        for operation in &api.operations {
            let Some(folding) = answers(api, operation).events.and_then(|events| events.folding) else {
                continue;
            };
            let name = match known.iter().find(|(other, _)| *other == folding) {
                Some((_, name)) => name.clone(),
                None => {
                    let constant = constant(api, types, &folding, &mut scope);
                    let name = constant.name.clone();
                    folds.constants.push(constant);
                    known.push((folding, name.clone()));
                    name
                }
            };
            folds.by_operation.insert(operation.id.clone(), name);
        }
        folds
    }

    pub fn constant(&self, operation_id: &str) -> Option<&str> {
        self.by_operation.get(operation_id).map(String::as_str)
    }
}

fn constant(api: &Api, types: &Types<'_>, folding: &Folding, scope: &mut Scope) -> Fold {
    let (result, value) = match folding {
        Folding::Pieces(plan) => (plan.result(), self::plan(plan)),
        Folding::Snapshots { field, result } => {
            let arguments = vec![Argument::Text(names::quoted(field))];
            (*result, Call { function: "Snapshots".to_owned(), arguments })
        }
    };
    let name = types.view_name(result).unwrap_or(&api.ty(result).name).to_owned();
    let docs = match folding {
        Folding::Pieces(_) => format!("Puts the pieces of a `{name}` together."),
        Folding::Snapshots { .. } => format!("Some events hold the whole `{name}`; the last one counts."),
    };
    Fold { name: scope.claim(names::snake(&name).to_uppercase()), docs, value }
}

fn plan(plan: &Plan) -> Call {
    Call {
        function: "Plan".to_owned(),
        arguments: plan.folds.iter().map(|fold| Argument::Call(self::fold(fold))).collect(),
    }
}

fn fold(fold: &SharedFold) -> Call {
    let fields = fold.fields.iter().map(|field| {
        let into = (field.into != field.from).then(|| format!(", into={}", names::quoted(&field.into)));
        let into = into.unwrap_or_default();
        let step = match field.step {
            Step::AppendText => "APPEND_TEXT".to_owned(),
            Step::AppendList => "APPEND_LIST".to_owned(),
            Step::Replace => "REPLACE".to_owned(),
            Step::First => "FIRST".to_owned(),
            Step::Object(index) => return (names::quoted(&field.from), format!("merge({index}{into})")),
            Step::ByIndex(index) => return (names::quoted(&field.from), format!("by_index({index}{into})")),
        };
        let renamed = !into.is_empty();
        let step =
            if renamed { format!("{step}._replace(into={})", names::quoted(&field.into)) } else { step };
        (names::quoted(&field.from), step)
    });
    let mut arguments = vec![Argument::Dict(fields.collect())];
    if !fold.left_out.is_empty() {
        let names: Vec<String> = fold.left_out.iter().map(|name| names::quoted(name)).collect();
        let comma = if names.len() == 1 { "," } else { "" };
        arguments.push(Argument::Named("left_out".to_owned(), format!("({}{comma})", names.join(", "))));
    }
    if fold.drop_index {
        arguments.push(Argument::Named("drop_index".to_owned(), "True".to_owned()));
    }
    match &fold.settle {
        Settle::Object(dues) if dues.is_empty() => {}
        Settle::Object(dues) => {
            arguments.push(Argument::NamedCall("dues".to_owned(), self::dues(dues)));
        }
        Settle::Union { tag, default, variants } => {
            arguments.push(Argument::Named("tag".to_owned(), names::quoted(tag)));
            if let Some(default) = default {
                arguments.push(Argument::Named("tag_default".to_owned(), names::quoted(default)));
            }
            let variants = variants.iter().flat_map(|(tags, dues)| {
                tags.iter().map(move |tag| (names::quoted(tag), Argument::Call(self::dues(dues))))
            });
            arguments.push(Argument::NamedDict("variants".to_owned(), variants.collect()));
        }
    }
    Call { function: "Fold".to_owned(), arguments }
}

fn dues(dues: &[Due]) -> Call {
    let of = |when: When| {
        let fields: Vec<(String, Value)> = dues
            .iter()
            .filter(|due| due.when == when)
            .map(|due| (due.field.clone(), due.value.clone()))
            .collect();
        (!fields.is_empty()).then(|| python(&Value::Object(fields.into_iter().collect())))
    };
    let named = |name: &str, when| of(when).map(|text| Argument::Named(name.to_owned(), text));
    let arguments = [("always", When::Always), ("absent", When::Absent), ("present", When::Present)];
    Call {
        function: "Dues".to_owned(),
        arguments: arguments.into_iter().filter_map(|(name, when)| named(name, when)).collect(),
    }
}
