use super::*;
use crate::principal::Scopes;

const BODY: &str = r#"{"model":"m","messages":[{"role":"user","content":"four score and seven years ago"}],"max_tokens":10}"#;

fn spec(rpm: Option<u64>, tpm: Option<u64>) -> Rule {
    let spec = LimitSpec { rpm, tpm, concurrent: None };
    Rule { spec, on_store_failure: OnStoreFailure::Share }
}

/// Counts words, for models that begin with "w".
struct Words;

impl TokenEstimator for Words {
    fn count(&self, model: &str, json: &str) -> Option<u64> {
        model.starts_with('w').then(|| json.split(' ').count() as u64)
    }
}

fn limits(policy: LimitPolicy) -> Limits {
    let store = super::super::MemoryStore::new(Arc::new(super::super::TokioClock::new()), 1000);
    Limits::new(policy, Arc::new(store), Arc::new(Words))
}

async fn admit(limits: &Limits, principal: &Principal, upstream_model: &str) -> Result<Permit, Refusal> {
    let request: novai_types::ChatCompletionRequest = serde_json::from_str(BODY).unwrap();
    let ask = Ask {
        principal,
        model: "m",
        upstream_model,
        output_tokens_max: None,
        request: (&request).into(),
        raw: BODY.as_bytes(),
    };
    limits.admit(ask).await
}

fn rejected_by(admission: Result<Permit, Refusal>) -> (ScopeKind, LimitKind) {
    match admission {
        Err(Refusal::Rejected(rejected)) => (rejected.scope.kind, rejected.kind),
        other => panic!("{other:?}"),
    }
}

fn principal(id: &str, tenant: Option<&str>) -> Principal {
    Principal { tenant: tenant.map(Arc::from), ..Principal::new(id, Scopes::all()) }
}

#[tokio::test(start_paused = true)]
async fn every_scope_has_its_own_window() {
    let policy = LimitPolicy {
        global: spec(Some(7), None),
        models: HashMap::from([(
            Arc::from("m"),
            ModelRule { rule: spec(Some(6), None), output_tokens: None },
        )]),
        tenants: HashMap::from([(Arc::from("big"), spec(Some(5), None))]),
        tenant_default: spec(Some(3), None),
        key_default: spec(Some(2), None),
        ..LimitPolicy::default()
    };
    let limits = limits(policy);
    let mut own = principal("own", None);
    own.limits.rpm = Some(1);
    let (one, two) = (principal("one", Some("small")), principal("two", Some("small")));
    let big = principal("big-1", Some("big"));

    for (caller, refused) in [
        (&own, None),
        (&own, Some(ScopeKind::Key)),
        (&one, None),
        (&one, None),
        (&one, Some(ScopeKind::Key)),
        (&two, None),
        (&two, Some(ScopeKind::Tenant)),
        (&big, None),
        (&big, None),
        (&principal("big-2", Some("big")), Some(ScopeKind::Model)),
    ] {
        match (admit(&limits, caller, "x").await, refused) {
            (Ok(_), None) => {}
            (admission, Some(kind)) => {
                assert_eq!(rejected_by(admission), (kind, LimitKind::Requests), "{}", caller.id);
            }
            (Err(refusal), None) => panic!("{}: {refusal:?}", caller.id),
        }
    }
    let seen = limits.peek(&own, None).await.requests.unwrap();
    assert_eq!((seen.scope, seen.limit, seen.remaining), (ScopeKind::Key, 1, 0));
    let seen = limits.peek(&principal("new", None), None).await.requests.unwrap();
    assert_eq!((seen.scope, seen.limit, seen.remaining), (ScopeKind::Global, 7, 1));
}

#[tokio::test(start_paused = true)]
async fn a_tokenizer_counts_only_where_the_bytes_do_not_fit() {
    let bytes = BODY.len() as u64 + 10;
    let words = BODY.split(' ').count() as u64 + 10;
    for (tpm, upstream_model, left) in [
        (bytes, "w", Some(0)),
        (bytes - 1, "w", Some(bytes - 1 - words)),
        (words - 1, "w", None),
        (bytes - 1, "unknown", None),
    ] {
        let limits = limits(LimitPolicy { key_default: spec(None, Some(tpm)), ..LimitPolicy::default() });
        let admission = admit(&limits, &principal("k", None), upstream_model).await;
        match left {
            Some(left) => {
                let snapshot = admission.unwrap().snapshot();
                assert_eq!(snapshot.tokens.unwrap().remaining, left, "tpm {tpm}");
            }
            None => assert_eq!(rejected_by(admission), (ScopeKind::Key, LimitKind::Tokens)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_limited_nothing_is_kept() {
    let limits = limits(LimitPolicy::default());
    let permit = admit(&limits, &principal("k", None), "x").await.unwrap();
    assert!(permit.snapshot().is_empty());
}
