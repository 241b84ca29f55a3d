//! How many tokens a request may cost, before anybody has counted them.
//!
//! A byte-level tokenizer, which all current models have, makes at most one token of a byte, and the JSON around a message
//! is longer than what models add to it. So the length of the body is an upper bound, and it costs nothing. It is some four
//! times too high for English; that matters only near a limit, and there a tokenizer counts ([`TokenEstimator`]).
//! What was too much comes back when the request is settled.
//!
//! Images, audio and files are no text. They count with the figures below, stated in docs/operations.md.

use novai_types::{
    ChatCompletionRequest, ContentPart, EmbeddingInput, EmbeddingRequest, Message, MessageContent,
};

/// The most that a picture costs in high detail with the models whose makers publish it (GPT-4o: 1445, Claude: 1600).
pub const IMAGE_TOKENS: u64 = 1600;
/// A token is at least 32 ms of sound: 128 bytes at 32 kbit/s, a third more in base64.
pub const AUDIO_BYTES_PER_TOKEN: u64 = 128;
/// A file by reference: nobody here knows its length.
pub const FILE_TOKENS: u64 = 4096;

/// Counts tokens as a model does.
pub trait TokenEstimator: Send + Sync + 'static {
    /// Tokens of a JSON text; `None` where the model's tokenizer is not known, or not loaded yet.
    fn count(&self, model: &str, json: &str) -> Option<u64>;
}

/// Knows no model.
impl TokenEstimator for () {
    fn count(&self, _model: &str, _json: &str) -> Option<u64> {
        None
    }
}

/// A token of English is some four bytes of a request.
pub(crate) const BYTES_PER_TOKEN_LIKELY: u64 = 4;
/// What models put around a list of tokens, such as marks for its beginning and its end.
const TOKENS_AROUND_LIST: u64 = 2;

/// A request of any operation that models answer: what there is to estimate.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    Chat(&'a ChatCompletionRequest),
    Embeddings(&'a EmbeddingRequest),
}

impl<'a> From<&'a ChatCompletionRequest> for Payload<'a> {
    fn from(request: &'a ChatCompletionRequest) -> Self {
        Payload::Chat(request)
    }
}

impl<'a> From<&'a EmbeddingRequest> for Payload<'a> {
    fn from(request: &'a EmbeddingRequest) -> Self {
        Payload::Embeddings(request)
    }
}

impl<'a> Payload<'a> {
    /// By the id that the caller used.
    pub fn model(self) -> &'a str {
        match self {
            Payload::Chat(request) => &request.model,
            Payload::Embeddings(request) => &request.model,
        }
    }

    /// Whether the body is text throughout, which is what tokenizers can count.
    pub fn is_text(self) -> bool {
        match self {
            Payload::Chat(request) => is_text(request),
            Payload::Embeddings(request) => tokens_given(&request.input).is_none(),
        }
    }

    /// Pictures that a price per picture counts.
    pub fn images(self) -> u64 {
        let Payload::Chat(request) = self else { return 0 };
        let parts = request.messages.iter().filter_map(parts).flatten();
        parts.filter(|part| matches!(part, ContentPart::ImageUrl(_))).count() as u64
    }

    /// What the input most likely takes, where `bound` is the most.
    pub fn input_likely(self, bound: u64) -> u64 {
        match self {
            Payload::Embeddings(request) if tokens_given(&request.input).is_some() => bound,
            _ => bound.div_ceil(BYTES_PER_TOKEN_LIKELY),
        }
    }
}

/// The tokens of an input that comes as tokens.
fn tokens_given(input: &EmbeddingInput) -> Option<u64> {
    let tokens_of = |list: &Vec<u64>| list.len() as u64 + TOKENS_AROUND_LIST;
    match input {
        EmbeddingInput::Tokens(tokens) => Some(tokens_of(tokens)),
        EmbeddingInput::TokenLists(lists) => Some(lists.iter().map(tokens_of).sum()),
        EmbeddingInput::Text(_) | EmbeddingInput::Texts(_) | EmbeddingInput::Unknown(_) => None,
    }
}

/// The most that a request can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub input: u64,
    /// Of all choices together.
    pub output: u64,
    /// The caller set no bound, so `output` is the configured default.
    pub output_is_default: bool,
}

impl Estimate {
    /// `output_default` is what one choice may have where the request does not say.
    pub fn of<'a>(request: impl Into<Payload<'a>>, body_bytes: usize, output_default: u64) -> Self {
        let request = match request.into() {
            Payload::Chat(request) => request,
            Payload::Embeddings(request) => {
                let input = tokens_given(&request.input).unwrap_or(body_bytes as u64);
                return Estimate { input, output: 0, output_is_default: false };
            }
        };
        let asked = request.max_completion_tokens.or(request.max_tokens);
        let each = asked.unwrap_or(output_default);
        Estimate {
            input: input_bound(request, body_bytes as u64),
            output: each.saturating_mul(request.n.unwrap_or(1)),
            output_is_default: asked.is_none(),
        }
    }

    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// What to reserve where no limit that applies is larger than `limit`.
    ///
    /// A caller who set no bound would otherwise be refused forever by a limit below the default. It gets the whole limit
    /// instead: once per window, alone. The answer may then exceed it, by the default at most; that is settled, and the
    /// next request waits for it.
    pub fn reserved(&self, limit: Option<u64>) -> u64 {
        match limit {
            Some(limit) if self.output_is_default && self.input < limit => self.total().min(limit),
            _ => self.total(),
        }
    }
}

fn input_bound(request: &ChatCompletionRequest, body_bytes: u64) -> u64 {
    let mut media = Media::default();
    for part in request.messages.iter().filter_map(parts).flatten() {
        media.see(part);
    }
    body_bytes.saturating_sub(media.bytes).saturating_add(media.tokens)
}

fn is_text(request: &ChatCompletionRequest) -> bool {
    let is_text = |part: &ContentPart| matches!(part, ContentPart::Text(_) | ContentPart::Refusal(_));
    request.messages.iter().filter_map(parts).flatten().all(is_text)
}

/// Of a message that consists of parts.
pub(crate) fn parts(message: &Message) -> Option<&[ContentPart]> {
    let content = match message {
        Message::Developer(message) => &message.content,
        Message::System(message) => &message.content,
        Message::User(message) => &message.content,
        Message::Assistant(message) => message.content.as_ref()?,
        Message::Tool(message) => &message.content,
        Message::Function(_) | Message::Unknown(_) => return None,
    };
    match content {
        MessageContent::Parts(parts) => Some(parts),
        MessageContent::Text(_) | MessageContent::Unknown(_) => None,
    }
}

/// What of a body is no text: its bytes do not count, its tokens do.
#[derive(Default)]
struct Media {
    bytes: u64,
    tokens: u64,
}

impl Media {
    fn see(&mut self, part: &ContentPart) {
        let (bytes, tokens) = match part {
            ContentPart::Text(_) | ContentPart::Refusal(_) | ContentPart::Unknown(_) => return,
            ContentPart::ImageUrl(image) => (image.image_url.url.len(), IMAGE_TOKENS),
            ContentPart::InputAudio(audio) => {
                let bytes = audio.input_audio.data.len();
                (bytes, (bytes as u64).div_ceil(AUDIO_BYTES_PER_TOKEN))
            }
            ContentPart::File(file) => match &file.file.file_data {
                // Text in it is base64, which is a third longer.
                Some(data) => (data.len(), (data.len() as u64).max(FILE_TOKENS)),
                None => (0, FILE_TOKENS),
            },
        };
        self.bytes += bytes as u64;
        self.tokens = self.tokens.saturating_add(tokens);
    }
}

#[cfg(test)]
mod tests;
