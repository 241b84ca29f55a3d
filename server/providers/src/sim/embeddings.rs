//! `novai-sim-embed`: vectors without a model.
//!
//! Each token adds to a few places of the vector, chosen by its hash; then the vector gets the length 1. So the same input has the
//! same vector on any machine, and inputs that share words point alike. A list of tokens is hashed number by number.

use novai_core::{Completion, EmbeddingCall, Error, ResponseMeta};
use novai_types::EmbeddingInput;

use super::tokens;
use crate::embeddings::answer::{counts, list};
use crate::embeddings::vector::{Encoding, normalized};

pub(super) const MODEL: &str = "novai-sim-embed";

/// Where the request does not say.
const DIMENSIONS: u64 = 256;
const DIMENSIONS_MAX: u64 = 4096;
/// Of one input, as with OpenAI's models.
const TOKENS_MAX: usize = 8192;
/// Places that one token adds to.
const PLACES: u64 = 4;

pub(super) fn embed(call: &EmbeddingCall) -> Result<Completion, Error> {
    let request = &*call.request;
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    if dimensions > DIMENSIONS_MAX {
        let reason = format!("dimensions must be at most {DIMENSIONS_MAX} for {MODEL}, but is {dimensions}");
        return Err(invalid("dimensions".to_owned(), reason));
    }
    let of_text = |text: &String| tokens::split(text).map(hash_of_text).collect();
    let of_list = |list: &Vec<u64>| list.iter().map(|token| hash_of_number(*token)).collect();
    let inputs: Vec<Vec<u64>> = match &request.input {
        EmbeddingInput::Text(text) => vec![of_text(text)],
        EmbeddingInput::Texts(texts) => texts.iter().map(of_text).collect(),
        EmbeddingInput::Tokens(list) => vec![of_list(list)],
        EmbeddingInput::TokenLists(lists) => lists.iter().map(of_list).collect(),
        // The request's check has refused it already.
        EmbeddingInput::Unknown(_) => Vec::new(),
    };
    if let Some(at) = inputs.iter().position(|hashes| hashes.len() > TOKENS_MAX) {
        let param = if inputs.len() == 1 { "input".to_owned() } else { format!("input[{at}]") };
        let length = inputs[at].len();
        let reason = format!("{param} must have at most {TOKENS_MAX} tokens for {MODEL}, but has {length}");
        return Err(invalid(param, reason));
    }
    let usage = counts(inputs.iter().map(|hashes| hashes.len() as u64).sum());
    let vectors: Vec<Vec<f32>> = inputs.iter().map(|hashes| vector(hashes, dimensions)).collect();
    let vectors = vectors.iter().map(Vec::as_slice);
    let json = list(&call.upstream_model, vectors, Encoding::asked(request), Some(usage));
    Ok(Completion { json, usage: Some(usage), meta: ResponseMeta::default() })
}

fn invalid(param: String, reason: String) -> Error {
    Error::InvalidRequest { param: Some(param), reason }
}

fn vector(hashes: &[u64], dimensions: u64) -> Vec<f32> {
    let mut sums = vec![0_f32; usize::try_from(dimensions).unwrap_or_default()];
    for hash in hashes {
        for place in 0..PLACES {
            let mixed = mix(hash.wrapping_add(place));
            let sign = if mixed >> 63 == 0 { 1.0 } else { -1.0 };
            let at = usize::try_from(mixed % dimensions).unwrap_or_default();
            sums[at] += sign;
        }
    }
    // Tokens may cancel each other out; a vector of zeros has no direction.
    if sums.iter().all(|sum| *sum == 0.0) {
        sums[0] = 1.0;
    }
    normalized(sums)
}

/// "Hello", " hello" and "hello" are one word.
fn hash_of_text(token: &str) -> u64 {
    // FNV-1a: the standard library's hasher may change with a version.
    token.trim().to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn hash_of_number(token: u64) -> u64 {
    mix(token)
}

/// SplitMix64's last step: neighbours end up far apart.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;
