//! Lists that come page by page, through the generated methods.

use futures_core::Stream;
use serde_json::{Value, json};

use super::client;
use super::scripted::{self, Server};
use crate::resources::{ListKeysParams, RetrieveUsageParams};
use crate::types::{Key, UsageGrouping};
use crate::{Error, Items};

fn key(id: &str) -> Value {
    json!({
        "id": id, "object": "key", "name": id, "prefix": "sk", "tenant": null, "scopes": [], "models": null, "limits": {},
        "budget": {}, "created_at": 1, "expires_at": null, "last_used_at": null,
    })
}

fn page(ids: &[&str], has_more: bool, next_cursor: Value) -> scripted::Script {
    let data: Vec<Value> = ids.iter().map(|id| key(id)).collect();
    let page = json!({"object": "list", "data": data, "has_more": has_more, "next_cursor": next_cursor});
    scripted::json(&page.to_string())
}

/// Ids of the items, and the error that ended them.
async fn read(mut items: Items<Key>) -> (Vec<String>, Option<Error>) {
    let mut ids = Vec::new();
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => ids.push(item.id),
            Err(error) => {
                assert!(items.next().await.is_none(), "nothing follows an error");
                return (ids, Some(error));
            }
        }
    }
    (ids, None)
}

fn paths(server: &Server) -> Vec<String> {
    let requests = server.requests();
    requests.iter().map(|seen| seen.head.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn items_of_all_pages() {
    let pages = vec![
        page(&["a", "b"], true, json!("c1")),
        page(&["c"], true, json!("c2")),
        page(&["d"], false, Value::Null),
    ];
    let server = Server::start(pages).await;
    let (ids, error) =
        read(client(&server).admin().keys().list_all(ListKeysParams::default().limit(2))).await;
    assert_eq!(ids, ["a", "b", "c", "d"]);
    assert!(error.is_none(), "{error:?}");
    let expected =
        ["/v1/admin/keys?limit=2", "/v1/admin/keys?after=c1&limit=2", "/v1/admin/keys?after=c2&limit=2"];
    assert_eq!(paths(&server), expected);
}

#[tokio::test]
async fn a_list_begins_where_it_is_told_and_other_parameters_stay() {
    let row = json!({
        "object": "usage.row", "day": null, "model": "m", "key_id": null, "requests": 1, "prompt_tokens": 1, "cached_tokens": 0,
        "completion_tokens": 1, "reasoning_tokens": 0, "cost_usd": "0.1",
    });
    let first = json!({"object": "list", "data": [row], "has_more": true, "next_cursor": "c2"});
    let last = json!({"object": "list", "data": [row], "has_more": false, "next_cursor": null});
    let server =
        Server::start(vec![scripted::json(&first.to_string()), scripted::json(&last.to_string())]).await;
    let params = RetrieveUsageParams::default().group_by(UsageGrouping::Model).after("c1".to_owned());
    let mut rows = client(&server).usage().retrieve_all(params);
    while let Some(row) = rows.next().await {
        row.unwrap();
    }
    assert_eq!(paths(&server), ["/v1/usage?after=c1&group_by=model", "/v1/usage?after=c2&group_by=model"]);
}

#[tokio::test]
async fn lists_that_end() {
    for last in [
        page(&[], true, json!("c1")),
        page(&["a"], false, json!("c1")),
        page(&["a"], true, Value::Null),
        page(&["a"], true, json!("")),
    ] {
        let server = Server::start(vec![last]).await;
        let (_, error) = read(client(&server).admin().keys().list_all(ListKeysParams::default())).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_page_that_fails_ends_the_list() {
    let refused =
        scripted::reply("403 Forbidden", "", r#"{"error":{"message":"no","code":"permission_denied"}}"#);
    let server = Server::start(vec![page(&["a"], true, json!("c1")), refused]).await;
    let (ids, error) = read(client(&server).admin().keys().list_all(ListKeysParams::default())).await;
    assert_eq!(ids, ["a"]);
    assert!(matches!(error, Some(Error::PermissionDenied(_))), "{error:?}");
}

#[tokio::test]
async fn nothing_is_asked_before_it_is_wanted() {
    let server = Server::start(vec![page(&["a"], true, json!("c1"))]).await;
    let mut items = client(&server).admin().keys().list_all(ListKeysParams::default());
    assert_eq!(server.requests().len(), 0);
    items.next().await.unwrap().unwrap();
    assert_eq!(server.requests().len(), 1);
}

/// What `tokio::spawn` and `StreamExt` ask for.
#[test]
fn items_are_a_stream_that_may_be_sent() {
    fn check<T: Stream + Send + Unpin>() {}
    check::<Items<Key>>();
}
