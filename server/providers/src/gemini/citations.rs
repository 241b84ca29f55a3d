//! Sources that Gemini names for passages of an answer, as annotations.
//!
//! Google counts bytes, OpenAI characters: [`Characters`] knows which byte begins which.

use novai_types::{Annotation, UrlCitation};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CitationMetadata {
    #[serde(default, alias = "citations")]
    citation_sources: Vec<Source>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    /// In bytes of the answer's text; left out for 0.
    #[serde(default)]
    start_index: u64,
    end_index: Option<u64>,
    uri: Option<String>,
    title: Option<String>,
    license: Option<String>,
}

impl CitationMetadata {
    /// Sources without an address say nothing that a reader could follow, and are left out.
    pub(super) fn annotations(self, text: &Characters) -> Vec<Annotation> {
        let annotation = |source: Source| {
            let mut citation = UrlCitation::new(source.uri.filter(|uri| !uri.is_empty())?);
            citation.title = source.title;
            citation.start_index = Some(text.before(source.start_index));
            // Google names the byte behind the passage, OpenAI its last character.
            let end = source.end_index.map(|end| text.before(end).saturating_sub(1));
            citation.end_index = end;
            if let Some(license) = source.license.filter(|license| !license.is_empty()) {
                citation.extra.insert("license".to_owned(), license.into());
            }
            let mut annotation = Annotation::new("url_citation");
            annotation.url_citation = Some(citation);
            Some(annotation)
        };
        self.citation_sources.into_iter().filter_map(annotation).collect()
    }
}

/// Where the characters of a text begin, one bit for each byte: an eighth of the text's own size.
#[derive(Debug, Default)]
pub(super) struct Characters {
    beginnings: Vec<u64>,
    bytes: usize,
}

impl Characters {
    pub(super) fn push(&mut self, text: &str) {
        for byte in text.bytes() {
            let (word, bit) = (self.bytes / 64, self.bytes % 64);
            if bit == 0 {
                self.beginnings.push(0);
            }
            let is_beginning = u64::from(byte & 0xc0 != 0x80);
            self.beginnings[word] |= is_beginning << bit;
            self.bytes += 1;
        }
    }

    /// How many characters begin before `byte`; all of them, where the text is shorter.
    fn before(&self, byte: u64) -> i64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes);
        let whole: u32 = self.beginnings[..byte / 64].iter().map(|word| word.count_ones()).sum();
        let rest = match (byte % 64, self.beginnings.get(byte / 64)) {
            (0, _) | (_, None) => 0,
            (bits, Some(word)) => (word & ((1 << bits) - 1)).count_ones(),
        };
        i64::from(whole + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_characters() {
        for text in ["", "abc", "한국어 🙂 text", &"é".repeat(200), &"x".repeat(64)] {
            let mut characters = Characters::default();
            // In pieces, as a stream brings them.
            text.split_inclusive(' ').for_each(|piece| characters.push(piece));
            for (number, (at, _)) in text.char_indices().enumerate() {
                assert_eq!(characters.before(at as u64), number as i64, "{at} of {text}");
            }
            for beyond in [text.len() as u64, text.len() as u64 + 1, u64::MAX] {
                assert_eq!(characters.before(beyond), text.chars().count() as i64);
            }
        }
    }
}
