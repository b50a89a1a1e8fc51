//! DOMAIN §1, Status: "Organization not approved" hides the License ID and blocks downloads, keys and user management.

use keyward::postgres::Scope;
use reqwest::{Method, StatusCode};

use crate::web::world::{A, CANARY_A, world};

#[tokio::test]
async fn organization_not_approved_hides_the_license_id_and_blocks_downloads_keys_and_user_management() {
    let world = world().await;
    let app = world.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE contracts SET status = 'Organization not approved' WHERE license_id = $1")
        .bind(A)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let contract = format!("/contracts/{A}");

    // Hidden from all but whoever administers it.
    for actor in ["keys reader A", "position reader A", "download manager A", "no grant", "administrator B"] {
        assert_eq!(app.get(&contract, world.person(actor)).await.status(), StatusCode::NOT_FOUND, "{actor}");
        assert!(
            !app.get("/contracts?expired=shown", world.person(actor)).await.text().await.unwrap().contains(A),
            "{actor}"
        );
    }
    let me = world.person("administrator A");
    let page = app.get(&format!("{contract}?tab=keys"), me).await.text().await.unwrap();
    assert!(page.contains("The vendor hasn’t approved the organisation of License ID 1111111"), "they see why");

    let (key, file) = (world.planted.keys[0], world.planted.downloads[0]);
    for (path, form, status) in [
        // keys
        (format!("/keys/{key}/reveal"), vec![], StatusCode::NOT_FOUND),
        (format!("/keys/{key}/copy"), vec![], StatusCode::NOT_FOUND),
        (format!("/keys/{key}/usable-from"), vec![("day", "")], StatusCode::NOT_FOUND),
        // downloads
        (format!("/downloads/{file}"), vec![], StatusCode::NOT_FOUND),
        (format!("/downloads/{file}/remove"), vec![], StatusCode::NOT_FOUND),
        // user management
        (format!("/people/grants/{}/revoke", world.planted.grants[0]), vec![], StatusCode::NOT_FOUND),
        (
            "/people/grants".to_owned(),
            vec![("email", "no.grant@keyward.example"), ("role", "product-keys-reader"), ("license_id", A)],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        assert_eq!(app.post(&path, me, &form).await.status(), status, "{path}");
    }
    let form = reqwest::multipart::Form::new().text("language", "English");
    let answer = app.request(Method::POST, "/products/alpha-suite/downloads", me).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let form = [("scope", "all"), ("format", "csv")];
    let export = app.post("/exports/keys", me, &form).await.text().await.unwrap();
    assert!(!export.contains(CANARY_A) && !export.contains(A), "{export}");

    // Once it is approved, all is as it was.
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE contracts SET status = 'Active' WHERE license_id = $1")
        .bind(A)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.get(&contract, world.person("keys reader A")).await.status(), StatusCode::OK);
    assert_eq!(app.post(&format!("/keys/{key}/copy"), me, &[]).await.status(), StatusCode::OK);
    app.done().await;
}
