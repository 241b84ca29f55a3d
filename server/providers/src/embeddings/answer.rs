//! An `EmbeddingList`: read from an upstream that speaks OpenAI's API, or written for one that does not.

use bytes::Bytes;
use novai_core::TokenUsage;
use novai_types::EmbeddingRequest;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::vector::Encoding;
use crate::members::{Members, Object};

/// One call's answer, checked.
#[derive(Debug)]
pub(crate) struct Answer {
    json: Bytes,
    pub usage: Option<TokenUsage>,
    /// It says both counts that callers are promised.
    has_whole_usage: bool,
    /// Nothing has to change: every vector is where and as it was asked for.
    is_as_asked: bool,
}

/// What the answer must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub vectors: usize,
    /// Numbers in each vector, where the caller said.
    pub dimensions: Option<u64>,
    pub encoding: Encoding,
}

impl Wanted {
    pub(crate) fn of(request: &EmbeddingRequest, vectors: usize) -> Self {
        Wanted { vectors, dimensions: request.dimensions, encoding: Encoding::asked(request) }
    }
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<Item<'a>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

#[derive(Deserialize, Clone, Copy)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

/// The counts of a request that has input only.
pub(crate) fn counts(tokens: u64) -> TokenUsage {
    TokenUsage { prompt: tokens, total: tokens, ..TokenUsage::default() }
}

impl Answer {
    /// Fails, with the reason, on what is not exactly what was asked for.
    pub(crate) fn read(json: Bytes, wanted: Wanted) -> Result<Self, String> {
        let list: List<'_> = serde_json::from_slice(&json).map_err(|_| "it sent no list of embeddings")?;
        if list.data.len() != wanted.vectors {
            return Err(format!("it sent {} vectors for {} inputs", list.data.len(), wanted.vectors));
        }
        let mut is_as_asked = true;
        let mut numbers_before = None;
        for (at, item) in list.data.iter().enumerate() {
            let (encoding, numbers) = Encoding::of(item.embedding.get())?;
            is_as_asked &= encoding == wanted.encoding && item.index == Some(at as u64);
            let expected = wanted.dimensions.or(numbers_before);
            if let Some(expected) = expected.filter(|expected| *expected != numbers as u64) {
                return Err(format!("it sent a vector of {numbers} numbers where {expected} belong"));
            }
            numbers_before = Some(numbers as u64);
        }
        order(&list.data)?;
        let usage = list.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens)).map(counts);
        let has_whole_usage =
            list.usage.is_some_and(|usage| usage.prompt_tokens.is_some() && usage.total_tokens.is_some());
        is_as_asked &= has_whole_usage || usage.is_none();
        Ok(Answer { json, usage, has_whole_usage, is_as_asked })
    }

    /// The answers of all batches as one. What only an upstream knows is taken from the first.
    pub(crate) fn joined(
        answers: Vec<Answer>,
        encoding: Encoding,
    ) -> Result<(Bytes, Option<TokenUsage>), String> {
        let usage: Option<TokenUsage> = answers
            .iter()
            .map(|answer| answer.usage.map(|usage| usage.prompt))
            .try_fold(0_u64, |sum, tokens| Some(sum.saturating_add(tokens?)))
            .map(counts);
        if let [only] = answers.as_slice()
            && only.is_as_asked
        {
            return Ok((only.json.clone(), usage));
        }
        let bytes = answers.iter().map(|answer| answer.json.len()).sum();
        let mut items = Vec::with_capacity(bytes);
        let mut count = 0;
        for answer in &answers {
            answer.write_items(encoding, &mut items, &mut count)?;
        }
        let items = String::from_utf8(items).map_err(|_| UNREADABLE)?;
        let first = answers.first().ok_or(UNREADABLE)?;
        let Members(members) = serde_json::from_slice(&first.json).map_err(|_| UNREADABLE)?;
        let keeps_usage = answers.len() == 1 && first.has_whole_usage;
        let mut out = Object::with_capacity(bytes);
        for (name, value) in members {
            match name.as_str() {
                "data" => out.member(&name, &format!("[{items}]")),
                // The sum of all follows.
                "usage" if !keeps_usage => {}
                _ => out.member(&name, value.get()),
            }
        }
        if let Some(usage) = usage.filter(|_| !keeps_usage) {
            out.member("usage", &usage_json(usage));
        }
        Ok((out.finish(), usage))
    }

    /// Its items in their order, numbered on from `count`.
    fn write_items(&self, wanted: Encoding, out: &mut Vec<u8>, count: &mut usize) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Data<'a> {
            #[serde(borrow)]
            data: Vec<Members<'a>>,
        }
        let list: List<'_> = serde_json::from_slice(&self.json).map_err(|_| UNREADABLE)?;
        let data: Data<'_> = serde_json::from_slice(&self.json).map_err(|_| UNREADABLE)?;
        for at in order(&list.data)? {
            let mut item = Object::with_capacity(list.data[at].embedding.get().len() + 64);
            for (name, value) in &data.data[at].0 {
                match name.as_str() {
                    "index" => {}
                    "embedding" => match Encoding::of(value.get())?.0 {
                        encoding if encoding == wanted => item.member(name, value.get()),
                        encoding => item.member(name, &encoding.turned(value.get())?),
                    },
                    _ => item.member(name, value.get()),
                }
            }
            item.member("index", &count.to_string());
            *count += 1;
            if !out.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(&item.finish());
        }
        Ok(())
    }
}

/// Read before, by the same reader.
const UNREADABLE: &str = "its answer cannot be read again";

/// Which item belongs to the first input, to the second, and so on. Without any `index`, they are in order.
fn order(items: &[Item<'_>]) -> Result<Vec<usize>, &'static str> {
    const WRONG: &str = "its vectors do not belong to one input each";
    if items.iter().all(|item| item.index.is_none()) {
        return Ok((0..items.len()).collect());
    }
    let mut order = vec![None; items.len()];
    for (at, item) in items.iter().enumerate() {
        let index = item.index.and_then(|index| usize::try_from(index).ok()).ok_or(WRONG)?;
        let slot = order.get_mut(index).filter(|slot| slot.is_none()).ok_or(WRONG)?;
        *slot = Some(at);
    }
    order.into_iter().collect::<Option<_>>().ok_or(WRONG)
}

/// A list of what another vendor's API, or none, has made.
pub(crate) fn list<'v>(
    model: &str,
    vectors: impl IntoIterator<Item = &'v [f32]>,
    encoding: Encoding,
    usage: Option<TokenUsage>,
) -> Bytes {
    let mut data = String::from("[");
    for (index, numbers) in vectors.into_iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let embedding = encoding.write(numbers);
        data += &format!(r#"{comma}{{"object":"embedding","index":{index},"embedding":{embedding}}}"#);
    }
    data.push(']');
    let mut out = Object::with_capacity(data.len() + 128);
    out.member("object", "\"list\"");
    out.member("data", &data);
    // A string always serialises.
    out.member("model", &serde_json::to_string(model).unwrap_or_default());
    if let Some(usage) = usage {
        out.member("usage", &usage_json(usage));
    }
    out.finish()
}

fn usage_json(usage: TokenUsage) -> String {
    format!(r#"{{"prompt_tokens":{},"total_tokens":{}}}"#, usage.prompt, usage.total)
}
