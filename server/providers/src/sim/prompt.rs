//! What the simulator reads in a conversation: the last user message, and how many tokens it all is.

use novai_types::{ChatCompletionRequest, ContentPart, Message, MessageContent};

use super::tokens;

/// What the role and the frame of each message cost.
const TOKENS_PER_MESSAGE: u64 = 4;
/// What any part that is not text costs.
const TOKENS_PER_PART: u64 = 85;

/// Text of the last user message; empty if there is none.
pub(super) fn last_user_text(request: &ChatCompletionRequest) -> String {
    let last = request.messages.iter().rev().find_map(|message| match message {
        Message::User(user) => Some(&user.content),
        _ => None,
    });
    let mut out = String::new();
    if let Some(content) = last {
        texts(content, &mut |text| {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(text);
        });
    }
    out
}

/// Whether the caller has just answered tool calls.
pub(super) fn ends_with_tool_result(request: &ChatCompletionRequest) -> bool {
    matches!(request.messages.last(), Some(Message::Tool(_) | Message::Function(_)))
}

pub(super) fn token_count(request: &ChatCompletionRequest) -> u64 {
    let mut total = 0;
    for message in &request.messages {
        total += TOKENS_PER_MESSAGE;
        let content = match message {
            Message::Developer(message) => Some(&message.content),
            Message::System(message) => Some(&message.content),
            Message::User(message) => Some(&message.content),
            Message::Assistant(message) => message.content.as_ref(),
            Message::Tool(message) => Some(&message.content),
            Message::Function(_) | Message::Unknown(_) => None,
        };
        if let Some(content) = content {
            texts(content, &mut |text| total += tokens::count(text));
            if let MessageContent::Parts(parts) = content {
                let others = parts.iter().filter(|part| text_of(part).is_none()).count();
                total += TOKENS_PER_PART * others as u64;
            }
        }
    }
    for tool in request.tools.iter().flatten() {
        total += serde_json::to_string(tool).map_or(0, |json| tokens::count(&json));
    }
    total
}

fn texts(content: &MessageContent, each: &mut impl FnMut(&str)) {
    match content {
        MessageContent::Text(text) => each(text),
        MessageContent::Parts(parts) => parts.iter().filter_map(text_of).for_each(each),
        MessageContent::Unknown(_) => {}
    }
}

fn text_of(part: &ContentPart) -> Option<&str> {
    match part {
        ContentPart::Text(part) => Some(&part.text),
        ContentPart::Refusal(part) => Some(&part.refusal),
        _ => None,
    }
}
