
//! How the pieces of a stream become a whole: what `x-merge` says, and the rules that need no key.
//!
//! The whole grows in place; a piece is copied once, into it. `null` and absent change nothing.

// The rules of every description, not only of those that this one needs.
#![allow(dead_code)]

use serde::Serialize;
use serde_json::Value;

use crate::generated::types::Extra;

/// A type whose later pieces are folded into its first one.
pub trait Fold {
    fn fold(&mut self, piece: &Self);
}

impl<T: Fold> Fold for Box<T> {
    fn fold(&mut self, piece: &Self) {
        T::fold(self, piece);
    }
}

/// An item of a list whose items are told apart by their `index`.
pub trait Indexed {
    fn index(&self) -> Option<u64>;
    /// Tells items without an index apart; `None` where they have no name either.
    fn id(&self) -> Option<&str> {
        None
    }
}

/// The first text that is not empty stays.
pub fn first(whole: &mut String, piece: &str) {
    if whole.is_empty() {
        whole.push_str(piece);
    }
}

/// The first value stays; for texts, the first that is not empty.
pub fn first_set<T: Clone + Blank>(whole: &mut Option<T>, piece: &Option<T>) {
    if whole.as_ref().is_none_or(Blank::is_blank) && piece.is_some() {
        whole.clone_from(piece);
    }
}

/// A value that says nothing.
pub trait Blank {
    fn is_blank(&self) -> bool {
        false
    }
}

impl Blank for String {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Blank for Vec<T> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl Blank for u64 {}
impl Blank for i64 {}
impl Blank for f64 {}
impl Blank for bool {}

pub fn replace<T: Clone>(whole: &mut T, piece: &T) {
    whole.clone_from(piece);
}

pub fn replace_set<T: Clone>(whole: &mut Option<T>, piece: &Option<T>) {
    if piece.is_some() {
        whole.clone_from(piece);
    }
}

/// Texts grow at their end, and so do lists.
pub trait Append {
    fn append(&mut self, piece: &Self);
}

impl Append for String {
    fn append(&mut self, piece: &Self) {
        self.push_str(piece);
    }
}

impl<T: Clone> Append for Vec<T> {
    fn append(&mut self, piece: &Self) {
        self.extend_from_slice(piece);
    }
}

impl<T: Append + Default> Append for Option<T> {
    fn append(&mut self, piece: &Self) {
        if let Some(piece) = piece {
            self.get_or_insert_default().append(piece);
        }
    }
}

pub fn merge<T: Fold + Default>(whole: &mut Option<T>, piece: &Option<T>) {
    if let Some(piece) = piece {
        whole.get_or_insert_default().fold(piece);
    }
}

pub fn merge_first<T: Fold + Clone>(whole: &mut Option<T>, piece: &Option<T>) {
    match (whole.as_mut(), piece) {
        (_, None) => {}
        (None, Some(_)) => whole.clone_from(piece),
        (Some(whole), Some(piece)) => whole.fold(piece),
    }
}

/// Items of one index are one item; the list is in the order of the indices. An item without an index is whole: it is
/// added at the end, unless one of its name is there.
pub fn by_index<T: Fold + Indexed + Clone>(whole: &mut Vec<T>, pieces: &[T]) {
    for piece in pieces {
        let Some(index) = piece.index() else {
            let id = piece.id().filter(|id| !id.is_empty());
            let known = id.is_some() && whole.iter().any(|item| item.id() == id);
            if !known {
                whole.push(piece.clone());
            }
            continue;
        };
        let at = whole.partition_point(|item| item.index().is_some_and(|other| other < index));
        match whole.get_mut(at).filter(|item| item.index() == Some(index)) {
            Some(item) => item.fold(piece),
            None => whole.insert(at, piece.clone()),
        }
    }
}

pub fn by_index_set<T: Fold + Indexed + Clone>(whole: &mut Option<Vec<T>>, pieces: &Option<Vec<T>>) {
    if let Some(pieces) = pieces {
        by_index(whole.get_or_insert_default(), pieces);
    }
}

/// Fields that this version does not know: the last value that is not null stays.
pub fn fields(whole: &mut Extra, piece: &Extra) {
    for (name, value) in piece.iter().filter(|(_, value)| !value.is_null()) {
        match whole.get_mut(name) {
            Some(known) => known.clone_from(value),
            None => drop(whole.insert(name.clone(), value.clone())),
        }
    }
}

/// A tag that no piece held has its default.
pub fn tag<'a>(tag: Option<&'a str>, default: &'a str) -> &'a str {
    tag.filter(|tag| !tag.is_empty()).unwrap_or(default)
}

/// A variant that this version does not know, without the index that only pieces have.
pub fn unknown(piece: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(piece).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("index");
    }
    value
}
