//! One vector, as a list of numbers or as base64 of its 32-bit floats, least significant byte first.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use novai_types::{EmbeddingFormat, EmbeddingRequest};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Numbers,
    Base64,
}

impl Encoding {
    pub(crate) fn asked(request: &EmbeddingRequest) -> Self {
        match request.encoding_format {
            Some(EmbeddingFormat::Base64) => Encoding::Base64,
            _ => Encoding::Numbers,
        }
    }

    /// Of a vector in JSON, and how many numbers it has; fails, with the reason, on what is none.
    pub(crate) fn of(json: &str) -> Result<(Self, usize), &'static str> {
        match json.as_bytes() {
            [b'"', text @ .., b'"'] => {
                let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
                let is_base64 =
                    |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
                let bytes = (text.len() / 4 * 3).saturating_sub(padding);
                if !text.iter().all(is_base64) || text.len() % 4 != 0 || bytes % 4 != 0 || bytes == 0 {
                    return Err(NOT_BASE64);
                }
                Ok((Encoding::Base64, bytes / 4))
            }
            [b'[', inside @ .., b']'] => {
                let is_of_number = |byte: &u8| {
                    byte.is_ascii_digit()
                        || byte.is_ascii_whitespace()
                        || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b',')
                };
                if !inside.iter().all(is_of_number) || inside.trim_ascii().is_empty() {
                    return Err(NOT_NUMBERS);
                }
                Ok((Encoding::Numbers, 1 + inside.iter().filter(|byte| **byte == b',').count()))
            }
            _ => Err("it sent a vector that is neither a list of numbers nor base64"),
        }
    }

    /// JSON of the numbers.
    pub(crate) fn write(self, numbers: &[f32]) -> String {
        match self {
            // Numbers only, and finite ones: cannot fail.
            Encoding::Numbers => serde_json::to_string(numbers).unwrap_or_default(),
            Encoding::Base64 => {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                format!("\"{}\"", STANDARD.encode(bytes))
            }
        }
    }

    /// A vector in this encoding, as JSON, in the other one.
    pub(crate) fn turned(self, json: &str) -> Result<String, &'static str> {
        let (numbers, other): (Vec<f32>, Encoding) = match self {
            Encoding::Numbers => (serde_json::from_str(json).map_err(|_| NOT_NUMBERS)?, Encoding::Base64),
            Encoding::Base64 => {
                let bytes = STANDARD.decode(json.trim_matches('"')).map_err(|_| NOT_BASE64)?;
                let (floats, _) = bytes.as_chunks::<4>();
                (floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(), Encoding::Numbers)
            }
        };
        // JSON has no other.
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err("it sent a vector with a number that is not finite");
        }
        Ok(other.write(&numbers))
    }
}

const NOT_NUMBERS: &str = "it sent a vector that is no list of numbers";
const NOT_BASE64: &str = "it sent a vector that is no base64 of 32-bit floats";

/// The vector that points the same way and has the length 1. One of zeros points nowhere, and stays.
pub(crate) fn normalized(mut numbers: Vec<f32>) -> Vec<f32> {
    let length = numbers.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        for number in &mut numbers {
            *number = (f64::from(*number) / length) as f32;
        }
    }
    numbers
}
