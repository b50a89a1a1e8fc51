//! `/notices` and its posts, asked over HTTP.

use keyward::notices::plan::plan;
use time::Duration;
use uuid::Uuid;

use crate::{
    support::app::App,
    web::world::{A, world},
};

async fn page(app: &App, path: &str, actor: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    assert_eq!(answer.status(), 200, "{path} as {actor}");
    answer.text().await.unwrap()
}

/// Posts as an actor; the status and where it leads.
async fn post(app: &App, actor: &str, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let answer = app.post(path, world().await.person(actor), form).await;
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), to)
}

async fn one(app: &App, query: &'static str) -> i64 {
    let mut tx = app.state.db.begin(keyward::postgres::Scope::System).await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut *tx).await.unwrap()
}

/// `contract:ID:end:2027-06-30` of License ID A.
async fn end_of_a() -> String {
    format!("contract:{}:end:2027-06-30", world().await.planted.contracts[0])
}

#[tokio::test]
async fn what_comes_is_what_the_planner_sends_and_what_was_sent_early_isnt_sent_again() {
    let app = world().await.app().await;
    let about = format!("{}:180", end_of_a().await);
    let html = page(&app, "/notices", "administrator A").await;
    assert!(html.contains(&format!("License ID {A} ends on 30 June 2027")) && html.contains("1 Jan 2027"), "{html}");
    assert!(html.contains(&about));
    // In between only what the world holds already: one Administrator each.
    plan(&app.state.db).await.unwrap();
    let (status, to) = post(&app, "administrator A", "/notices/send", &[("about", &about)]).await;
    assert_eq!((status, to.as_str()), (303, "/notices?notice=sent"));
    let html = page(&app, "/notices", "administrator A").await;
    assert!(html.contains("3 notices aren’t read yet") && !html.contains(&about), "{html}");
    app.clock.turn(Duration::days(40));
    app.sign_in(world().await.person("administrator A").unwrap()).await;
    assert_eq!(plan(&app.state.db).await.unwrap(), 1, "administrator B’s alone");
    assert_eq!(post(&app, "administrator A", "/notices/send", &[("about", &about)]).await.1, "/notices?notice=known");
    app.done().await;
}

#[tokio::test]
async fn the_bell_counts_what_isnt_read_on_every_page() {
    let app = world().await.app().await;
    assert!(page(&app, "/products", "administrator A").await.contains("Notices, 1 unread"), "the comment");
    plan(&app.state.db).await.unwrap();
    let unread = "Notices, 2 unread";
    assert!(page(&app, "/products", "administrator A").await.contains(unread), "alone besides");
    assert!(page(&app, "/products", "keys reader A").await.contains("<span class=\"vh\">Notices</span>"));
    let id = one_of(&app, "administrator A").await;
    assert_eq!(post(&app, "administrator B", "/notices/read", &[("id", &id)]).await.0, 303);
    assert!(page(&app, "/products", "administrator A").await.contains(unread), "another can’t read it for them");
    post(&app, "administrator A", "/notices/read", &[("id", &id)]).await;
    assert!(page(&app, "/products", "administrator A").await.contains("Notices, 1 unread"));
    post(&app, "administrator A", "/notices/read", &[("id", "all")]).await;
    assert!(page(&app, "/notices", "administrator A").await.contains("All read"));
    app.done().await;
}

async fn one_of(app: &App, actor: &str) -> String {
    let mut tx = app.state.db.begin(keyward::postgres::Scope::System).await.unwrap();
    let id: Uuid = sqlx::query_scalar("SELECT notice_id FROM notice_recipients WHERE person_id = $1 LIMIT 1")
        .bind(world().await.person(actor))
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    id.to_string()
}

#[tokio::test]
async fn who_loses_the_license_id_loses_its_notices() {
    let app = world().await.app().await;
    plan(&app.state.db).await.unwrap();
    let person = world().await.person("administrator A").unwrap();
    let mut tx = app.state.db.begin(keyward::postgres::Scope::System).await.unwrap();
    sqlx::query("UPDATE grants SET revoked_at = app_now() WHERE person_id = $1")
        .bind(person)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, "/notices", "administrator A").await;
    assert!(html.contains("No notices yet") && !html.contains(A) && !html.contains("unread"), "{html}");
    app.done().await;
}

#[tokio::test]
async fn a_snooze_says_what_is_wrong_with_its_day() {
    let app = world().await.app().await;
    let name = end_of_a().await;
    for (until, sentence) in [
        ("soon", "This isn’t a date."),
        ("2026-11-22", "This day has passed."),
        ("2027-07-01", "This is after the date itself."),
    ] {
        let form = [("name", name.as_str()), ("until", until)];
        let answer = app.post("/notices/snooze", world().await.person("administrator A"), &form).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains(sentence), "{until}");
    }
    assert_eq!(
        post(&app, "administrator A", "/notices/snooze", &[("name", &name), ("until", "2027-02-10")]).await.0,
        303
    );
    let html = page(&app, "/notices", "administrator A").await;
    assert!(html.contains("snoozed until 10 Feb 2027") && !html.contains("1 Jan 2027"), "{html}");
    post(&app, "administrator A", "/notices/snooze", &[("name", &name)]).await;
    assert!(page(&app, "/notices", "administrator A").await.contains("1 Jan 2027"));
    app.done().await;
}

#[tokio::test]
async fn a_date_is_looked_after_by_somebody_who_administers_it() {
    let app = world().await.app().await;
    let contract = world().await.planted.contracts[0];
    let second = world().await.person("administrator B").unwrap();
    let name = end_of_a().await;
    let id = second.to_string();
    assert_eq!(post(&app, "administrator A", "/notices/owner", &[("name", &name), ("owner", &id)]).await.0, 404);
    app.grant(second, "administrator", contract).await;
    assert_eq!(post(&app, "administrator A", "/notices/owner", &[("name", &name), ("owner", &id)]).await.0, 303);
    let html = page(&app, "/notices", "administrator A").await;
    assert!(html.contains("administrator B looks after it"), "{html}");
    assert!(page(&app, "/notices", "administrator B").await.contains(&format!("{name}:180")));
    assert_eq!(post(&app, "administrator A", "/notices/owner", &[("name", &name), ("owner", "")]).await.0, 303);
    assert!(page(&app, "/notices", "administrator A").await.contains(&format!("{name}:180")));
    app.done().await;
}

#[tokio::test]
async fn ways_are_chosen_and_kept() {
    let app = world().await.app().await;
    let form = [("contract-end", "mail"), ("grant-end", "none")];
    assert_eq!(post(&app, "keys reader A", "/notices/settings", &form).await.0, 303);
    let html = page(&app, "/notices/settings", "keys reader A").await;
    assert_eq!(html.matches("<option value=\"mail\" selected>").count(), 1);
    assert_eq!(html.matches("<option value=\"none\" selected>").count(), 1);
    assert_eq!(html.matches("<option value=\"both\" selected>").count(), keyward::notices::Kind::ALL.len() - 2);
    assert_eq!(post(&app, "keys reader A", "/notices/settings", &[("grant-end", "pigeon")]).await.0, 400);
    assert!(!html.contains("Webhook"), "the outbox is the site operators’");
    app.done().await;
}

#[tokio::test]
async fn a_site_operator_sets_the_webhook_and_sees_its_secret() {
    let app = world().await.app().await;
    let operator = world().await.person("site operator");
    let answer = app.post("/notices/webhook", operator, &[("url", "ftp://x")]).await;
    assert_eq!(answer.status(), 422);
    let answer =
        app.post("/notices/webhook", operator, &[("url", "https://hooks.keyward.example/in?token=t0ken")]).await;
    assert_eq!(answer.status(), 200);
    let html = answer.text().await.unwrap();
    let secret = html.split("whsec_").nth(1).unwrap()[..64].to_owned();
    assert!(!page(&app, "/notices/settings", "site operator").await.contains(&secret), "shown when asked for");
    let again = app.post("/notices/webhook/secret", operator, &[]).await.text().await.unwrap();
    assert!(again.contains(&secret));
    assert_eq!(
        one(
            &app,
            "SELECT count(*) FROM audit_events WHERE action LIKE 'webhook.%' AND subject || detail::text LIKE '%t0ken%'"
        )
        .await,
        0,
        "an address may hold a token"
    );
    // Set anew: another secret.
    let html = app
        .post("/notices/webhook", operator, &[("url", "https://hooks.keyward.example/in")])
        .await
        .text()
        .await
        .unwrap();
    assert!(html.contains("whsec_") && !html.contains(&secret));
    assert_eq!(post(&app, "site operator", "/notices/webhook", &[("url", "")]).await.0, 303);
    assert_eq!(post(&app, "site operator", "/notices/webhook/secret", &[]).await.0, 404);
    // Who gave the password long ago is asked for it first.
    app.clock.turn(Duration::minutes(10));
    assert_eq!(
        post(&app, "site operator", "/notices/webhook", &[("url", "https://x.example/")]).await,
        (303, "/confirm".into())
    );
    app.done().await;
}

#[tokio::test]
async fn a_site_operator_sees_what_waits_and_tries_again() {
    let app = world().await.app().await;
    plan(&app.state.db).await.unwrap();
    let mut tx = app.state.db.begin(keyward::postgres::Scope::System).await.unwrap();
    sqlx::query(
        "UPDATE outbox SET outcome = 'refused', ended_at = app_now(), fault = '550 no such user' WHERE id = (SELECT id FROM outbox LIMIT 1)",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, "/notices/settings", "site operator").await;
    assert!(html.contains("550 no such user") && html.contains("Try again now"), "{html}");
    assert_eq!(post(&app, "administrator A", "/notices/retry", &[]).await.0, 403);
    assert_eq!(post(&app, "site operator", "/notices/retry", &[]).await.0, 303);
    assert_eq!(one(&app, "SELECT count(*) FROM outbox WHERE ended_at IS NULL AND retried_at IS NOT NULL").await, 1);
    app.done().await;
}
