//! Sources that Anthropic names for passages of an answer, as annotations.
//!
//! A citation is about the text block that it comes with. One with an address is OpenAI's `url_citation`; others point into documents
//! of the request (by characters, pages or blocks), for which OpenAI has no words. Each is there whole, as it came, under
//! [`MEMBER`].

use novai_types::{Annotation, UrlCitation};
use serde_json::Value;

/// Beside OpenAI's members of an annotation, and the type of those without an address.
const MEMBER: &str = "anthropic_citation";

/// Held back until the passage ends; those beyond it are told at once, with the passage's end as far as it is known.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// The text of an answer so far, and the citations of the block that is being told.
#[derive(Debug, Default)]
pub(super) struct Citations {
    /// Of the whole answer: `content` is all blocks together.
    characters: u64,
    block_begins: u64,
    held: Vec<Value>,
    held_bytes: usize,
}

impl Citations {
    pub(super) fn begin_block(&mut self) {
        self.block_begins = self.characters;
    }

    pub(super) fn text(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
    }

    /// One more, which took `bytes` on the wire. Some annotations are due if too much is held.
    pub(super) fn add(&mut self, citation: Value, bytes: usize) -> Vec<Annotation> {
        self.held.push(citation);
        self.held_bytes += bytes;
        if self.held_bytes > HELD_BYTES_MAX { self.end_block() } else { Vec::new() }
    }

    pub(super) fn end_block(&mut self) -> Vec<Annotation> {
        self.held_bytes = 0;
        let (first, last) = (self.block_begins, self.characters.saturating_sub(1).max(self.block_begins));
        std::mem::take(&mut self.held).into_iter().map(|citation| annotation(citation, first, last)).collect()
    }
}

/// `first` and `last` are the passage's characters in `content`.
fn annotation(citation: Value, first: u64, last: u64) -> Annotation {
    let text = |name: &str| citation[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    // Search results that the caller brought along have a source, which may be an address.
    let is_address = |source: &String| source.starts_with("https://") || source.starts_with("http://");
    let url = text("url").or_else(|| text("source").filter(is_address));
    let mut annotation = match url {
        Some(url) => {
            let mut page = UrlCitation::new(url);
            page.title = text("title");
            page.start_index = i64::try_from(first).ok();
            page.end_index = i64::try_from(last).ok();
            let mut annotation = Annotation::new("url_citation");
            annotation.url_citation = Some(page);
            annotation
        }
        None => {
            let mut annotation = Annotation::new(MEMBER);
            annotation.extra.insert("start_index".to_owned(), first.into());
            annotation.extra.insert("end_index".to_owned(), last.into());
            annotation
        }
    };
    annotation.extra.insert(MEMBER.to_owned(), citation);
    annotation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_is_there_whole_and_has_its_passage() {
        for (citation, expected) in [
            (
                json!({"type": "web_search_result_location", "url": "https://a.test/", "title": "A", "encrypted_index": "x", "cited_text": "c"}),
                json!({"type": "url_citation", "url_citation": {"url": "https://a.test/", "title": "A", "start_index": 4, "end_index": 7}}),
            ),
            (
                json!({"type": "search_result_location", "source": "http://b.test/", "title": null, "search_result_index": 0}),
                json!({"type": "url_citation", "url_citation": {"url": "http://b.test/", "start_index": 4, "end_index": 7}}),
            ),
            (
                json!({"type": "search_result_location", "source": "wiki", "search_result_index": 0}),
                json!({"type": "anthropic_citation", "start_index": 4, "end_index": 7}),
            ),
            (
                json!({"type": "char_location", "cited_text": "sky", "document_index": 0, "start_char_index": 0, "end_char_index": 3}),
                json!({"type": "anthropic_citation", "start_index": 4, "end_index": 7}),
            ),
            (json!("odd"), json!({"type": "anthropic_citation", "start_index": 4, "end_index": 7})),
        ] {
            let mut citations = Citations::default();
            citations.begin_block();
            citations.text("Oh, ");
            assert!(citations.end_block().is_empty());
            citations.begin_block();
            citations.text("h\u{e9}");
            assert!(citations.add(citation.clone(), 50).is_empty());
            citations.text("!\u{1f642}");
            let mut expected = expected;
            expected[MEMBER] = citation;
            assert_eq!(json!(citations.end_block()), json!([expected]));
        }
    }

    #[test]
    fn no_more_is_held_than_is_allowed() {
        let mut citations = Citations::default();
        citations.begin_block();
        citations.text("abc");
        let mut told = 0;
        for _ in 0..5 {
            told += citations.add(json!({}), HELD_BYTES_MAX / 2).len();
        }
        assert_eq!((told, citations.held.len()), (3, 2));
    }
}
