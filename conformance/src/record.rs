//! Sends a fixed list of requests to a real upstream and writes its answers down as scenarios, byte for byte.
//!
//! What a recording proves is that both sides take a real server's bytes; behaviour under faults is written by hand.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use serde_json::{Value, json};

use crate::wire::http::{self, Answer, Leave};

/// A small model on a busy machine answers a short prompt well within this.
const PATIENCE: Duration = Duration::from_secs(120);

struct Recording {
    name: &'static str,
    why: &'static str,
    op: &'static str,
    params: Value,
}

fn recordings() -> Vec<Recording> {
    let user = |text: &str| json!([{ "role": "user", "content": text }]);
    let fixed = |extra: Value| {
        let mut params = json!({ "temperature": 0, "seed": 1, "max_tokens": 16 });
        crate::scenario::load::merge(&mut params, extra);
        params
    };
    vec![
        Recording {
            name: "text",
            why: "What a real server answers to a plain question reaches the caller unchanged.",
            op: "chat.create",
            params: fixed(json!({ "messages": user("Name three colours.") })),
        },
        Recording {
            name: "stream",
            why: "What a real server streams reaches the caller event for event.",
            op: "chat.stream",
            params: fixed(json!({ "messages": user("Name three colours.") })),
        },
        Recording {
            name: "stream-length",
            why: "A real server that stops at max_tokens says so, and nobody turns that into another reason.",
            op: "chat.stream",
            params: fixed(json!({ "messages": user("Count to one hundred."), "max_tokens": 3 })),
        },
        Recording {
            name: "stream-stop",
            why: "A stop sequence given as a list is understood by a real server.",
            op: "chat.stream",
            params: fixed(
                json!({ "messages": user("Count: one, two, three, four."), "stop": ["three", "four"] }),
            ),
        },
        Recording {
            name: "unicode",
            why: "Characters of several bytes survive, wherever a real server cuts its tokens.",
            op: "chat.stream",
            params: fixed(json!({ "messages": user("Repeat: 豆腐 €5 naïve 🙂"), "max_tokens": 24 })),
        },
        Recording {
            name: "system-prompt",
            why: "A system message and a conversation of several turns are accepted by a real server.",
            op: "chat.create",
            params: fixed(json!({ "messages": [
                { "role": "system", "content": "Answer with one word." },
                { "role": "user", "content": "Capital of France?" },
                { "role": "assistant", "content": "Paris" },
                { "role": "user", "content": "Of Italy?" },
            ] })),
        },
    ]
}

pub async fn record(upstream: &str, model: &str, out: &Path) -> Result<()> {
    let (address, base_path) = parse_url(upstream).await?;
    std::fs::create_dir_all(out)?;
    for recording in recordings() {
        let mut body = recording.params.clone();
        body["model"] = json!(model);
        if recording.op == "chat.stream" {
            body["stream"] = json!(true);
        }
        let body = body.to_string();
        let request = format!(
            "POST {base_path}/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = http::exchange(address, request.as_bytes(), Leave::default(), PATIENCE)
            .await
            .context(recording.name)?;
        ensure!(answer.status == 200, "{}: status {}", recording.name, answer.status);
        let path = out.join(format!("{}.yaml", recording.name));
        std::fs::write(&path, render(&recording, &answer))?;
        println!("{}: {} bytes", path.display(), answer.body.len());
    }
    Ok(())
}

async fn parse_url(url: &str) -> Result<(SocketAddr, String)> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!("an upstream to record from is http://host:port/path")
    };
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let address = tokio::net::lookup_host(&authority).await?.next().context("no address")?;
    let path = path.trim_end_matches('/');
    Ok((address, if path.is_empty() { String::new() } else { format!("/{path}") }))
}

/// Strings are written in JSON's quotes, which YAML reads alike and which keep every byte.
fn render(recording: &Recording, answer: &Answer) -> String {
    let mut text = format!(
        "# Recorded by `cargo xtask conformance --record`. Recorded again rather than edited.\n\
         name: recorded/{}\nwhy: {}\nrequest:\n  op: {}\n  params: {}\ncases:\n  - name: as-recorded\n    upstream:\n",
        recording.name,
        Value::from(recording.why),
        recording.op,
        recording.params,
    );
    if let Some(content_type) = answer.header("content-type") {
        let framing = if answer.is_event_stream() { "chunked" } else { "length" };
        let _ = writeln!(
            text,
            "      - respond: {{headers: {{content-type: {}}}, framing: {framing}}}",
            Value::from(content_type)
        );
    }
    match std::str::from_utf8(&answer.body) {
        Ok(body) => {
            // One step per event, so that a difference shows where it is.
            for piece in body.split_inclusive("\n\n") {
                let _ = writeln!(text, "      - send: {}", Value::from(piece));
            }
        }
        Err(_) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(&answer.body);
            let _ = writeln!(text, "      - send_base64: {encoded}");
        }
    }
    let expected = if answer.is_event_stream() { "events" } else { "result" };
    let _ = writeln!(text, "    expect: {{{expected}: as_sent}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load::parse_yaml;

    #[test]
    fn a_recording_keeps_every_byte() {
        let body = "data: {\"a\":\"é \\\"x\\\"\"}\n\ndata: [DONE]\n\n";
        let answer = Answer {
            status: 200,
            headers: vec![("Content-Type".into(), "text/event-stream; charset=utf-8".into())],
            body: body.as_bytes().to_vec(),
            complete: true,
            abandoned_at: None,
        };
        let text = render(&recordings()[1], &answer);
        let file = parse_yaml(&text).unwrap();
        let steps = file["cases"][0]["upstream"].as_array().unwrap();
        let sent: String = steps.iter().filter_map(|step| step["send"].as_str()).collect();
        assert_eq!(sent, body);
        assert_eq!(file["name"], "recorded/stream");
    }
}
