//! Models, their sources and their failures, on a paused clock.

use std::time::Duration;

use super::*;
use crate::testing::FakeProvider;

fn ids(models: &[ModelInfo]) -> Vec<&str> {
    models.iter().map(|model| &*model.id).collect()
}

fn discovering(provider: &Arc<FakeProvider>) -> Catalog {
    let mut catalog = Catalog::new();
    catalog.add_discovery(Arc::clone(provider) as Arc<dyn Provider>, Pricing::Free);
    catalog
}

#[tokio::test(start_paused = true)]
async fn configured_names_win_and_keep_their_order() {
    let (a, b) = (FakeProvider::listing("a", &["x", "y"]), FakeProvider::listing("b", &["y", "z"]));
    let mut catalog = Catalog::new();
    catalog.add_discovery(Arc::clone(&a) as Arc<dyn Provider>, Pricing::Free);
    catalog.add_discovery(Arc::clone(&b) as Arc<dyn Provider>, Pricing::Free);
    catalog.add_model("z", Arc::clone(&a) as Arc<dyn Provider>, "inner-z", 7, Tariff::FREE).unwrap();
    catalog.add_model("alias", Arc::clone(&b) as Arc<dyn Provider>, "x", 7, Tariff::FREE).unwrap();
    assert_eq!(
        catalog.add_model("z", Arc::clone(&b) as Arc<dyn Provider>, "z", 7, Tariff::FREE),
        Err(ModelError::Duplicate("z".into()))
    );

    assert_eq!(ids(&catalog.list().await.unwrap()), ["z", "alias", "x", "y"]);
    for (model, provider, upstream_model) in
        [("z", "a", "inner-z"), ("alias", "b", "x"), ("x", "a", "x"), ("y", "a", "y")]
    {
        let route = catalog.resolve(model).await.unwrap();
        let [target] = route.targets() else { panic!("{model}") };
        assert_eq!((target.provider.name(), &*target.upstream_model), (provider, upstream_model), "{model}");
        assert_eq!(&*catalog.get(model).await.unwrap().id, model);
    }
    assert_eq!(catalog.get("z").await.unwrap().created, 7);
}

#[tokio::test(start_paused = true)]
async fn known_models_cost_no_look_up() {
    let provider = FakeProvider::listing("a", &["x"]);
    let catalog = discovering(&provider);
    for _ in 0..3 {
        catalog.resolve("x").await.unwrap();
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    assert_eq!(provider.listings_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_models_look_again_every_five_seconds() {
    let provider = FakeProvider::listing("a", &["x"]);
    let catalog = discovering(&provider);
    for (advance_s, asked) in [(0, 1), (0, 1), (4, 1), (1, 2), (4, 2), (1, 3)] {
        tokio::time::advance(Duration::from_secs(advance_s)).await;
        let error = catalog.resolve("new").await.err().unwrap();
        assert!(matches!(error, Error::ModelNotFound { .. }), "{error:?}");
        assert_eq!(provider.listings_asked(), asked);
    }
    provider.list(&["x", "new"]);
    tokio::time::advance(Duration::from_secs(5)).await;
    catalog.resolve("new").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn listings_are_fresh_within_a_minute() {
    let provider = FakeProvider::listing("a", &["x"]);
    let catalog = discovering(&provider);
    assert_eq!(ids(&catalog.list().await.unwrap()), ["x"]);
    provider.list(&["y"]);
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(ids(&catalog.list().await.unwrap()), ["x"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ids(&catalog.list().await.unwrap()), ["y"]);
}

#[tokio::test(start_paused = true)]
async fn many_askers_are_one_look_up() {
    let provider = FakeProvider::listing("a", &["x"]);
    provider.take_time(Duration::from_secs(1));
    let catalog = Arc::new(discovering(&provider));
    let askers: Vec<_> = (0..50)
        .map(|_| {
            let catalog = Arc::clone(&catalog);
            tokio::spawn(async move { catalog.resolve("x").await.is_ok() })
        })
        .collect();
    for asker in askers {
        assert!(asker.await.unwrap());
    }
    assert_eq!(provider.listings_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_asker_that_leaves_hands_the_look_up_on() {
    let provider = FakeProvider::listing("a", &["x"]);
    provider.take_time(Duration::from_secs(10));
    let catalog = Arc::new(discovering(&provider));
    let impatient = tokio::time::timeout(Duration::from_secs(1), catalog.resolve("x"));
    let patient = catalog.resolve("x");
    let (gone, served) = tokio::join!(impatient, patient);
    assert!(gone.is_err());
    assert!(served.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answered_is_not_a_missing_model() {
    let provider = FakeProvider::listing("a", &["x"]);
    provider.fail(true);
    let catalog = discovering(&provider);
    assert!(matches!(catalog.resolve("x").await, Err(Error::ProviderUnavailable { .. })));
    assert!(matches!(catalog.list().await, Err(Error::ProviderUnavailable { .. })));
    assert_eq!(provider.listings_asked(), 1, "not asked again at once");

    provider.fail(false);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(ids(&catalog.list().await.unwrap()), ["x"]);

    // Once known, models stay known.
    provider.fail(true);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(ids(&catalog.list().await.unwrap()), ["x"]);
    assert!(matches!(catalog.resolve("new").await, Err(Error::ModelNotFound { .. })));
}

#[tokio::test]
async fn nothing_configured_serves_nothing() {
    let catalog = Catalog::new();
    assert!(catalog.list().await.unwrap().is_empty());
    let long = "é".repeat(1000);
    match catalog.resolve(&long).await {
        Err(Error::ModelNotFound { model }) => assert_eq!(model.chars().count(), 257),
        _ => panic!("found"),
    }
}
