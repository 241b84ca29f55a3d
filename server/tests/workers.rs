//! `novai serve` in front of `novai worker`, as operators start them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use support::process::Process;
use support::{Novai, command, start_with};

const KEY: &str = "operators-own-key-0123456789";

struct Worker {
    process: Process,
    url: String,
}

/// With the simulator, on a free port.
fn worker(dir: &Path) -> Worker {
    let mut process = Process::start(&mut command(dir, &["worker", "--listen", "127.0.0.1:0"]));
    let line = process.prints("http://");
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    Worker { process, url }
}

fn gateway(dir: &Path, workers: &[&Worker]) -> Novai {
    let urls: Vec<&str> = workers.iter().map(|worker| worker.url.as_str()).collect();
    let urls = urls.join(",");
    start_with(dir, &[], &[("NOVAI_BOOTSTRAP_KEY", KEY), ("NOVAI_INFERENCE_URL", &urls)])
}

fn body(model: &str, stream: bool) -> String {
    format!(r#"{{"model":"{model}","stream":{stream},"messages":[{{"role":"user","content":"Hi"}}]}}"#)
}

fn ask(novai: &Novai, model: &str, stream: bool) -> String {
    post(novai, "/v1/chat/completions", &body(model, stream))
}

fn post(novai: &Novai, path: &str, body: &str) -> String {
    let authorization = format!("Authorization: Bearer {KEY}");
    let headers = [authorization.as_str(), "Content-Type: application/json", "X-Request-Id: from-the-caller"];
    novai.send("POST", path, &headers, body)
}

#[test]
fn callers_do_not_see_the_hop() {
    let dir = tempfile::tempdir().unwrap();
    let worker = worker(dir.path());
    let novai = gateway(dir.path(), &[&worker]);
    assert!(novai.banner.contains(&format!("called by the workers at {}", worker.url)), "{}", novai.banner);
    assert!(novai.get("/v1/models", KEY).contains("novai-sim"));
    assert!(command(dir.path(), &["health", "--worker", &worker.url]).status().unwrap().success());
    let whole = ask(&novai, "novai-sim", false);
    assert!(whole.starts_with("HTTP/1.1 200") && whole.contains("\"finish_reason\":\"stop\""), "{whole}");
    let streamed = ask(&novai, "novai-sim", true);
    assert!(streamed.starts_with("HTTP/1.1 200") && streamed.contains("data: [DONE]"), "{streamed}");
    let vectors = post(&novai, "/v1/embeddings", r#"{"model":"novai-sim-embed","input":["a","b"]}"#);
    assert!(vectors.starts_with("HTTP/1.1 200") && vectors.contains("\"index\":1"), "{vectors}");
    for (model, status, code) in [
        ("novai-sim-error-429", "429", "rate_limit_exceeded"),
        ("novai-sim-error-401", "502", "provider_auth_failed"),
        ("novai-sim-error-400", "400", "error"),
        ("novai-sim-nobody-has-this", "404", "model_not_found"),
    ] {
        let refused = ask(&novai, model, false);
        assert!(refused.starts_with(&format!("HTTP/1.1 {status}")) && refused.contains(code), "{refused}");
    }
    novai.stop();
    let log = worker.process.stop();
    let calls: Vec<&str> = log.lines().filter(|line| line.contains("novai::call")).collect();
    assert!(calls.iter().all(|line| line.contains("\"request_id\":\"from-the-caller\"")), "{log}");
    assert!(calls.len() >= 5 && !log.contains("Hi"), "{log}");
}

#[test]
fn a_worker_killed_in_mid_stream_is_an_error_event_and_the_next_request_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let mut workers = [worker(dir.path()), worker(dir.path())];
    let novai = gateway(dir.path(), &[&workers[0], &workers[1]]);
    // Two streams that fall silent after two events: one on each worker.
    let mut open: Vec<BufReader<TcpStream>> = (0..2).map(|_| stalled(&novai)).collect();
    workers[0].process.kill();
    for _ in 0..5 {
        let answer = ask(&novai, "novai-sim", false);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    workers[1].process.kill();
    for stream in &mut open {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("\"code\":\"stream_broken\"") && !rest.contains("[DONE]"), "{rest}");
    }
    let refused = ask(&novai, "novai-sim", false);
    assert!(refused.starts_with("HTTP/1.1 502") && refused.contains("provider_unavailable"), "{refused}");
    novai.stop();
}

/// A stream of which two events have come, and no more will.
fn stalled(novai: &Novai) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(&novai.address).unwrap();
    let body = body("novai-sim-stall", true);
    write!(
        socket,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut socket = BufReader::new(socket);
    let mut events = 0;
    while events < 2 {
        let mut line = String::new();
        assert!(socket.read_line(&mut line).unwrap() > 0, "it ended too early");
        events += usize::from(line.starts_with("data: "));
    }
    socket
}

#[test]
fn what_cannot_work_ends_the_start_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.toml"), "[worker]\nlistne = 1\n[[providers]]\nname = \"x\"\n")
        .unwrap();
    std::fs::write(
        dir.path().join("tls.toml"),
        "[worker]\ncertificate_file = \"absent.pem\"\nkey_file = \"absent.pem\"\n",
    )
    .unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["worker", "--listen", "nowhere"], &["--listen: must be an address and a port"]),
        (
            &["worker", "--config", "bad.toml"],
            &["has 2 problems", "bad.toml:2: worker.listne", "bad.toml:3: providers[0].base_url"],
        ),
        (&["worker", "--listen", "127.0.0.1:0", "--config", "tls.toml"], &["cannot read absent.pem"]),
        (
            &["health", "--worker", "http://127.0.0.1:1"],
            &["the worker at http://127.0.0.1:1", "cannot be asked"],
        ),
        (&["serve", "--inference-url", "worker:9300"], &["--inference-url: must be a worker's URL"]),
    ];
    for (arguments, expected) in cases {
        let ended = command(dir.path(), arguments).output().unwrap();
        let message = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{arguments:?}");
        for text in *expected {
            assert!(message.contains(text), "{arguments:?}: {message}");
        }
    }
}
