//! `Idempotency-Key` across the life of a process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use support::{Novai, start};

const KEY: &str = "operators-own-key-0123456789";

fn chat(novai: &Novai, key: &str, stream: bool) -> (String, String) {
    let body = format!(
        r#"{{"model": "novai-sim", "stream": {stream}, "messages": [{{"role": "user", "content": "hi"}}]}}"#
    );
    let headers = [
        format!("Authorization: Bearer {KEY}"),
        "Content-Type: application/json".to_owned(),
        format!("Idempotency-Key: {key}"),
    ];
    let answer = novai.send("POST", "/v1/chat/completions", &headers.each_ref().map(|h| &**h), &body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    let body =
        if head.contains("transfer-encoding: chunked") { without_chunks(body) } else { body.to_owned() };
    (head, body)
}

fn without_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (length, more) = rest.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return body;
        }
        body += &more[..length];
        rest = &more[length + 2..];
    }
}

#[test]
fn a_restart_remembers_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let environment = [("NOVAI_BOOTSTRAP_KEY", KEY)];
    let mut answers = Vec::new();
    for restart in 0..3 {
        let novai = start(dir.path(), &environment);
        for (index, (key, stream)) in [("whole", false), ("streamed", true)].into_iter().enumerate() {
            let (head, body) = chat(&novai, key, stream);
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert_eq!(head.contains("idempotent-replayed: true"), restart > 0, "{head}");
            match restart {
                0 => answers.push(body),
                _ => assert_eq!(body, answers[index], "restart {restart}"),
            }
        }
        let (head, _) = chat(&novai, "whole", true);
        assert!(head.starts_with("http/1.1 409"), "{head}");
        novai.stop();
    }
}
