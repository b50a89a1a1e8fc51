//! Help and reference: public to whoever is signed in, and the two helpers cut to one's License IDs.

use keyward::postgres::Scope;

use super::world::{A, B, CANARY_A, CANARY_B, page, world};
use crate::support::app::App;

/// The world's two products are a MAK's; its contracts get what a wizard asks for.
async fn told() -> App {
    let app = world().await.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    for statement in [
        "UPDATE products SET name = 'Windows 11 Pro', slug = 'windows-11-pro' WHERE slug = 'alpha-suite'",
        "UPDATE products SET name = 'Windows 11 Enterprise', slug = 'windows-11-enterprise' WHERE slug = 'beta-suite'",
        "UPDATE contracts SET program = 'Open License', authorization_number = '64460732ZZE0543' WHERE license_id = '1111111'",
        "UPDATE contracts SET program = 'MPSA' WHERE license_id = '2222222'",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    app
}

#[tokio::test]
async fn whoever_is_signed_in_reads_the_reference_and_a_stranger_does_not() {
    let app = world().await.app().await;
    for path in ["/setup-keys", "/error-codes", "/error-codes/0xC004F038", "/guides", "/guides/kms-host"] {
        page(&app, path, "no grant").await;
        assert_eq!(app.get(path, None).await.status(), 303, "{path}");
    }
    for absent in ["/error-codes/0x00000000", "/error-codes/nonsense", "/guides/nonsense"] {
        assert_eq!(app.get(absent, world().await.person("no grant")).await.status(), 404, "{absent}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_code_has_one_address_however_it_is_written() {
    let app = world().await.app().await;
    let reader = world().await.person("no grant");
    for written in ["c004f038", "0xc004f038", "-1073418184", "0xC004CF038"] {
        let answer = app.get(&format!("/error-codes/{written}"), reader).await;
        assert_eq!(answer.status(), 303, "{written}");
        assert_eq!(answer.headers()["location"], "/error-codes/0xC004F038");
    }
    app.done().await;
}

/// SECURITY 8: no key in an address, nor on the page.
#[tokio::test]
async fn a_key_of_ones_own_typed_among_the_setup_keys_leaves_no_trace() {
    let app = world().await.app().await;
    let reader = world().await.person("keys reader A");
    for typed in [CANARY_A.to_owned(), CANARY_A.to_lowercase(), CANARY_A.replace('-', ""), CANARY_A.replace('-', "%20")]
    {
        let answer = app.get(&format!("/setup-keys?q={typed}&product=Office+2016"), reader).await;
        assert_eq!(answer.status(), 303, "{typed}");
        assert_eq!(answer.headers()["location"], "/setup-keys?product=Office+2016&unknown=1&last_five=AAAA7");
    }
    let answer = app.get(&format!("/setup-keys?q={}", &CANARY_A[..14]), reader).await;
    assert_eq!(answer.headers()["location"], "/setup-keys?unknown=1", "nor its beginning");
    app.done().await;
}

#[tokio::test]
async fn which_key_shows_keys_of_ones_own_license_ids_masked() {
    let app = told().await;
    let mine = "/products/which-key?edition=Windows+11+Pro&machines=4";
    let html = page(&app, mine, "keys reader A").await;
    assert!(html.contains("•••••-AAAA7") && html.contains("/products/windows-11-pro?tab=keys") && html.contains(A));
    assert!(html.contains("42 of 50"));
    let html = page(&app, mine, "position reader A").await;
    assert!(html.contains("•••••-AAAA7") && html.contains(&format!("/contracts/{A}?tab=keys")), "where he may read it");
    let html = page(&app, mine, "download manager A").await;
    assert!(!html.contains("AAAA7") && html.contains("You lack the role Product keys reader"));
    for actor in ["administrator B", "no grant", "revoked", "auditor", "site operator"] {
        let html = page(&app, mine, actor).await;
        assert!(!html.contains("AAAA7") && !html.contains(A) && html.contains("there is no MAK"), "{actor}");
    }
    app.done().await;
}

#[tokio::test]
async fn which_key_narrows_to_a_programme_and_offers_ones_own_products() {
    let app = told().await;
    let of = |program: &str| format!("/products/which-key?edition=Windows+11+Pro&machines=4&program={program}");
    assert!(page(&app, &of("Open+License"), "keys reader A").await.contains("AAAA7"));
    let html = page(&app, &of("Enterprise"), "keys reader A").await;
    assert!(!html.contains("AAAA7") && html.contains("bought under Enterprise"));
    let answer = app.get(&of("").replace("=4", "=x"), world().await.person("no grant")).await;
    assert_eq!(answer.status(), 422);
    app.done().await;
}

#[tokio::test]
async fn the_rds_helper_tells_the_number_or_that_it_is_missing() {
    let app = told().await;
    let html = page(&app, "/products/rds", "administrator A").await;
    assert!(html.contains("64460732ZZE0543") && html.contains("Authorization number") && !html.contains(B));
    let html = page(&app, "/products/rds", "administrator B").await;
    assert!(html.contains("Not recorded") && html.contains("Purchase account number") && !html.contains(A));
    let html = page(&app, "/products/rds", "download manager A").await;
    assert!(html.contains("64460732ZZE0543"), "contract details are for every role");
    assert!(page(&app, "/products/rds", "no grant").await.contains("You hold no role yet"));
    assert!(page(&app, "/products/rds?q=nothing", "administrator A").await.contains("No License ID matches"));
    for canary in [CANARY_A, CANARY_B] {
        assert!(!html.contains(canary));
    }
    app.done().await;
}
