//! Cuts a request into as many calls as the upstream needs, and makes them a few at a time.

use futures_util::{StreamExt, TryStreamExt};
use novai_core::Error;
use novai_types::EmbeddingInput;
use serde::Serialize;

/// Calls at the same time for one request.
const CALLS_MAX: usize = 4;
/// The most that one call carries, in bytes of text or in tokens. OpenAI takes 300,000 tokens, and a byte is at most one.
const WEIGHT_MAX: usize = 300_000;

/// The inputs of one call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Batch<'a> {
    /// All there are.
    Whole(&'a EmbeddingInput),
    Texts(&'a [String]),
    TokenLists(&'a [Vec<u64>]),
}

#[derive(Debug)]
pub(crate) struct Batches<'a>(Vec<Batch<'a>>);

impl Batch<'_> {
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Batch::Whole(_))
    }

    /// How many vectors it makes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Batch::Texts(texts) => texts.len(),
            Batch::TokenLists(lists) => lists.len(),
            Batch::Whole(EmbeddingInput::Texts(texts)) => texts.len(),
            Batch::Whole(EmbeddingInput::TokenLists(lists)) => lists.len(),
            Batch::Whole(
                EmbeddingInput::Text(_) | EmbeddingInput::Tokens(_) | EmbeddingInput::Unknown(_),
            ) => 1,
        }
    }
}

impl<'a> Batches<'a> {
    /// At most `inputs_max` inputs each.
    pub(crate) fn of(input: &'a EmbeddingInput, inputs_max: usize) -> Self {
        let batches: Vec<Batch<'a>> = match input {
            EmbeddingInput::Texts(texts) => cut(texts, inputs_max, String::len).map(Batch::Texts).collect(),
            EmbeddingInput::TokenLists(lists) => {
                cut(lists, inputs_max, Vec::len).map(Batch::TokenLists).collect()
            }
            EmbeddingInput::Text(_) | EmbeddingInput::Tokens(_) | EmbeddingInput::Unknown(_) => Vec::new(),
        };
        Batches(if batches.len() > 1 { batches } else { vec![Batch::Whole(input)] })
    }

    /// What `ask` makes of each, in their order. The first failure ends the calls that still run, and there are no more.
    pub(crate) fn ask<T, F, A>(self, ask: A) -> impl Future<Output = Result<Vec<T>, Error>>
    where
        F: Future<Output = Result<T, Error>>,
        A: Fn(Batch<'a>) -> F,
    {
        // Futures that nobody polls yet: a stream that held `ask` could not be sent between threads.
        let calls: Vec<F> = self.0.into_iter().map(ask).collect();
        futures_util::stream::iter(calls).buffered(CALLS_MAX).try_collect()
    }

    #[cfg(test)]
    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.0.iter().map(Batch::len).collect()
    }
}

/// An input that is too heavy by itself goes alone: the upstream says what is wrong with it.
fn cut<T>(inputs: &[T], inputs_max: usize, weight: fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut rest = inputs;
    std::iter::from_fn(move || {
        let mut sum = 0_usize;
        let fitting = rest.iter().take(inputs_max).take_while(|input| {
            sum = sum.saturating_add(weight(input));
            sum <= WEIGHT_MAX
        });
        let length = fitting.count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(length);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}
