//! Keys as their operator and their holder meet them: from the command line to the bill, and never in a log.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Novai, command, start_with};

const OWN_KEY: &str = "operators-own-key-0123456789";
const CHAT: &str =
    r#"{"model": "paid", "max_tokens": 3, "messages": [{"role": "user", "content": "a-private-word"}]}"#;

/// One model that costs, and tokens that are taken.
const CONFIG: &str = r#"
[[providers]]
name = "simulator"
kind = "sim"
[[models]]
id = "paid"
provider = "simulator"
upstream_id = "novai-sim"
price = { input = "1000.00", output = "2000.00" }
[jwt]
issuer = "https://login.example"
audiences = ["novai"]
algorithms = ["HS256"]
secret_env = "JWT_SECRET"
[[tiers]]
name = "free"
[log]
to = "novai.log"
level = "trace"
"#;
const JWT_SECRET: &str = "a-shared-secret-of-32-bytes-0123456789";

fn start(dir: &Path) -> Novai {
    std::fs::write(dir.join("novai.toml"), CONFIG).unwrap();
    let environment = [("NOVAI_BOOTSTRAP_KEY", OWN_KEY), ("JWT_SECRET", JWT_SECRET)];
    start_with(dir, &["--config", "novai.toml"], &environment)
}

/// Runs `novai` beside the gateway: (did it succeed, stdout, stderr).
fn run(dir: &Path, novai: &Novai, key: &str, arguments: &[&str]) -> (bool, String, String) {
    let url = format!("http://{}/v1", novai.address);
    let mut command = command(dir, arguments);
    let ended = command.env("NOVAI_BASE_URL", url).env("NOVAI_API_KEY", key).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ended.status.success(), text(ended.stdout), text(ended.stderr))
}

fn run_json(dir: &Path, novai: &Novai, arguments: &[&str]) -> Value {
    let (is_ok, out, err) = run(dir, novai, OWN_KEY, &[arguments, &["--json"]].concat());
    assert!(is_ok, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

fn chat(novai: &Novai, key: &str) -> String {
    let headers = [&*format!("Authorization: Bearer {key}"), "Content-Type: application/json"];
    novai.send("POST", "/v1/chat/completions", &headers, CHAT).to_lowercase()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}")).to_owned()
}

#[test]
fn a_key_is_made_used_up_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let novai = start(dir.path());
    let made = run_json(dir.path(), &novai, &["keys", "create", "--name", "three", "--rpm", "3"]);
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    for remaining in ["2", "1", "0"] {
        let answer = chat(&novai, &key);
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(answer.contains(&format!("x-ratelimit-remaining-rpm: {remaining}\r\n")), "{answer}");
    }
    let refused = chat(&novai, &key);
    assert!(refused.starts_with("http/1.1 429") && refused.contains("rate_limit_exceeded"), "{refused}");
    let wait_ms = refused.split("retry-after-ms: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let wait_ms: u64 = wait_ms.unwrap().parse().unwrap();
    assert!((1..=60_999).contains(&wait_ms), "{wait_ms}");

    // The worst case of one call costs more than this.
    let poor = run_json(dir.path(), &novai, &["keys", "create", "--name", "poor", "--usd-per-day", "0.001"]);
    let refused = chat(&novai, &text(&poor, "key"));
    assert!(refused.contains("budget_exceeded") && refused.contains("0.001 usd per day"), "{refused}");

    let used = run_json(dir.path(), &novai, &["usage", "--group-by", "key"]);
    assert_eq!((used.as_array().unwrap().len(), &used[0]["key_id"]), (1, &Value::from(id.clone())));
    assert_eq!(used[0]["requests"], 3);
    assert!(text(&used[0], "cost_usd").starts_with("0.0"), "{used}");

    let (_, table, _) = run(dir.path(), &novai, OWN_KEY, &["keys", "list"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    let (is_ok, _, err) = run(dir.path(), &novai, &key, &["keys", "list"]);
    assert!(!is_ok && err.contains("permission_denied") && err.contains("`admin`"), "{err}");
    let rotated = run_json(dir.path(), &novai, &["keys", "rotate", &id]);
    assert!(chat(&novai, &key).contains("invalid_api_key"), "the old one");
    let (is_ok, out, _) = run(dir.path(), &novai, OWN_KEY, &["keys", "revoke", &id]);
    assert!(is_ok && out.contains("is revoked"), "{out}");
    assert!(chat(&novai, &text(&rotated, "key")).contains("invalid_api_key"), "the new one");
    novai.stop();
}

#[test]
fn no_key_and_no_token_is_ever_written() {
    let dir = tempfile::tempdir().unwrap();
    let novai = start(dir.path());
    let made = run_json(dir.path(), &novai, &["keys", "create", "--name", "quiet"]);
    let key = text(&made, "key");
    let rotated = run_json(dir.path(), &novai, &["keys", "rotate", &text(&made, "id")]);
    let new_key = text(&rotated, "key");
    let wrong_key = "sk-novai-WrongWrongWrongWrongWrong123456";
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQtc3ViamVjdCJ9.c2lnbmF0dXJlLW9mLW5vYm9keQ";
    let secrets = [&*key, &*new_key, wrong_key, token, OWN_KEY, JWT_SECRET];
    let json = "Content-Type: application/json";
    for secret in secrets {
        let bearer = format!("Authorization: Bearer {secret}");
        let own = format!("X-API-Key: {secret}");
        let basic = format!("Authorization: Basic {secret}");
        let cookie = format!("Cookie: key={secret}");
        let id = format!("X-Request-Id: {secret} ");
        // Everywhere that a key could be put, by mistake or not.
        let placed: [(&str, String, Vec<&str>, String); 9] = [
            ("POST", "/v1/chat/completions".to_owned(), vec![&bearer, json], CHAT.to_owned()),
            ("GET", "/v1/models".to_owned(), vec![&own], String::new()),
            ("GET", "/v1/models".to_owned(), vec![&bearer, &own], String::new()),
            ("GET", "/v1/models".to_owned(), vec![&basic, &cookie], String::new()),
            ("GET", format!("/v1/models?api_key={secret}"), vec![], String::new()),
            ("GET", format!("/v1/{secret}"), vec![], String::new()),
            ("GET", format!("/v1/models/{secret}"), vec![&bearer], String::new()),
            (
                "POST",
                "/v1/chat/completions".to_owned(),
                vec![&bearer, json],
                format!("{{\"model\": 7, {secret}"),
            ),
            ("GET", "/health".to_owned(), vec![&id, &bearer], String::new()),
        ];
        for (method, path, headers, body) in placed {
            let answer = novai.send(method, &path, &headers, &body);
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        }
    }
    let banner = novai.banner.clone();
    let stderr = novai.stop();
    let log = std::fs::read_to_string(dir.path().join("novai.log")).unwrap();
    assert!(log.lines().count() > 50, "the trace level is on: {} lines", log.lines().count());
    for secret in secrets {
        // A prefix is shown on purpose; what follows it is nobody's business.
        let hidden = secret.get(14..).unwrap();
        for (name, written) in [("log", &log), ("banner", &banner), ("stderr", &stderr)] {
            let leak = written.lines().find(|line| line.contains(hidden));
            assert!(leak.is_none(), "{name} has {hidden}: {leak:?}");
        }
    }
    assert!(!log.contains("a-private-word"), "nor what was said");
}
