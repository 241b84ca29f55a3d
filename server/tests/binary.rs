//! The binary as operators meet it: flags, banner, keys, signals, exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

#[cfg(target_os = "linux")]
use support::process::Process;
use support::{command, start};

#[test]
fn the_first_start_shows_a_key_that_works_and_later_ones_show_none() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path(), &[]);
    assert!(first.banner.contains("only the simulator answers"), "{}", first.banner);
    let key = first.banner.split_whitespace().find(|word| word.starts_with("sk-novai-")).unwrap().to_owned();
    assert!(first.get("/v1/models", &key).contains("novai-sim"));
    assert!(first.get("/v1/models", "sk-novai-wrong").starts_with("HTTP/1.1 401"));
    let log = first.stop();
    assert!(!log.contains(&key), "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("novai::access")).count(), 2, "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }

    let second = start(dir.path(), &[]);
    assert!(!second.banner.contains("sk-novai-"), "{}", second.banner);
    assert!(second.get("/v1/models", &key).starts_with("HTTP/1.1 200"));
    second.stop();
}

#[test]
fn a_bootstrap_key_is_the_key_and_is_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let key = "operators-own-key-0123456789";
    let novai = start(dir.path(), &[("NOVAI_BOOTSTRAP_KEY", key), ("NOVAI_LOG", "debug")]);
    assert!(!novai.banner.contains(key) && !novai.banner.contains("sk-novai-"), "{}", novai.banner);
    assert!(novai.get("/v1/models", key).starts_with("HTTP/1.1 200"));
    assert!(!novai.stop().contains(key));
    assert!(!dir.path().join("data/keys.json").exists());
}

#[test]
fn a_signal_right_after_the_banner_ends_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        // Fails if the signal kills: then the process has no exit code.
        let log = start(dir.path(), &[]).stop();
        assert!(log.contains("stopped"), "{log}");
    }
}

#[test]
fn what_cannot_work_ends_the_start_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_address = taken.local_addr().unwrap().to_string();
    std::fs::write(dir.path().join("bad.toml"), "listn = 1\n[server]\nconnections_max = 0\n").unwrap();
    std::fs::create_dir(dir.path().join("damaged")).unwrap();
    std::fs::write(dir.path().join("damaged/keys.json"), "{").unwrap();
    let free = "127.0.0.1:0";
    // (arguments, what the message says)
    let cases: &[(&[&str], &[&str])] = &[
        (&["--config", "absent.toml"], &["cannot read the configuration file absent.toml"]),
        (
            &["--config", "bad.toml"],
            &["has 2 problems", "bad.toml:1: listn", "bad.toml:3: server.connections_max"],
        ),
        (&["--listen", "nowhere"], &["--listen: must be an address and a port"]),
        (&["--listen", &taken_address], &["cannot listen on", "another program"]),
        (&["--upstream", "ftp://x"], &["--upstream: must be an http(s) URL"]),
        (&["--listen", free, "--data-dir", "damaged"], &["damaged/keys.json is damaged", "restore it"]),
        (&["--listen", free, "--data-dir", "bad.toml"], &["bad.toml"]),
        (&["--nope"], &["unexpected argument '--nope'"]),
    ];
    for (arguments, expected) in cases {
        let ended = command(dir.path(), arguments).output().unwrap();
        let message = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success(), "{arguments:?}");
        for text in *expected {
            assert!(message.contains(text), "{arguments:?}: {message}");
        }
        assert!(!message.contains("panicked"), "{message}");
    }
}

#[test]
fn a_configuration_is_checked_for_people_and_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("good.toml"), "[limits.key]\nrpm = 3\n").unwrap();
    std::fs::write(dir.path().join("bad.toml"), "listn = 1\n[limits.key]\nrpm = \"many\"\n").unwrap();
    let check = |file: &str| {
        let ended = command(dir.path(), &["config", "check", "--json", "--config", file]).output().unwrap();
        let out: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(ended.status.success(), out["valid"] == true, "{out}");
        out
    };
    let good = check("good.toml");
    assert_eq!((good["file"].as_str(), good["problems"].as_array().unwrap().len()), (Some("good.toml"), 0));
    let bad = check("bad.toml");
    let problems = bad["problems"].as_array().unwrap();
    let text = |problem: &serde_json::Value, field: &str| problem[field].as_str().unwrap().to_owned();
    let mut places: Vec<_> = problems.iter().map(|one| (text(one, "place"), text(one, "key"))).collect();
    places.sort();
    let expected = [("bad.toml:1", "listn"), ("bad.toml:3", "limits.key.rpm")];
    assert_eq!(places, expected.map(|(place, key)| (place.to_owned(), key.to_owned())));
    for problem in problems {
        for field in ["rule", "fix"] {
            assert!(!text(problem, field).is_empty(), "{problem}");
        }
    }
    assert_eq!(check("absent.toml")["problems"].as_array().unwrap().len(), 1);
}

/// Largest memory the process ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_body_of_100_mb_costs_no_memory() {
    const MIB: usize = 1024 * 1024;
    let dir = tempfile::tempdir().unwrap();
    let key = "operators-own-key-0123456789";
    let novai = start(dir.path(), &[("NOVAI_BOOTSTRAP_KEY", key)]);
    // What the process loads at its first request is not the body's cost.
    let mut first = TcpStream::connect(&novai.address).unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    first.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    // (how the length is told, how much memory the answer may cost)
    let declared = format!("Content-Length: {}\r\n", 100 * MIB);
    let cases = [(declared.as_str(), 4 * 1024), ("Transfer-Encoding: chunked\r\n", 2 * 20 * 1024)];
    for (length, growth_max_kib) in cases {
        let before_kib = peak_kib(&novai.process);
        let mut socket = TcpStream::connect(&novai.address).unwrap();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nContent-Type: application/json\r\n{length}\r\n"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let chunk = [&b"100000\r\n"[..], &vec![b' '; MIB], b"\r\n"].concat();
        for _ in 0..100 {
            // Once it has answered, the gateway may stop listening.
            if socket.write_all(&chunk).is_err() {
                break;
            }
        }
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{length}");
        let growth_kib = peak_kib(&novai.process) - before_kib;
        assert!(growth_kib < growth_max_kib, "{length}: {growth_kib} KiB");
    }
}
