//! Orders: cut to roles that read them, searched, and what stands in place of an empty list.

use super::world::{A, B, world};
use crate::support::app::App;

async fn page(app: &App, path: &str, actor: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    assert_eq!(answer.status(), 200, "{path} as {actor}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn order_lines_are_shown_where_a_role_reads_them() {
    let app = world().await.app().await;
    for actor in ["position reader A", "administrator A"] {
        let html = page(&app, "/orders", actor).await;
        assert!(html.contains("A suite") && html.contains(A) && !html.contains(B), "{actor}");
        assert!(html.contains("1–1 of 1"), "{actor}");
    }
    app.done().await;
}

#[tokio::test]
async fn an_empty_list_says_which_of_its_reasons_it_has() {
    let app = world().await.app().await;
    for (path, actor, why) in [
        ("/orders", "no grant", "You hold no role yet"),
        ("/orders", "keys reader A", "None of your roles reads orders"),
        ("/orders?q=A+suite", "download manager A", "None of your roles reads orders"),
        ("/orders?q=nothing+like+it", "position reader A", "No order matches"),
        ("/orders?license_id=2222222", "position reader A", "No order matches"),
    ] {
        let html = page(&app, path, actor).await;
        assert!(html.contains(why), "{path} as {actor}");
        assert!(!html.contains("P1"), "{path} as {actor}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_search_looks_at_all_that_names_an_order_and_takes_signs_as_they_are() {
    let app = world().await.app().await;
    for q in ["suite", "p1", "r1", "c1", A, "RESELLER", "a%20suite"] {
        assert!(
            page(&app, &format!("/orders?q={q}&sort=-quantity"), "administrator A").await.contains("1–1 of 1"),
            "{q}"
        );
    }
    for q in ["%25", "_", "%00nothing", "Switzerland"] {
        assert!(page(&app, &format!("/orders?q={q}"), "administrator A").await.contains("No order matches"), "{q}");
    }
    app.done().await;
}

#[tokio::test]
async fn every_column_sorts() {
    let app = world().await.app().await;
    let columns = [
        "description",
        "quantity",
        "license_id",
        "ordered_on",
        "usage_start",
        "customer_number",
        "reseller",
        "country",
    ];
    for column in columns {
        for turn in ["", "-"] {
            let html = page(&app, &format!("/orders?sort={turn}{column}"), "administrator A").await;
            let sorted = if turn.is_empty() { "ascending" } else { "descending" };
            assert!(html.contains(&format!("aria-sort=\"{sorted}\"")), "{turn}{column}");
        }
    }
    app.done().await;
}
