//! Role assignments: who sees whom, who may give what, and what the page says.

use keyward::postgres::Scope;
use uuid::Uuid;

use super::world::{A, B, page, world};
use crate::support::app::App;

const GRANTS: &str = "/people/grants";

/// Sends the form; the status and the page, or where it leads.
async fn give(app: &App, actor: &str, email: &str, role: &str, license_id: &str, until: &str) -> (u16, String) {
    let form = [("email", email), ("role", role), ("license_id", license_id), ("until", until)];
    let answer = app.post(GRANTS, world().await.person(actor), &form).await;
    let status = answer.status().as_u16();
    let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (
        status,
        match location {
            Some(location) => location,
            None => answer.text().await.unwrap(),
        },
    )
}

async fn events_on(app: &App, contract: Uuid) -> Vec<(String, String)> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_as("SELECT action, subject FROM audit_events WHERE contract_id = $1 ORDER BY seq")
        .bind(contract)
        .fetch_all(&mut *tx)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_administrator_sees_who_holds_what_on_his_license_ids_and_an_operator_sees_all() {
    let app = world().await.app().await;
    let html = page(&app, "/people", "administrator A").await;
    for name in ["keys reader A", "position reader A", "download manager A"] {
        assert!(html.contains(name), "{name}");
    }
    for name in ["administrator B", "no grant", "auditor", "revoked", B] {
        assert!(!html.contains(name), "{name}");
    }
    assert!(html.contains("1 License ID has a single administrator"), "the disabled one doesn't count");
    let html = page(&app, "/people", "site operator").await;
    for name in ["administrator A", "administrator B", "no grant", "Auditor", "Disabled", A, B] {
        assert!(html.contains(name), "{name}");
    }
    assert!(!html.contains("/revoke"), "an operator takes nothing away");
    let html = page(&app, &format!("/people?license_id={B}&role=administrator"), "site operator").await;
    assert!(html.contains("administrator b@") || html.contains("administrator.b@"));
    assert!(!html.contains("administrator.a@") && html.contains("Role: Administrator"));
    assert!(page(&app, "/people?q=zzz", "administrator A").await.contains("Nobody matches"));
    app.done().await;
}

#[tokio::test]
async fn giving_and_taking_away_acts_at_once_and_is_on_the_license_ids_chain() {
    let world = world().await;
    let app = world.app().await;
    let [contract, _] = world.planted.contracts;
    let email = "no.grant@keyward.example";
    let (status, to) = give(&app, "administrator A", email, "product-keys-reader", A, "2026-12-31").await;
    assert_eq!(status, 303, "{to}");
    let html = page(&app, &to, "administrator A").await;
    assert!(html.contains(&format!("no grant is now Product keys reader on License ID {A} until 31 Dec 2026.")));
    assert!(page(&app, "/contracts", "no grant").await.contains(A), "from the next request on");

    let (_, to) = give(&app, "administrator A", email, "product-keys-reader", A, "2026-12-31").await;
    assert!(page(&app, &to, "administrator A").await.contains("already: nothing was changed"));

    let id = to.split("grant=").nth(1).unwrap().to_owned();
    let revoke = format!("/people/grants/{id}/revoke");
    let answer = app.post(&revoke, world.person("administrator A"), &[("q", "no")]).await;
    assert_eq!(answer.status(), 303);
    let to = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(to.contains("q=no"), "the list's filter is kept");
    assert!(page(&app, &to, "administrator A").await.contains("no grant is no longer Product keys reader"));
    assert!(!page(&app, "/contracts", "no grant").await.contains(A));

    let subject = format!("{email}: Product keys reader");
    let events = events_on(&app, contract).await;
    assert_eq!(events, [("grant.add".to_owned(), subject.clone()), ("grant.revoke".to_owned(), subject)]);
    app.done().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_said_at_its_field_and_the_input_is_kept() {
    let app = world().await.app().await;
    let known = "no.grant@keyward.example";
    let reader = "product-keys-reader";
    for (actor, email, role, license_id, until, why) in [
        ("administrator A", "who", reader, A, "", "This isn’t an email address"),
        ("administrator A", "who@keyward.example", reader, A, "", "Ask a site operator to make one"),
        ("administrator A", "disabled@keyward.example", reader, A, "", "This account is disabled"),
        ("administrator A", known, "root", A, "", "Choose one of the roles"),
        ("administrator A", known, reader, B, "", "You administer no License ID with this number"),
        ("administrator A", known, reader, "9999999", "", "You administer no License ID with this number"),
        ("administrator A", known, reader, A, "31.12.2026", "This isn’t a date"),
        ("administrator A", known, reader, A, "2026-11-21", "This day has passed"),
        ("site operator", "who@keyward.example", "administrator", A, "", "keyward user add"),
        ("site operator", known, "administrator", A, "", "It has an Administrator"),
        ("site operator", known, "administrator", "9999999", "", "There is no License ID with this number"),
    ] {
        let (status, html) = give(&app, actor, email, role, license_id, until).await;
        assert_eq!(status, 422, "{why}");
        assert_eq!(html.matches(why).count(), 2, "at the field and at the top: {why}");
        assert!(html.contains(&format!("value=\"{email}\"")), "{why}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_site_operator_names_an_administrator_where_there_is_none_and_never_himself() {
    let world = world().await;
    let app = world.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE people SET disabled_at = now() WHERE id = $1")
        .bind(world.person("administrator B"))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, "/people", "site operator").await;
    assert!(html.contains("1 License ID has no administrator"));
    let (status, html) = give(&app, "site operator", "site.operator@keyward.example", "administrator", B, "").await;
    assert_eq!(status, 422);
    assert!(html.contains("You can’t name yourself"));
    let (status, html) = give(&app, "site operator", "no.grant@keyward.example", "product-keys-reader", B, "").await;
    assert_eq!(status, 422);
    assert!(html.contains("As a site operator you name the Administrator"));
    let (status, to) = give(&app, "site operator", "no.grant@keyward.example", "administrator", B, "").await;
    assert_eq!(status, 303, "{to}");
    assert!(page(&app, &to, "site operator").await.contains("is now Administrator on License ID"));
    assert!(page(&app, "/contracts", "no grant").await.contains(B));
    app.done().await;
}

#[tokio::test]
async fn the_last_administrator_and_an_inherited_role_stay_with_a_reason() {
    let world = world().await;
    let app = world.app().await;
    let revoke = |id: Uuid| format!("/people/grants/{id}/revoke");
    let me = world.person("administrator A");
    let answer = app.post(&revoke(world.planted.grants[0]), me, &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("Hand over first"));

    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO grant_rules (id, person_id, role, covers, granted_at) VALUES (gen_random_uuid(), $1, 'administrator', 'all', now())")
        .bind(world.person("no grant"))
        .execute(&mut *tx)
        .await
        .unwrap();
    let inherited: Uuid = sqlx::query_scalar("SELECT id FROM grants WHERE rule_id IS NOT NULL AND contract_id = $1")
        .bind(world.planted.contracts[0])
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(page(&app, "/people", "administrator A").await.contains("through a role on all License IDs"));
    assert!(page(&app, "/people", "no grant").await.contains("2 License IDs"));
    let answer = app.post(&revoke(inherited), me, &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("that is where it ends"));

    // With a second Administrator there he may go; nothing is left for him on /people.
    let answer = app.post(&revoke(world.planted.grants[0]), me, &[]).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, "/"));
    assert_eq!(app.get("/people", me).await.status(), 403);
    app.done().await;
}
