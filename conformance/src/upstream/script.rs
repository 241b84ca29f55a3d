//! Steps of a scenario → the writes, pauses and endings that [`super::connection`] plays.
//!
//! Start at [`Script::compile`]. First the steps become parts of one body; then a [`Variation`] cuts that body; last, every
//! piece gets its HTTP framing. So a truncation is a truncation of the *body*, wherever the steps put their boundaries.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use base64::Engine;
use serde_json::Value;

use super::chunk;
use crate::scenario::model::{DetailedStep, Framing, LineEnd, Respond, Step, Word};
use crate::scenario::variation::Variation;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Write(Vec<u8>),
    Sleep(Duration),
    Stall,
    Close,
    Reset,
}

#[derive(Debug, Clone)]
pub struct Script {
    pub actions: Vec<Action>,
    /// The body that is sent, framing removed.
    pub body: Vec<u8>,
    /// False where the script ends the connection with the answer.
    pub keeps_connection: bool,
}

enum Part {
    Body { bytes: Vec<u8>, split: Option<usize> },
    Raw(Vec<u8>),
    Sleep(Duration),
    Ending(Word),
}

impl Script {
    pub fn compile(steps: &[Step], variation: Variation) -> Result<Script> {
        let mut respond = Respond::default();
        let mut is_json = false;
        let mut parts = Vec::new();
        for step in steps {
            match step {
                Step::Word(Word::Done) => {
                    let bytes = event_lines("data: [DONE]", variation.line_end);
                    parts.push(Part::Body { bytes, split: None });
                }
                Step::Word(word) => parts.push(Part::Ending(*word)),
                Step::Detailed(step) => {
                    if let Some(given) = &step.respond {
                        respond = given.clone();
                    }
                    is_json |= step.json.is_some() || step.answer.is_some();
                    push_detailed(&mut parts, step, variation.line_end)?;
                }
            }
        }
        let parts = cut(parts, variation);
        Ok(frame(&respond, is_json, parts, variation))
    }

    /// A whole chat completion.
    pub fn of_answer(text: &str) -> Script {
        let body = chunk::answer(text).to_string().into_bytes();
        let parts = vec![Part::Body { bytes: body, split: None }];
        frame(&Respond::default(), true, parts, Variation::default())
    }

    /// Puts a text in the place of another one in everything that is written.
    pub fn fill_in(&mut self, placeholder: &str, text: &str) {
        for action in &mut self.actions {
            if let Action::Write(bytes) = action
                && let Ok(written) = std::str::from_utf8(bytes)
                && written.contains(placeholder)
            {
                *bytes = written.replace(placeholder, text).into_bytes();
            }
        }
    }

    /// Length of the body of the script that a variation is to cut.
    pub fn body_length(steps: &[Step], line_end: LineEnd) -> usize {
        let variation = Variation { line_end, ..Variation::default() };
        Script::compile(steps, variation).map_or(0, |script| script.body.len())
    }
}

fn push_detailed(parts: &mut Vec<Part>, step: &DetailedStep, line_end: LineEnd) -> Result<()> {
    if step.delay_ms > 0 {
        parts.push(Part::Sleep(Duration::from_millis(step.delay_ms)));
    }
    if let Some(raw) = &step.raw {
        parts.push(Part::Raw(raw.clone().into_bytes()));
        return Ok(());
    }
    if let Some(bytes) = content(step, line_end)? {
        parts.push(Part::Body { bytes: bytes.repeat(step.times.unwrap_or(1)), split: step.split });
    }
    Ok(())
}

fn content(step: &DetailedStep, line_end: LineEnd) -> Result<Option<Vec<u8>>> {
    let event = |value: Value| Some(event_lines(&format!("data: {value}"), line_end));
    Ok(if let Some(text) = &step.send {
        Some(text.clone().into_bytes())
    } else if let Some(text) = &step.send_base64 {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).context("send_base64")?;
        Some(bytes)
    } else if let Some(value) = &step.event {
        event(value.clone())
    } else if let Some(delta) = &step.delta {
        event(chunk::delta(step.choice, delta))
    } else if let Some(reason) = &step.finish {
        event(chunk::finish(step.choice, reason))
    } else if let Some(usage) = &step.usage {
        event(chunk::usage(usage))
    } else if let Some(value) = &step.json {
        Some(value.to_string().into_bytes())
    } else if let Some(text) = &step.answer {
        Some(chunk::answer(text).to_string().into_bytes())
    } else if let Some(text) = &step.comment {
        Some(event_lines(&format!(": {text}"), line_end))
    } else if step.respond.is_some() || step.delay_ms > 0 {
        None
    } else {
        bail!("a step sends nothing: {step:?}")
    })
}

fn event_lines(line: &str, line_end: LineEnd) -> Vec<u8> {
    format!("{line}{0}{0}", line_end.text()).into_bytes()
}

/// Applies the variation to the body that the parts make up together.
fn cut(parts: Vec<Part>, variation: Variation) -> Vec<Part> {
    let mut offset = 0;
    let mut result = Vec::new();
    for part in parts {
        let Part::Body { mut bytes, split } = part else {
            result.push(part);
            continue;
        };
        if let Some(limit) = variation.truncate {
            bytes.truncate(limit.saturating_sub(offset));
        }
        let split = variation.split.or(split);
        match variation.split_at.and_then(|at| at.checked_sub(offset)) {
            Some(at) if at > 0 && at < bytes.len() => {
                let rest = bytes.split_off(at);
                offset += bytes.len() + rest.len();
                result.push(Part::Body { bytes, split });
                result.push(Part::Body { bytes: rest, split });
            }
            _ => {
                offset += bytes.len();
                result.push(Part::Body { bytes, split });
            }
        }
        if variation.truncate.is_some_and(|limit| offset >= limit) {
            break;
        }
    }
    if let Some(ending) = variation.ending {
        result.push(Part::Ending(ending));
    }
    result
}

fn frame(respond: &Respond, is_json: bool, parts: Vec<Part>, variation: Variation) -> Script {
    // Not byte by byte: one of them has 64 MiB, and the runner is not optimised.
    let mut body = Vec::new();
    for part in &parts {
        if let Part::Body { bytes, .. } = part {
            body.extend_from_slice(bytes);
        }
    }
    let framing = respond.framing.unwrap_or(if is_json { Framing::Length } else { Framing::Chunked });
    let speaks_http = !parts.iter().any(|part| matches!(part, Part::Raw(_)));
    let silent = !speaks_http || matches!(parts.first(), Some(Part::Ending(word)) if *word != Word::End);
    let mut script = Script { actions: Vec::new(), body, keeps_connection: framing != Framing::Close };
    if !silent {
        // Silence before the body is silence before the head too: that is what a slow upstream looks like.
        let first_content = parts.iter().position(|part| !matches!(part, Part::Sleep(_))).unwrap_or(0);
        let head = head(respond, is_json, framing, script.body.len());
        let mut parts = parts;
        let rest = parts.split_off(first_content);
        play(&mut script, parts, framing);
        script.actions.push(Action::Write(head));
        play(&mut script, rest, framing);
    } else {
        play(&mut script, parts, framing);
        script.keeps_connection = false;
    }
    let truncated_length = framing == Framing::Length && variation.truncate.is_some();
    let ended =
        script.actions.iter().any(|action| matches!(action, Action::Stall | Action::Close | Action::Reset));
    if ended || truncated_length {
        script.keeps_connection = false;
    } else if framing == Framing::Chunked && speaks_http && !silent {
        script.actions.push(Action::Write(b"0\r\n\r\n".to_vec()));
    }
    script
}

fn play(script: &mut Script, parts: Vec<Part>, framing: Framing) {
    for part in parts {
        match part {
            Part::Raw(bytes) => script.actions.push(Action::Write(bytes)),
            Part::Sleep(duration) => script.actions.push(Action::Sleep(duration)),
            Part::Body { bytes, split } => {
                for piece in bytes.chunks(split.unwrap_or(usize::MAX).max(1)) {
                    script.actions.push(Action::Write(framed(piece, framing)));
                }
            }
            Part::Ending(Word::Stall) => script.actions.push(Action::Stall),
            Part::Ending(Word::Close) => script.actions.push(Action::Close),
            Part::Ending(Word::ResetConnection) => script.actions.push(Action::Reset),
            Part::Ending(
                Word::End
                | Word::Done
                | Word::RefuseConnection
                | Word::IgnoreConnection
                | Word::UntrustedCertificate,
            ) => {}
        }
    }
}

fn framed(piece: &[u8], framing: Framing) -> Vec<u8> {
    match framing {
        Framing::Chunked => {
            let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
            bytes
        }
        Framing::Length | Framing::Close => piece.to_vec(),
    }
}

fn head(respond: &Respond, is_json: bool, framing: Framing, body_length: usize) -> Vec<u8> {
    let status = respond.status.unwrap_or(200);
    let content_type = if is_json { "application/json" } else { "text/event-stream" };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    headers.push(match framing {
        Framing::Chunked => ("transfer-encoding".to_owned(), "chunked".to_owned()),
        Framing::Length => ("content-length".to_owned(), body_length.to_string()),
        Framing::Close => ("connection".to_owned(), "close".to_owned()),
    });
    for (name, value) in &respond.headers {
        headers.retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            headers.push((name.clone(), expand_date(value)));
        }
    }
    let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// `${http_date+5s}` is the date five seconds from now, `-5s` that of five seconds ago: a Retry-After date only means something
/// relative to the clock.
fn expand_date(value: &str) -> String {
    let offset = value.strip_prefix("${http_date").and_then(|rest| rest.strip_suffix("s}"));
    let seconds: Option<i64> = offset.and_then(|seconds| seconds.parse().ok());
    let Some(seconds) = seconds else { return value.to_owned() };
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds < 0 { now - distance } else { now + distance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::parse_yaml;

    #[track_caller]
    fn check(steps: &str, variation: Variation, expected: &str) {
        let steps: Vec<Step> = serde_json::from_value(parse_yaml(steps).unwrap()).unwrap();
        let script = Script::compile(&steps, variation).unwrap();
        let mut actual = String::new();
        for action in &script.actions {
            match action {
                Action::Write(bytes) => actual.push_str(&String::from_utf8_lossy(bytes)),
                other => actual.push_str(&format!("<{other:?}>")),
            }
        }
        let body = actual.split_once("\r\n\r\n").map_or(actual.as_str(), |(_, body)| body);
        assert_eq!(body, expected);
    }

    const TWO: &str = "[{send: ab}, {send: cd}]";

    #[test]
    fn each_step_is_a_chunk_and_the_end_is_implied() {
        check(TWO, Variation::default(), "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n");
    }

    #[test]
    fn an_ending_replaces_the_implied_one() {
        check("[{send: ab}, close]", Variation::default(), "2\r\nab\r\n<Close>");
        check("[{send: ab}, stall]", Variation::default(), "2\r\nab\r\n<Stall>");
        check("[{send: ab}, reset_connection]", Variation::default(), "2\r\nab\r\n<Reset>");
    }

    #[test]
    fn a_split_is_a_chunk_per_piece() {
        let variation = Variation { split: Some(1), ..Variation::default() };
        check("[{send: ab}]", variation, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    }

    #[test]
    fn a_cut_counts_the_bytes_of_the_whole_body() {
        let variation = Variation { split_at: Some(3), ..Variation::default() };
        check(TWO, variation, "2\r\nab\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\n");
    }

    #[test]
    fn a_truncation_drops_what_follows_and_ends_as_told() {
        let variation = Variation { truncate: Some(3), ending: Some(Word::Close), ..Variation::default() };
        check(TWO, variation, "2\r\nab\r\n1\r\nc\r\n<Close>");
        let variation = Variation { truncate: Some(0), ending: Some(Word::End), ..Variation::default() };
        check(TWO, variation, "0\r\n\r\n");
    }

    #[test]
    fn line_ends_apply_to_events() {
        let variation = Variation { line_end: LineEnd::Crlf, ..Variation::default() };
        check(
            "[{comment: a}, done]",
            variation,
            "7\r\n: a\r\n\r\n\r\n10\r\ndata: [DONE]\r\n\r\n\r\n0\r\n\r\n",
        );
    }

    #[test]
    fn json_has_a_length() {
        let steps: Vec<Step> = serde_json::from_value(parse_yaml("[{json: {a: 1}}]").unwrap()).unwrap();
        let script = Script::compile(&steps, Variation::default()).unwrap();
        assert_eq!(
            script.actions,
            [
                Action::Write(
                    b"HTTP/1.1 200 Scripted\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n"
                        .to_vec()
                ),
                Action::Write(b"{\"a\":1}".to_vec()),
            ]
        );
    }

    #[test]
    fn raw_bytes_get_no_head() {
        let steps: Vec<Step> = serde_json::from_value(parse_yaml("[{raw: x}, close]").unwrap()).unwrap();
        let script = Script::compile(&steps, Variation::default()).unwrap();
        assert_eq!(script.actions, [Action::Write(b"x".to_vec()), Action::Close]);
    }
}
