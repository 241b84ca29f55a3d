//! Keys as operators manage them and callers meet them, with the store that the gateway really has.

use std::net::SocketAddr;
use std::sync::Arc;

use novai_core::SystemClock;
use novai_stores::database::{Database, Location};
use novai_stores::keys::{Keys, chosen};
use serde_json::{Value, json};

use crate::support::client::{Answer, chat_to};
use crate::support::{GOOD_KEY, Running, Setup, request, send};

/// Far away, and no leap in sight.
const LATER_UNIX_S: u64 = 4_102_444_800;

struct Managed {
    gateway: Running,
    /// Holds the database.
    _dir: tempfile::TempDir,
}

async fn managed(has_admin_listener: bool) -> Managed {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(Location::in_dir(dir.path())).await.unwrap();
    // Stands for the operator's; without it the store would make a first key.
    let own = chosen("operators-own-key-0123456789".to_owned()).unwrap();
    let opened = Keys::open(database, dir.path(), Some(&own), Arc::new(SystemClock)).await.unwrap();
    let keys = Some(opened.keys);
    let gateway = Setup { keys, has_admin_listener, ..Setup::default() }.start().await;
    Managed { gateway, _dir: dir }
}

async fn call(address: SocketAddr, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let authorization = format!("Authorization: Bearer {key}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(address, &request(method, path, &[&authorization, "Content-Type: application/json"], body)).await
}

impl Managed {
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let address = self.gateway.admin_address.unwrap_or(self.gateway.address);
        call(address, method, path, "operators-own-key-0123456789", body).await
    }

    async fn create(&self, body: &Value) -> Value {
        let answer = self.admin("POST", "/v1/admin/keys", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    }

    async fn models(&self, key: &str) -> Answer {
        call(self.gateway.address, "GET", "/v1/models", key, &Value::Null).await
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} in {value}"))
}

fn nightly() -> Value {
    json!({
        "name": "nightly", "limits": {"rpm": 3, "concurrent": null}, "scopes": ["inference"],
        "budget": {"usd_per_day": "5.00", "usd_per_month": null}, "models": ["plain"],
        "expires_at": LATER_UNIX_S,
    })
}

/// How the gateway tells of it.
fn told(made: &Value) -> Value {
    json!({
        "id": made["id"], "object": "key", "name": "nightly", "prefix": made["prefix"], "tenant": null,
        "scopes": ["inference"], "models": ["plain"], "limits": {"rpm": 3}, "budget": {"usd_per_day": "5"},
        "created_at": made["created_at"], "expires_at": LATER_UNIX_S, "last_used_at": null,
    })
}

#[tokio::test]
async fn a_key_is_shown_once_and_may_do_what_it_was_made_for() {
    let managed = managed(false).await;
    let made = managed.admin("POST", "/v1/admin/keys", &nightly()).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    let made = made.json();
    let (key, path) = (text(&made, "key"), format!("/v1/admin/keys/{}", text(&made, "id")));
    assert!(key.starts_with(text(&made, "prefix")) && key.len() > 35, "{made}");
    let mut expected = told(&made);
    assert_eq!(managed.admin("GET", &path, &Value::Null).await.json(), expected);

    // It may use its model, and learns of no other.
    let listed = managed.models(key).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    let other = String::from_utf8(chat_to("empty", false)).unwrap().replace(GOOD_KEY, key);
    let answer = send(managed.gateway.address, other.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "model_not_found"));
    let used = managed.admin("GET", &path, &Value::Null).await.json();
    expected["last_used_at"] = used["last_used_at"].clone();
    assert!(expected["last_used_at"].is_u64() && used == expected, "{used}");
    let bytes =
        format!("GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {key}\r\n\r\n");
    assert_eq!(send(managed.gateway.address, bytes.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn what_is_named_is_replaced_whole_and_null_removes() {
    let managed = managed(false).await;
    let made = managed.create(&nightly()).await;
    let path = format!("/v1/admin/keys/{}", text(&made, "id"));
    let mut expected = told(&made);
    let change = json!({"name": "daily", "limits": {"tpm": 9}, "models": null, "expires_at": null});
    let changed = managed.admin("PATCH", &path, &change).await;
    for (field, value) in change.as_object().unwrap() {
        expected[field] = value.clone();
    }
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    let models = managed.models(text(&made, "key")).await.json();
    assert!(models["data"].as_array().unwrap().len() > 1, "all of them: {models}");
    expected["last_used_at"] = managed.admin("GET", &path, &Value::Null).await.json()["last_used_at"].clone();
    assert_eq!(managed.admin("PATCH", &path, &json!({})).await.json(), expected);
}

#[tokio::test]
async fn replaced_and_deleted_keys_are_refused_at_once() {
    let managed = managed(false).await;
    let made = managed.create(&nightly()).await;
    let path = format!("/v1/admin/keys/{}", text(&made, "id"));
    let rotated = managed.admin("POST", &format!("{path}/rotate"), &Value::Null).await;
    assert_eq!((rotated.status, rotated.header("cache-control")), (200, Some("no-store")));
    let rotated = rotated.json();
    assert_eq!(rotated["id"], made["id"]);
    assert_eq!(managed.models(text(&made, "key")).await.code(), "invalid_api_key");
    assert_eq!(managed.models(text(&rotated, "key")).await.status, 200);

    let deleted = managed.admin("DELETE", &path, &Value::Null).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(managed.models(text(&rotated, "key")).await.code(), "invalid_api_key");
    for method in ["GET", "DELETE"] {
        let gone = managed.admin(method, &path, &Value::Null).await;
        assert_eq!((gone.status, gone.code().as_str()), (404, "not_found"), "{method}");
    }
}

#[tokio::test]
async fn what_a_key_may_do_is_asked_on_every_operation() {
    let managed = managed(false).await;
    let key_with = async |scopes: Value| {
        text(&managed.create(&json!({"name": "x", "scopes": scopes})).await, "key").to_owned()
    };
    let plain = text(&managed.create(&json!({"name": "plain"})).await, "key").to_owned();
    let (usage, admin) = (key_with(json!(["usage"])).await, key_with(json!(["admin"])).await);
    let own_path = "/v1/admin/keys/key_000000000000";
    // (key, method, path, status)
    let cases = [
        (&plain, "GET", "/v1/models", 200),
        (&usage, "GET", "/v1/models", 403),
        (&admin, "GET", "/v1/models", 403),
        (&admin, "POST", "/v1/chat/completions", 403),
        (&admin, "GET", "/v1/admin/keys", 200),
        (&admin, "GET", own_path, 404),
        (&plain, "GET", "/v1/admin/keys", 403),
        (&plain, "POST", "/v1/admin/keys", 403),
        (&usage, "POST", "/v1/admin/keys", 403),
        (&plain, "GET", own_path, 403),
        (&plain, "PATCH", own_path, 403),
        (&plain, "DELETE", own_path, 403),
        (&plain, "POST", "/v1/admin/keys/key_000000000000/rotate", 403),
        (&usage, "GET", "/v1/health", 200),
    ];
    for (key, method, path, status) in cases {
        let answer = call(managed.gateway.address, method, path, key, &json!({"name": "x"})).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        if status == 403 {
            assert_eq!(answer.code(), "permission_denied");
            assert_eq!(answer.header("www-authenticate"), None);
        }
    }
    // A right that one does not have cannot be asked for.
    let answer = call(
        managed.gateway.address,
        "POST",
        "/v1/admin/keys",
        &plain,
        &json!({"name": "more", "scopes": ["admin"]}),
    )
    .await;
    assert_eq!(answer.status, 403);
    // No key at all, and a key in the URL.
    for path in ["/v1/admin/keys", &format!("/v1/admin/keys?api_key={admin}&key={admin}")] {
        let bytes = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = send(managed.gateway.address, bytes.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "missing_api_key"));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    let log = managed.gateway.log.text();
    for key in [&plain, &usage, &admin] {
        assert!(!log.contains(key.as_str()) && !log.contains(&key[13..]), "no key is logged");
    }
}

#[tokio::test]
async fn a_tenants_admin_manages_that_tenants_keys() {
    let managed = managed(false).await;
    let admin_of = async |tenant: &str| {
        let made = managed.create(&json!({"name": tenant, "tenant": tenant, "scopes": ["admin"]})).await;
        (text(&made, "id").to_owned(), text(&made, "key").to_owned())
    };
    let (ours, our_key) = admin_of("acme").await;
    let (theirs, _) = admin_of("other").await;
    let address = managed.gateway.address;
    let listed = call(address, "GET", "/v1/admin/keys", &our_key, &Value::Null).await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|key| text(key, "id")).collect();
    assert_eq!(ids, [ours]);
    let path = format!("/v1/admin/keys/{theirs}");
    for (method, path) in [
        ("GET", path.clone()),
        ("PATCH", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/rotate")),
    ] {
        let answer = call(address, method, &path, &our_key, &json!({"name": "mine"})).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{method}");
    }
    assert_eq!(managed.admin("GET", &path, &Value::Null).await.json()["name"], "other");
    let own = call(address, "POST", "/v1/admin/keys", &our_key, &json!({"name": "new"})).await;
    assert_eq!((own.status, own.json()["tenant"].as_str()), (201, Some("acme")));
    let foreign = json!({"name": "new", "tenant": "other"});
    let refused = call(address, "POST", "/v1/admin/keys", &our_key, &foreign).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].as_str()), (403, Some("tenant")));
}

#[tokio::test]
async fn bad_input_is_named() {
    let managed = managed(false).await;
    let id = text(&managed.create(&json!({"name": "x"})).await, "id").to_owned();
    let create = |body: Value| ("POST", "/v1/admin/keys".to_owned(), body);
    let list = |query: &str| ("GET", format!("/v1/admin/keys?{query}"), Value::Null);
    let update = |body: Value| ("PATCH", format!("/v1/admin/keys/{id}"), body);
    // (request, param, what the message says)
    let cases = [
        (create(json!({})), "name", "is required"),
        (create(json!({"name": ""})), "name", "must not be empty"),
        (create(json!({"name": "x", "limits": {"rpm": 0}})), "limits.rpm", "at least 1"),
        (create(json!({"name": "x", "limits": {"rpm": "3"}})), "limits.rpm", "whole number"),
        (create(json!({"name": "x", "limits": {"rmp": 3}})), "limits.rmp", "not a known field"),
        (create(json!({"name": "x", "budget": {"usd_per_day": 5}})), "budget.usd_per_day", "string"),
        (create(json!({"name": "x", "budget": {"usd_per_day": "-5"}})), "budget.usd_per_day", "must match"),
        (create(json!({"name": "x", "budget": {"usd_per_day": "1e3"}})), "budget.usd_per_day", "must match"),
        (create(json!({"name": "x", "models": []})), "models", "must not be empty"),
        (create(json!({"name": "x", "models": ["a\r\nb"]})), "models[0]", "must match"),
        (create(json!({"name": "x", "scopes": ["root"]})), "scopes[0]", "`inference`, `usage`, `admin`"),
        (create(json!({"name": "x", "scopes": ["usage", "usage"]})), "scopes", "no item twice"),
        (create(json!({"name": "x", "expires_at": 1_700_000_000})), "expires_at", "in the future"),
        (create(json!({"name": "x", "expires_at": "tomorrow"})), "expires_at", "whole number"),
        (create(json!({"name": "x", "expire_at": 1})), "expire_at", "not a known field"),
        (create(json!({"name": "x", "tenant": "a b"})), "tenant", "must match"),
        (list("limit=0"), "limit", "at least 1, but is 0"),
        (list("limit=1001"), "limit", "at most 1000, but is 1001"),
        (list("limit=ten"), "limit", "whole number, but is `ten`"),
        (list("limit=1&limit=2"), "limit", "must appear once"),
        (list("after="), "after", "must not be empty"),
        (list("after=key_1"), "after", "next_cursor"),
        (update(json!({"models": []})), "models", "must not be empty"),
        (update(json!({"expires_at": 5})), "expires_at", "in the future"),
        (update(json!({"tenant": "other"})), "tenant", "not a known field"),
        (("GET", "/v1/admin/keys/a%20b".to_owned(), Value::Null), "id", "must match"),
        (("GET", format!("/v1/admin/keys/{}", "x".repeat(257)), Value::Null), "id", "at most 256 characters"),
    ];
    for ((method, path, body), param, message) in cases {
        let answer = managed.admin(method, &path, &body).await;
        let error = answer.json()["error"].clone();
        let place = format!("{method} {path} {body}");
        assert_eq!((answer.status, error["code"].as_str()), (400, Some("invalid_request")), "{place}");
        assert_eq!(error["param"].as_str(), Some(param), "{place}: {error}");
        assert!(text(&error, "message").contains(message), "{place}: {error}");
    }
}

#[tokio::test]
async fn lists_are_paged() {
    let managed = managed(false).await;
    for number in 0..5 {
        managed.create(&json!({"name": number.to_string()})).await;
    }
    let mut names = Vec::new();
    let mut path = "/v1/admin/keys?limit=2".to_owned();
    loop {
        let page = managed.admin("GET", &path, &Value::Null).await.json();
        assert_eq!(page["object"], "list");
        names.extend(page["data"].as_array().unwrap().iter().map(|key| text(key, "name").to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/admin/keys?limit=2&after={cursor}"),
            None => break assert_eq!(page["has_more"], false),
        }
    }
    names.sort();
    assert_eq!(names, ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn key_management_can_have_a_listener_of_its_own() {
    let managed = managed(true).await;
    let admin = managed.gateway.admin_address.unwrap();
    let public = managed.gateway.address;
    assert_eq!(managed.admin("GET", "/v1/admin/keys", &Value::Null).await.status, 200);
    // (where, method, path, status)
    let cases = [
        (public, "GET", "/v1/admin/keys", 404),
        (public, "DELETE", "/v1/admin/keys/key_1", 404),
        (public, "OPTIONS", "/v1/admin/keys", 404),
        (public, "PUT", "/v1/admin/keys", 404),
        (public, "GET", "/v1/models", 200),
        (admin, "GET", "/v1/models", 404),
        (admin, "POST", "/v1/chat/completions", 404),
        (admin, "PUT", "/v1/admin/keys", 405),
        (admin, "GET", "/health", 200),
        (admin, "GET", "/v1/ready", 200),
        (public, "GET", "/ready", 200),
    ];
    for (address, method, path, status) in cases {
        let answer = send(address, &request(method, path, &[], "")).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}
