//! Rules over HTTP: License IDs to come in the wizard, on a person's page, in a hand-over; and who is refused.

use keyward::postgres::Scope;
use uuid::Uuid;

use super::world::{A, World, page, send, world};
use crate::support::app::App;

const NEW: &str = "no.grant@keyward.example";
const GIVER: &str = "administrator A";

/// What stands between `lead` and the next quote.
fn quoted(html: &str, lead: &str) -> String {
    let from = html.find(lead).unwrap_or_else(|| panic!("no {lead} in {html}")) + lead.len();
    html[from..].split('"').next().unwrap().to_owned()
}

async fn holder(app: &App, world: &World) -> Uuid {
    scalar(app, "SELECT organization_id FROM contracts WHERE id = $1", world.planted.contracts[0]).await
}

async fn scalar(app: &App, statement: &'static str, id: Uuid) -> Uuid {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar(statement).bind(id).fetch_one(&mut *tx).await.unwrap()
}

async fn run(app: &App, statement: &'static str, id: Uuid) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Rules in force of somebody, by role.
async fn rules(app: &App, person: Uuid) -> Vec<String> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar("SELECT role FROM grant_rules WHERE person_id = $1 AND revoked_at IS NULL ORDER BY 1")
        .bind(person)
        .fetch_all(&mut *tx)
        .await
        .unwrap()
}

/// The world where administrator A administers the whole organisation by a rule.
async fn ruled() -> (App, &'static World, Uuid) {
    let world = world().await;
    let app = world.app().await;
    let organization = holder(&app, world).await;
    let statement = "INSERT INTO grant_rules (id, person_id, role, covers, organization_id, granted_at)
        SELECT gen_random_uuid(), p.id, 'administrator', 'organization', $1, now() FROM people p WHERE p.name = 'administrator A'";
    run(&app, statement, organization).await;
    (app, world, organization)
}

#[tokio::test]
async fn who_holds_a_rule_passes_it_on_with_license_ids_to_come() {
    let (app, world, organization) = ruled().await;
    let new = world.person("no grant").unwrap();
    let html = page(&app, &format!("/people/give?step=license-ids&emails={NEW}"), GIVER).await;
    assert!(html.contains(&format!("value=\"organization:{organization}\"")), "{html}");
    assert!(!html.contains("value=\"all\""), "not everything");
    let check =
        format!("/people/give?step=check&emails={NEW}&rule=organization:{organization}&role=product-keys-reader");
    let html = page(&app, &check, GIVER).await;
    assert!(
        html.contains(
            "By a rule over the organisation Holder of 1111111, License IDs to come included: 1 License ID now"
        ),
        "{html}"
    );
    assert!(html.contains("Save 1 role") && rules(&app, new).await.is_empty(), "a look writes nothing");
    let rule = format!("organization:{organization}");
    let shown = quoted(&html, "name=\"shown\" value=\"");
    let form = [("emails", NEW), ("rule", &rule), ("role", "product-keys-reader"), ("shown", &shown)];
    let events = app.events().await;
    let (status, to) = send(&app, "/people/give", GIVER, &form).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!(app.events().await, events + 2, "the rule's, and the License ID's");
    assert_eq!(rules(&app, new).await, ["product-keys-reader"]);
    assert!(page(&app, "/contracts", "no grant").await.contains(A));
    let told = page(&app, "/notices", "no grant").await;
    assert!(
        told.contains("Product keys reader on the organisation Holder of 1111111, License IDs to come included"),
        "{told}"
    );
    let access = page(&app, &format!("/keys/{}/access", world.planted.keys[0]), GIVER).await;
    assert!(access.contains("Through the organisation Holder of 1111111, given by administrator A"), "{access}");
    assert_eq!(send(&app, "/people/give", GIVER, &form).await.0, 409, "sent twice");

    let back = quoted(&page(&app, &to, GIVER).await, "action=\"/people/changes/");
    assert_eq!(send(&app, &format!("/people/changes/{back}"), GIVER, &[]).await.0, 303);
    assert!(rules(&app, new).await.is_empty());

    // Ended on the person's page by whoever holds one that takes it in.
    let shown = quoted(&page(&app, &check, GIVER).await, "name=\"shown\" value=\"");
    let form = [("emails", NEW), ("rule", &rule), ("role", "product-keys-reader"), ("shown", &shown)];
    assert_eq!(send(&app, "/people/give", GIVER, &form).await.0, 303);
    let html = page(&app, &format!("/people/{new}"), GIVER).await;
    let end = format!("/people/rules/{}", quoted(&html, "action=\"/people/rules/"));
    for actor in ["administrator B", "no grant", "site operator", "keys reader A"] {
        assert_eq!(send(&app, &end, actor, &[]).await.0, 404, "{actor}");
    }
    let (status, to) = send(&app, &end, GIVER, &[]).await;
    assert_eq!(status, 303, "{to}");
    assert!(
        page(&app, &to, GIVER).await.contains("is no longer Product keys reader on the organisation Holder of 1111111")
    );
    assert!(rules(&app, new).await.is_empty());
    app.done().await;
}

#[tokio::test]
async fn who_holds_none_is_told_why_and_a_forged_post_writes_nothing() {
    let world = world().await;
    let app = world.app().await;
    run(&app, "UPDATE grant_rules SET revoked_at = now() WHERE id IS DISTINCT FROM $1", Uuid::nil()).await;
    let new = world.person("no grant").unwrap();
    let organization = format!("organization:{}", holder(&app, world).await);
    for actor in [GIVER, "site operator"] {
        let html = page(&app, &format!("/people/give?step=license-ids&emails={NEW}"), actor).await;
        assert!(
            !html.contains("name=\"rule\"") && html.contains("keyward grant EMAIL ROLE --organization NAME"),
            "{actor}"
        );
        for rule in ["all", &organization, "agreement:Above 1111111", "nonsense"] {
            let form = [("emails", NEW), ("rule", rule), ("role", "administrator"), ("shown", "x")];
            let (status, html) = send(&app, "/people/give", actor, &form).await;
            assert_eq!(status, 422, "{actor} {rule}");
            assert!(html.contains("You hold no Administrator’s rule that takes this in"), "{html}");
        }
    }
    assert!(rules(&app, new).await.is_empty());
    app.done().await;
}

#[tokio::test]
async fn a_rule_is_saved_on_its_own_and_ends_no_later_than_ones_own() {
    let (app, world, organization) = ruled().await;
    let rule = format!("organization:{organization}");
    let with = async |more: &str| {
        let path = format!("/people/give?step=check&emails={NEW}&rule={rule}&role=product-keys-reader&{more}");
        let answer = app.get(&path, world.person(GIVER)).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, html) = with(&format!("license_id={A}")).await;
    assert!(status == 422 && html.contains("A rule is saved on its own"), "{html}");
    run(&app, "UPDATE grant_rules SET ends_at = '2027-01-01' WHERE organization_id = $1", organization).await;
    let (status, html) = with("").await;
    assert!(status == 422 && html.contains("Your own rule ends after 31 Dec 2026"), "{html}");
    assert_eq!(with("until=2027-01-01").await.0, 422);
    assert_eq!(with("until=2026-12-31").await.0, 200);
    app.done().await;
}

#[tokio::test]
async fn a_leavers_rule_is_handed_over_as_a_rule_by_whoever_may_pass_it_on() {
    let (app, world, organization) = ruled().await;
    let (leaver, heir) = (world.person("keys reader A").unwrap(), world.person("no grant").unwrap());
    let statement = "INSERT INTO grant_rules (id, person_id, role, covers, organization_id, granted_at)
        SELECT gen_random_uuid(), p.id, 'product-keys-reader', 'organization', $1, now() FROM people p WHERE p.name = 'keys reader A'";
    run(&app, statement, organization).await;
    let from = "keys.reader.a@keyward.example";
    let html = page(&app, &format!("/people/hand-over?from={from}&to={NEW}"), GIVER).await;
    assert!(
        html.contains("A rule over the organisation Holder of 1111111") && !html.contains("keyward revoke"),
        "{html}"
    );
    let shown = quoted(&html, "name=\"shown\" value=\"");
    let (status, to) = send(&app, "/people/hand-over", GIVER, &[("from", from), ("to", NEW), ("shown", &shown)]).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!((rules(&app, leaver).await.len(), rules(&app, heir).await), (0, vec!["product-keys-reader".to_owned()]));
    assert!(!app.get("/contracts", Some(leaver)).await.text().await.unwrap().contains(A), "at once");

    let back = quoted(&page(&app, &to, GIVER).await, "action=\"/people/changes/");
    assert_eq!(send(&app, &format!("/people/changes/{back}"), GIVER, &[]).await.0, 303);
    assert_eq!((rules(&app, leaver).await.len(), rules(&app, heir).await.len()), (1, 0));
    app.done().await;
}

/// A rule may cover no License ID yet: whoever ends it sees none that would name its organisation or agreement.
#[tokio::test]
async fn a_rule_over_nothing_yet_is_ended() {
    let world = world().await;
    let app = world.app().await;
    let me = world.person(GIVER).unwrap();
    let html = page(&app, &format!("/people/{me}"), GIVER).await;
    assert!(html.contains("agreement Above 1111111, License IDs to come included"), "{html}");
    let (status, to) = send(&app, &format!("/people/rules/{}/end", world.planted.rules[0]), GIVER, &[]).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!(rules(&app, me).await, ["administrator"]);
    app.done().await;
}
