//! S000: parent and children may share one key, which is shown once, with all its places.

use crate::web::world::{CANARY_A, key, world};

#[tokio::test]
async fn s000_a_key_in_several_places_is_shown_once() {
    let world = world().await;
    let app = world.app().await;
    let [a, b] = world.planted.contracts;
    let product = app.product_of(world.planted.keys[0]).await;
    // The same key under the other License ID, and both in one person's sight.
    key(&app, b, product, CANARY_A).await;
    let reader = world.person("keys reader A").unwrap();
    app.grant(reader, "product-keys-reader", b).await;
    let html = app.get("/products/alpha-suite?tab=keys", Some(reader)).await.text().await.unwrap();
    assert_eq!(html.matches("data-key-text").count(), 1, "one key");
    assert!(html.contains("/contracts/1111111") && html.contains("/contracts/2222222"), "two places");
    assert_ne!(a, b);
    app.done().await;
}
