//! The audit page: cut to what one may read, filtered, and the check of the chain.

use sqlx::Connection;

use super::world::{A, B, CANARY_A, page, world};
use crate::support::app::App;

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
        ("key=aaaa7".to_owned(), 1),
        ("key=BBBB8".to_owned(), 1),
        (format!("key=AAAA7&license_id={B}"), 0),
        ("key=ZZZZZ".to_owned(), 0),
        ("key=%25%25%25%25%25".to_owned(), 3),
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

/// A whole key pasted into the filter must not stay in an address.
#[tokio::test]
async fn a_whole_key_is_looked_for_by_its_end() {
    let app = history().await;
    let answer = app.get(&format!("/audit?key={CANARY_A}&person=a"), world().await.person("auditor")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/audit?person=a&key=AAAA7".parse().unwrap())
    );
    assert!(page(&app, "/audit?key=BBBB8", "administrator A").await.contains("No event matches"), "another's key");
    app.done().await;
}

async fn exported(app: &App, actor: &str, form: &[(&str, &str)]) -> String {
    let answer = app.post("/exports/audit", world().await.person(actor), form).await;
    assert_eq!(answer.status(), 200, "{form:?} as {actor}");
    answer.text().await.unwrap()
}

/// All that one may read and nothing else, oldest first; that it left is in the log before its first line.
#[tokio::test]
async fn the_log_is_exported_within_ones_scope_and_that_is_recorded() {
    let app = history().await;
    let lines = exported(&app, "auditor", &[("format", "jsonl")]).await;
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions.len(), 4, "{actions:?}");
    assert!(actions.contains(&"audit.export") && actions.contains(&"post"));
    assert!(events.iter().all(|event| event["link"].as_str().unwrap().len() == 64));
    let reveal = events.iter().find(|event| event["license_id"] == A).unwrap();
    assert_eq!(reveal["key_ids"][0], world().await.planted.keys[0].to_string());

    let csv = exported(&app, "administrator A", &[("format", "csv")]).await;
    assert_eq!(csv.lines().count(), 2, "the header and one event: {csv}");
    assert!(csv.contains(A) && !csv.contains(B) && csv.starts_with("\"at\",\"chain\""));
    let html = page(&app, "/audit?action=audit.export", "auditor").await;
    assert!(html.contains("Audit log exported") && html.contains("1–2 of 2"));
    app.done().await;
}

#[tokio::test]
async fn an_export_of_the_log_takes_the_filter_of_the_page() {
    let app = history().await;
    let filter = [("format", "jsonl"), ("key", "BBBB8"), ("action", "key.reveal"), ("page", "7")];
    let lines = exported(&app, "auditor", &filter).await;
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains(B) && !lines.contains(A));
    let of_another = exported(&app, "administrator A", &[("format", "jsonl"), ("license_id", B)]).await;
    assert_eq!(of_another, "", "nothing of another's");
    for (actor, form, status) in
        [("auditor", "xlsx", 400), ("keys reader A", "csv", 403), ("site operator", "csv", 403)]
    {
        let before = app.events().await;
        let answer = app.post("/exports/audit", world().await.person(actor), &[("format", form)]).await;
        assert_eq!(answer.status(), status, "{actor}");
        assert_eq!(app.events().await, before + 1, "refused and recorded: {actor}");
    }
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
