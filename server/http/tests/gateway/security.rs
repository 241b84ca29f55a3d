//! The catalogue of attacks that lies beside a checkout, as far as it concerns these operations.

use std::path::PathBuf;

use tokio::net::TcpListener;

use crate::support::client::chat;
use crate::support::gateway::start;
use crate::support::{request, send};

pub fn catalogue() -> Option<Vec<serde_json::Value>> {
    let shared = std::env::var_os("NOVAI_SHARED_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(shared.join("cases/security_negative.json")).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn no_known_attack_crashes_the_gateway_or_makes_it_connect_anywhere() {
    let Some(cases) = catalogue() else {
        println!("skipped: ../shared is absent");
        return;
    };
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let canary_port = canary.local_addr().unwrap().port().to_string();
    let gateway = start().await;
    let mut tried = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let bodies: Vec<String> = match (&case["body"], case["raw_body"].as_str()) {
            (_, Some(raw)) => vec![raw.to_owned()],
            (serde_json::Value::Object(_), _) => {
                let text = case["body"].to_string().replace("CANARY", &format!("127.0.0.1:{canary_port}"));
                let text = text.replace("PORT", &canary_port);
                // The attacks have no message; with one, they reach further.
                let message = r#""messages":[{"role":"user","content":"hi"}]"#;
                let further =
                    text.replace(r#""messages":[]"#, message).replace(r#""model":"m""#, r#""model":"plain""#);
                vec![text, further]
            }
            _ => continue,
        };
        for body in bodies {
            let answer = send(gateway.address, &chat(&body)).await;
            assert!(answer.status < 500, "{id}: {} {}", answer.status, answer.body);
            if answer.status != 200 {
                assert!(answer.json()["error"]["message"].is_string(), "{id}: {}", answer.body);
            }
            for (name, value) in &answer.headers {
                assert!(!name.contains("injected") && !value.contains("Injected"), "{id}: {name}: {value}");
            }
            tried += 1;
        }
        if case["raw_body"].is_string() {
            let answer = send(gateway.address, &chat(case["raw_body"].as_str().unwrap())).await;
            assert!((400..500).contains(&answer.status), "{id}: {}", answer.status);
        }
    }
    assert!(tried > 30, "{tried}");
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, canary.accept()).await;
    assert!(nobody.is_err(), "the gateway connected to an address from a request");
    let written = gateway.stop().await.len();
    assert!(written >= tried, "one line each, and each is whole: {written}");
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_a_401() {
    let gateway = start().await;
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiJ9.";
    let zero = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let sql = "eyJraWQiOiInIE9SIDE9MSAtLSJ9.eyJzdWIiOiJhZG1pbiJ9.x";
    let long = "x".repeat(40_000);
    for token in [none, zero, sql, &format!("{none}garbage"), &long] {
        let header = format!("Authorization: Bearer {token}");
        let answer = send(gateway.address, &request("GET", "/v1/models", &[&header], "")).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_api_key"));
    }
    // Paths of other gateways' administration.
    for path in ["/key/generate", "/v1/key/generate", "/admin", "/admin/keys", "/metrics", "/v1/files/f"] {
        let answer = send(gateway.address, &request("POST", path, &[], "{}")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

/// Entries about rights, by how they begin: the file and the test that stand for each.
const RIGHTS: [(&str, &str, &str); 6] = [
    (
        "POST /key/generate allowed_routes",
        include_str!("keys.rs"),
        "what_a_key_may_do_is_asked_on_every_operation",
    ),
    ("read/delete another tenant", include_str!("keys.rs"), "a_tenants_admin_manages_that_tenants_keys"),
    (
        "admin endpoints with a virtual key",
        include_str!("keys.rs"),
        "what_a_key_may_do_is_asked_on_every_operation",
    ),
    (
        "health/readiness output contains no key",
        include_str!("answers.rs"),
        "probes_need_no_key_and_answer_at_the_root_too",
    ),
    ("CORS preflight from an unlisted", include_str!("cors.rs"), "only_listed_origins_may_read"),
    (
        "abort stream after first token",
        include_str!("../../../core/src/gateway/paying.rs"),
        "a_caller_who_leaves_at_any_event_pays_input_and_what_it_got",
    ),
];

#[test]
fn every_entry_about_rights_has_a_test() {
    let Some(cases) = catalogue() else {
        println!("skipped: ../shared is absent");
        return;
    };
    for action in cases.iter().filter_map(|case| case["action"].as_str()) {
        let found = RIGHTS.iter().find(|(begins, _, _)| action.starts_with(begins));
        let (_, file, test) =
            found.unwrap_or_else(|| panic!("a new entry: write a test and name it in RIGHTS: {action}"));
        assert!(file.contains(&format!("fn {test}(")), "{action}: its test `{test}` is gone");
    }
}
