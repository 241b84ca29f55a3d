//! How a stream's events become the answer that the operation gives when it does not stream (`x-merge`).
//!
//! The plan is over JSON, so it serves every language whose models are views: each event is folded into a document of
//! the answer's shape as it comes, and [`Fold::settle`] makes that document whole. Start at [`folding`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ir::model::{Api, Field, Merge, ObjectShape, Shape, TypeId, TypeRef};

use super::empty::{constant, empty};
use super::{object, resolved, target};

#[derive(Debug, Clone, PartialEq)]
pub enum Folding {
    /// Events are pieces of the answer.
    Pieces(Plan),
    /// Some events hold the whole answer as it is by then, in this field; the last one counts.
    Snapshots { field: String, result: TypeId },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The first one folds events into the answer; the others fold what is inside.
    pub folds: Vec<Fold>,
}

impl Plan {
    pub fn result(&self) -> TypeId {
        self.folds[0].target
    }
}

/// How pieces of one type become one value of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    /// An object.
    pub piece: TypeId,
    /// An object, or a union of objects that a tag tells apart.
    pub target: TypeId,
    /// In the piece's order. A field that neither this nor `left_out` has is unknown and kept: its last value wins.
    pub fields: Vec<FoldField>,
    /// Known fields of a piece that the target's type does not have.
    pub left_out: Vec<String>,
    /// Pieces are found by their `index`, which the target's type does not have: it is to be removed in the end.
    pub drop_index: bool,
    pub settle: Settle,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FoldField {
    /// Wire name in the piece.
    pub from: String,
    /// Wire name in the target.
    pub into: String,
    pub step: Step,
}

/// `null` and absent change nothing, whatever the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    AppendText,
    AppendList,
    /// The last value wins, whole.
    Replace,
    /// The first value that is not empty wins.
    First,
    /// Property by property; the index of a fold.
    Object(usize),
    /// An array whose items of one `index` are one item; the index of a fold.
    ByIndex(usize),
}

/// What a folded value still lacks.
#[derive(Debug, Clone, PartialEq)]
pub enum Settle {
    Object(Vec<Due>),
    Union {
        /// Wire name of the tag in the target.
        tag: String,
        /// The tag of a value whose pieces held none.
        default: Option<String>,
        variants: Vec<(Vec<String>, Vec<Due>)>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    pub field: String,
    pub value: Value,
    pub when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The field is absent, and required.
    Absent,
    /// The field is there: a constant of an optional field.
    Present,
    /// A constant of a required field.
    Always,
}

/// `result` is the type of the JSON answer; without one, events may be pieces of one big event.
pub fn folding(api: &Api, event: TypeRef, result: Option<TypeRef>) -> Option<Folding> {
    let (event, shape) = resolved(api, event.id);
    let target = match result {
        Some(result) => resolved(api, result.id).0,
        None => event,
    };
    if let Some(field) = result.and_then(|_| holder(api, shape, target)) {
        return Some(Folding::Snapshots { field, result: target });
    }
    let (Shape::Object(_), Shape::Object(_)) = (shape, resolved(api, target).1) else { return None };
    if result.is_none() && !says_how(api, event) {
        return None;
    }
    let mut planner = Planner { api, folds: Vec::new(), made: BTreeMap::new() };
    planner.fold(event, target, false)?;
    let folds = planner.folds.into_iter().flatten().collect();
    Some(Folding::Pieces(Plan { folds }))
}

/// The field of some events that has the answer's own type.
fn holder(api: &Api, event: &Shape, result: TypeId) -> Option<String> {
    let holds = |object: &ObjectShape| {
        let field = object.fields.iter().find(|field| resolved(api, field.ty.id).0 == result)?;
        Some(field.name.clone())
    };
    match event {
        Shape::Object(object) => holds(object),
        Shape::Union(union) => union.variants.iter().find_map(|variant| {
            let (_, object) = object(api, variant.ty.id)?;
            holds(object)
        }),
        _ => None,
    }
}

/// Whether the document says of any field of the event how it is merged.
fn says_how(api: &Api, event: TypeId) -> bool {
    let reached = crate::ir::reach::closure(&api.types, [TypeRef { id: event, nullable: false }]);
    reached.into_iter().filter_map(|id| object(api, id)).any(|(_, object)| {
        object.fields.iter().any(|field| field.merge.is_some() || field.merge_into.is_some())
    })
}

struct Planner<'a> {
    api: &'a Api,
    /// `None` while one is being made, so that recursive types end.
    folds: Vec<Option<Fold>>,
    made: BTreeMap<(TypeId, TypeId, bool), usize>,
}

impl<'a> Planner<'a> {
    /// `indexed`: the pieces are items of an array that is folded by index.
    fn fold(&mut self, piece: TypeId, wanted: TypeId, indexed: bool) -> Option<usize> {
        let (piece, shape) = object(self.api, piece)?;
        let wanted = self.target(piece, wanted);
        if let Some(&index) = self.made.get(&(piece, wanted, indexed)) {
            return Some(index);
        }
        let index = self.folds.len();
        self.made.insert((piece, wanted, indexed), index);
        self.folds.push(None);
        let known = self.fields_of(wanted);
        let mut fields = Vec::new();
        let mut left_out = Vec::new();
        for field in &shape.fields {
            if indexed && field.name == "index" {
                let (from, into) = (field.name.clone(), field.name.clone());
                fields.push(FoldField { from, into, step: Step::Replace });
                continue;
            }
            let into = field.merge_into.as_deref().unwrap_or(&field.name);
            let step = known
                .iter()
                .filter(|known| known.name == into)
                .find_map(|known| self.step(field, known.ty.id));
            match step {
                Some(step) => {
                    fields.push(FoldField { from: field.name.clone(), into: into.to_owned(), step })
                }
                None => left_out.push(field.name.clone()),
            }
        }
        self.folds[index] = Some(Fold {
            piece,
            target: wanted,
            fields,
            left_out,
            drop_index: indexed && known.iter().all(|known| known.name != "index"),
            settle: self.settle(shape, wanted),
        });
        Some(index)
    }

    /// The type that pieces become: `wanted`, if its parts can be told, else the piece's own.
    fn target(&self, piece: TypeId, wanted: TypeId) -> TypeId {
        match resolved(self.api, wanted) {
            (wanted, Shape::Object(_)) => wanted,
            (wanted, Shape::Union(union)) if union.discriminator.is_some() => wanted,
            _ => piece,
        }
    }

    /// Fields of an object, or of all variants of a union.
    fn fields_of(&self, id: TypeId) -> Vec<&'a Field> {
        match resolved(self.api, id).1 {
            Shape::Object(object) => object.fields.iter().collect(),
            Shape::Union(union) => union
                .variants
                .iter()
                .filter_map(|variant| object(self.api, variant.ty.id))
                .flat_map(|(_, object)| &object.fields)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// `None`: values of the one type are none of the other.
    fn step(&mut self, field: &Field, wanted: TypeId) -> Option<Step> {
        let (piece, shape) = resolved(self.api, field.ty.id);
        let (wanted, target) = resolved(self.api, wanted);
        let step = match (shape, target) {
            (Shape::Array { items, .. }, Shape::Array { items: into, .. }) => {
                let by_index = matches!(field.merge, None | Some(Merge::ByIndex)) && self.has_index(items.id);
                match (by_index, field.merge) {
                    (true, _) => Step::ByIndex(self.fold(items.id, into.id, true)?),
                    (false, Some(Merge::Replace)) => Step::Replace,
                    (false, Some(Merge::First)) => Step::First,
                    (false, _) => Step::AppendList,
                }
            }
            (Shape::Object(_), Shape::Object(_) | Shape::Union(_)) if field.merge.is_none() => {
                Step::Object(self.fold(piece, wanted, false)?)
            }
            (Shape::String(_), _) if is_text(target) => match field.merge {
                Some(Merge::Append) => Step::AppendText,
                Some(Merge::First) => Step::First,
                _ => Step::Replace,
            },
            _ if piece == wanted || alike(shape, target) => match field.merge {
                Some(Merge::First) => Step::First,
                _ => Step::Replace,
            },
            _ => return None,
        };
        Some(step)
    }

    fn has_index(&self, items: TypeId) -> bool {
        object(self.api, items).is_some_and(|(_, object)| {
            object.fields.iter().any(|field| {
                field.name == "index" && matches!(resolved(self.api, field.ty.id).1, Shape::Integer { .. })
            })
        })
    }

    fn settle(&self, piece: &ObjectShape, wanted: TypeId) -> Settle {
        match resolved(self.api, wanted).1 {
            Shape::Object(target) => Settle::Object(self.dues(target)),
            Shape::Union(union) => {
                let tag = union.discriminator.as_ref().map(|known| known.property.clone());
                let tag = tag.unwrap_or_default();
                let default = piece
                    .fields
                    .iter()
                    .find(|field| field.merge_into.as_deref().unwrap_or(&field.name) == tag)
                    .and_then(|field| field.default.as_ref()?.as_str().map(str::to_owned));
                let variants = union.variants.iter().filter_map(|variant| {
                    let (_, target) = object(self.api, variant.ty.id)?;
                    Some((variant.tags.clone(), self.dues(target)))
                });
                Settle::Union { tag, default, variants: variants.collect() }
            }
            _ => Settle::Object(Vec::new()),
        }
    }

    fn dues(&self, target: &ObjectShape) -> Vec<Due> {
        let due = |field: &Field| {
            let (value, when) = match (constant(self.api, field.ty), field.required) {
                (Some(value), true) => (value, When::Always),
                (Some(value), false) => (value, When::Present),
                (None, true) => (empty(self.api, field.ty)?, When::Absent),
                (None, false) => return None,
            };
            Some(Due { field: field.name.clone(), value, when })
        };
        target.fields.iter().filter_map(due).collect()
    }
}

fn is_text(shape: &Shape) -> bool {
    match shape {
        Shape::String(_) | Shape::Bytes { .. } | Shape::Any => true,
        Shape::Const(value) => value.is_string(),
        Shape::Enum { values } => values.iter().all(|value| value.value.is_string()),
        _ => false,
    }
}

/// Whether a value of the one may stand where the other is wanted, as far as their shapes tell.
fn alike(piece: &Shape, target: &Shape) -> bool {
    let is_number = |shape: &Shape| matches!(shape, Shape::Integer { .. } | Shape::Number { .. });
    match (piece, target) {
        (Shape::Any, _) | (_, Shape::Any) | (Shape::Union(_), _) | (_, Shape::Union(_)) => true,
        (piece, target) if is_number(piece) => is_number(target),
        (piece, target) if is_text(piece) => is_text(target),
        (Shape::Map { .. } | Shape::Object(_), Shape::Map { .. } | Shape::Object(_)) => true,
        (piece, target) => std::mem::discriminant(piece) == std::mem::discriminant(target),
    }
}

/// The type of the whole that a folding gives.
pub fn result(api: &Api, folding: &Folding) -> TypeRef {
    let id = match folding {
        Folding::Pieces(plan) => plan.result(),
        Folding::Snapshots { result, .. } => *result,
    };
    target(api, TypeRef { id, nullable: false })
}
