//! Server-sent events of a whole body, by the letter of the HTML standard: an event without its empty line never happened.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Empty where the stream names none.
    pub name: String,
    pub data: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub events: Vec<Event>,
    pub comments: Vec<String>,
}

pub fn decode(body: &[u8]) -> Decoded {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut decoded = Decoded::default();
    let mut name = String::new();
    let mut data: Vec<&str> = Vec::new();
    for line in complete_lines(text) {
        if line.is_empty() {
            if !data.is_empty() {
                decoded.events.push(Event { name: std::mem::take(&mut name), data: data.join("\n") });
            }
            name.clear();
            data.clear();
        } else if let Some(comment) = line.strip_prefix(':') {
            decoded.comments.push(comment.trim().to_owned());
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => data.push(value),
                "event" => value.clone_into(&mut name),
                _ => {}
            }
        }
    }
    decoded
}

/// Lines that end in LF, CRLF or CR; what follows the last line end is no line yet.
fn complete_lines(mut text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    while let Some(at) = text.find(['\n', '\r']) {
        lines.push(&text[..at]);
        let skip = if text[at..].starts_with("\r\n") { 2 } else { 1 };
        text = &text[at + skip..];
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[(&str, &str)]) {
        let decoded = decode(body.as_bytes());
        let actual: Vec<(&str, &str)> =
            decoded.events.iter().map(|event| (event.name.as_str(), event.data.as_str())).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn line_ends_of_all_three_kinds() {
        check("data: a\n\ndata: b\r\n\r\ndata: c\r\r", &[("", "a"), ("", "b"), ("", "c")]);
    }

    #[test]
    fn an_unterminated_event_never_happened() {
        check("data: a\n\ndata: b\n", &[("", "a")]);
    }

    #[test]
    fn names_and_several_data_lines() {
        check("event: error\ndata: a\ndata:b\n\n", &[("error", "a\nb")]);
    }
}
