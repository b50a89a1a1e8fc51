//! The audit page: cut to what one may read, filtered, and the check of the chain.

use sqlx::Connection;

use super::world::{A, B, world};
use crate::support::app::App;

async fn page(app: &App, path: &str, actor: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    assert_eq!(answer.status(), 200, "{path} as {actor}");
    answer.text().await.unwrap()
}

/// Each Administrator reveals the key of his License ID, and A's sends a form that is nobody's.
async fn history() -> App {
    let world = world().await;
    let app = world.app().await;
    for (at, actor) in ["administrator A", "administrator B"].into_iter().enumerate() {
        let reveal = format!("/keys/{}/reveal", world.planted.keys[at]);
        assert_eq!(app.post(&reveal, world.person(actor), &[]).await.status(), 200);
    }
    let elsewhere = format!("/keys/{}/reveal", world.planted.keys[1]);
    assert_eq!(app.post(&elsewhere, world.person("administrator A"), &[]).await.status(), 404);
    app
}

#[tokio::test]
async fn an_auditor_reads_all_and_an_administrator_what_is_on_his_license_ids() {
    let app = history().await;
    let html = page(&app, "/audit", "auditor").await;
    assert!(html.contains(A) && html.contains(B) && html.contains("1–3 of 3") && html.contains("Form sent"));
    assert!(html.contains("3 events in 3 chains"));
    let html = page(&app, "/audit", "administrator A").await;
    assert!(html.contains("Key revealed") && html.contains("1–1 of 1") && html.contains("1 event in 1 chain"));
    assert!(
        !html.contains(B) && !html.contains("<th scope=\"row\" class=\"lead-cell\">Form sent"),
        "his own elsewhere"
    );
    assert!(!html.contains("check=1"));
    assert!(page(&app, "/", "auditor").await.contains("events recorded"));
    assert!(page(&app, "/", "administrator A").await.contains("events on your License IDs"));
    app.done().await;
}

#[tokio::test]
async fn filters_narrow_and_a_date_that_is_none_is_left_out() {
    let app = history().await;
    for (query, found) in [
        (format!("license_id={A}"), 1),
        ("action=key.reveal".to_owned(), 2),
        ("person=ADMINISTRATOR.A".to_owned(), 2),
        ("from=2026-11-22&to=2026-11-22".to_owned(), 3),
        ("from=yesterday".to_owned(), 3),
        ("to=2026-11-21".to_owned(), 0),
        ("from=2026-11-23".to_owned(), 0),
        ("license_id=9999999".to_owned(), 0),
        ("action=no.such".to_owned(), 0),
    ] {
        let html = page(&app, &format!("/audit?{query}"), "auditor").await;
        let shown = if found == 0 { "No event matches".to_owned() } else { format!("1–{found} of {found}") };
        assert!(html.contains(&shown), "{query}");
    }
    assert!(page(&app, &format!("/audit?license_id={B}"), "administrator A").await.contains("No event matches"));
    assert!(!page(&app, "/audit?from=yesterday", "auditor").await.contains("yesterday"));
    app.done().await;
}

#[tokio::test]
async fn an_auditor_checks_the_chain_on_the_page() {
    let app = history().await;
    assert!(page(&app, "/audit", "auditor").await.contains("/audit?check=1"));
    assert!(page(&app, "/audit?check=1", "auditor").await.contains("The chain is whole: 3 events in 3 chains"));
    let html = page(&app, "/audit?check=1", "administrator A").await;
    assert!(html.contains("1 event in 1 chain of your License IDs"), "his part can't be checked");
    let mut owner = sqlx::PgConnection::connect_with(&app.database().owner).await.unwrap();
    sqlx::raw_sql("UPDATE audit_events SET subject = 'nothing' WHERE action = 'key.reveal'")
        .execute(&mut owner)
        .await
        .unwrap();
    let html = page(&app, "/audit?check=1", "auditor").await;
    assert!(html.contains("breaks at event 1") && (html.contains(A) || html.contains(B)), "by its License ID");
    app.done().await;
}
