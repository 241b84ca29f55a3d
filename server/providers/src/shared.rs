//! For tests: data that lies beside the repository, at `../shared` (or `NOVAI_SHARED_DIR`). It is used where it is,
//! never copied here; tests that need it say so and pass without it.

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    match std::env::var_os("NOVAI_SHARED_DIR") {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

pub(crate) fn bytes(path: &str) -> Option<Vec<u8>> {
    if !root().is_dir() {
        println!("skipped: ../shared is absent");
        return None;
    }
    Some(std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

pub(crate) fn json(path: &str) -> Option<Value> {
    bytes(path).map(|bytes| serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{path}: {error}")))
}

/// Paths below `dir` that end in `suffix`, relative to the shared folder, sorted.
pub(crate) fn files(dir: &str, suffix: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root().join(dir)) else { return Vec::new() };
    let mut paths: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(suffix))
        .map(|name| format!("{dir}/{name}"))
        .collect();
    paths.sort();
    paths
}

/// Standard base64. A dozen lines here spare the crate a dependency.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("not base64: {other}"),
    };
    let (mut out, mut buffer, mut bits) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        buffer = buffer << 6 | u32::from(value(byte));
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xff) as u8);
        }
    }
    out
}
