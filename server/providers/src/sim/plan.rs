//! What an answer will consist of, decided before its first byte: whole and streamed answers are two renderings of it.
//!
//! Ignored, because there is nothing to sample from: `temperature`, `top_p`, penalties, `logit_bias`, `verbosity`,
//! `prediction`, `modalities`, `audio`, `web_search_options`, `moderation` and the deprecated `functions`.

use novai_core::{Error, TokenUsage};
use novai_types::{ChatCompletionRequest, ResponseFormat, Stop};
use serde_json::json;

use super::behaviour::{Behaviour, Shape};
use super::tools::Call;
use super::{instance, prompt, tokens, tools};

pub(super) struct Plan {
    pub choices: Vec<Choice>,
    pub usage: TokenUsage,
}

pub(super) struct Choice {
    pub pieces: Vec<Piece>,
    pub finish_reason: &'static str,
}

/// One token of an answer, and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Reasoning(String),
    Content(String),
    Refusal(String),
    /// Begins the tool call `index`; its name counts as one token.
    Call {
        index: usize,
        custom: bool,
        name: String,
    },
    Input {
        index: usize,
        custom: bool,
        text: String,
    },
}

impl Plan {
    pub(super) fn new(request: &ChatCompletionRequest, behaviour: &Behaviour) -> Result<Plan, Error> {
        let calls = match behaviour.shape {
            Shape::Text => tools::calls(request)?,
            _ => Vec::new(),
        };
        let tokens_max = request.max_completion_tokens.or(request.max_tokens);
        let tokens_max = tokens_max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        let structured = structured(request);
        let mut usage = TokenUsage { prompt: prompt::token_count(request), ..TokenUsage::default() };
        let choices: Vec<Choice> = (0..request.n.unwrap_or(1))
            .map(|index| {
                let text = || structured.clone().unwrap_or_else(|| content(request, index));
                Choice::new(request, behaviour, &calls, text, tokens_max)
            })
            .collect();
        for choice in &choices {
            let reasoning = choice.pieces.iter().filter(|piece| matches!(piece, Piece::Reasoning(_)));
            usage.reasoning += reasoning.count() as u64;
            usage.completion += choice.pieces.len() as u64;
        }
        usage.total = usage.prompt + usage.completion;
        Ok(Plan { choices, usage })
    }
}

impl Choice {
    fn new(
        request: &ChatCompletionRequest,
        behaviour: &Behaviour,
        calls: &[Call],
        text: impl FnOnce() -> String,
        tokens_max: usize,
    ) -> Choice {
        let mut pieces: Vec<Piece> = own_each(&thoughts(request), Piece::Reasoning).collect();
        let finish_reason = match behaviour.shape {
            _ if !calls.is_empty() => {
                calls.iter().enumerate().for_each(|(index, call)| push_call(&mut pieces, index, call));
                "tool_calls"
            }
            Shape::Refusal => {
                pieces.extend(own_each("I'm sorry, but I can't assist with that request.", Piece::Refusal));
                "stop"
            }
            Shape::Filtered => {
                pieces.extend(own_each("This answer was", Piece::Content));
                "content_filter"
            }
            Shape::Empty => "stop",
            Shape::Tokens(count) => {
                pieces.extend((0..count).map(|n| Piece::Content(filler(n))));
                "stop"
            }
            Shape::Text => {
                let text = before_stop(text(), request.stop.as_ref());
                pieces.extend(own_each(&text, Piece::Content));
                "stop"
            }
        };
        if pieces.len() > tokens_max {
            pieces.truncate(tokens_max);
            return Choice { pieces, finish_reason: "length" };
        }
        Choice { pieces, finish_reason }
    }
}

fn own_each(text: &str, piece: fn(String) -> Piece) -> impl Iterator<Item = Piece> {
    tokens::split(text).map(move |token| piece(token.to_owned()))
}

fn push_call(pieces: &mut Vec<Piece>, index: usize, call: &Call) {
    let custom = call.custom;
    pieces.push(Piece::Call { index, custom, name: call.name.clone() });
    pieces.extend(tokens::split(&call.input).map(|token| Piece::Input {
        index,
        custom,
        text: token.to_owned(),
    }));
}

/// The answer to a schema, the same for every choice.
fn structured(request: &ChatCompletionRequest) -> Option<String> {
    match &request.response_format {
        Some(ResponseFormat::JsonSchema(format)) => {
            let schema = serde_json::to_value(&format.json_schema.schema).unwrap_or_default();
            Some(instance::of(&schema).to_string())
        }
        _ => None,
    }
}

fn content(request: &ChatCompletionRequest, index: u64) -> String {
    match &request.response_format {
        Some(ResponseFormat::JsonObject(_)) => json!({ "answer": prose(request, index) }).to_string(),
        _ => prose(request, index),
    }
}

/// The same for the same last user message, `seed` and choice.
fn prose(request: &ChatCompletionRequest, index: u64) -> String {
    const OPENINGS: [&str; 4] = ["You said", "I read", "Your message was", "This came in"];
    let seed = request.seed.unwrap_or(0).unsigned_abs().wrapping_add(index);
    let opening = OPENINGS[(seed % OPENINGS.len() as u64) as usize];
    let said = prompt::last_user_text(request);
    let said: String = said.split_whitespace().take(40).collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(400).collect();
    format!("{opening}: {said}\nThis answer comes from NovAI's simulator, which repeats what it is told.")
}

/// Longer for more effort; nothing unless asked for.
fn thoughts(request: &ChatCompletionRequest) -> String {
    const THOUGHTS: [&str; 3] = [
        "The message asks for an answer.",
        " It is short, so a short answer fits.",
        " I checked it twice and it still does.",
    ];
    let sentences = match request.reasoning_effort.as_deref() {
        None | Some("none") => 0,
        Some("minimal" | "low") => 1,
        Some("medium") => 2,
        Some(_) => 3,
    };
    THOUGHTS[..sentences].concat()
}

fn before_stop(mut text: String, stop: Option<&Stop>) -> String {
    let stops: &[String] = match stop {
        Some(Stop::Text(text)) => std::slice::from_ref(text),
        Some(Stop::Texts(texts)) => texts,
        _ => &[],
    };
    let first =
        stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
    if let Some(at) = first {
        text.truncate(at);
    }
    text
}

fn filler(n: usize) -> String {
    const WORDS: [&str; 8] = ["one", " word", " after", " another", " fills", " the", " answer", " up"];
    if n == 0 { WORDS[0].to_owned() } else { WORDS[n % WORDS.len()].to_owned() }
}
