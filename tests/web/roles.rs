//! Roles over HTTP: the wizard, copies, hand-overs, Undo, who sees what, the leaver sheet, and asking with one click.

use keyward::{auth::session::FRESH, postgres::Scope};
use time::Duration;
use uuid::Uuid;

use super::world::{A, ABSENT, B, CANARY_A, World, page, send, world};
use crate::support::app::App;

const NEW: &str = "no.grant@keyward.example";
const READER: &str = "keys.reader.a@keyward.example";

/// The hidden field of a page.
fn hidden(html: &str, name: &str) -> String {
    let lead = format!("name=\"{name}\" value=\"");
    let from = html.find(&lead).unwrap_or_else(|| panic!("no {name} in {html}")) + lead.len();
    html[from..].split('"').next().unwrap().to_owned()
}

/// The action of the Undo button.
fn undo(html: &str) -> String {
    let lead = "action=\"/people/changes/";
    let from = html.find(lead).unwrap_or_else(|| panic!("no Undo in {html}")) + "action=\"".len();
    html[from..].split('"').next().unwrap().to_owned()
}

async fn held(app: &App, person: Uuid) -> Vec<(String, String)> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_as(
        "SELECT c.license_id, g.role FROM grants g JOIN contracts c ON c.id = g.contract_id
         WHERE g.person_id = $1 AND g.revoked_at IS NULL ORDER BY 1, 2",
    )
    .bind(person)
    .fetch_all(&mut *tx)
    .await
    .unwrap()
}

fn one(license_id: &str, role: &str) -> (String, String) {
    (license_id.to_owned(), role.to_owned())
}

#[tokio::test]
async fn the_wizard_saves_what_it_showed_and_undo_takes_it_back() {
    let world = world().await;
    let app = world.app().await;
    let new = world.person("no grant").unwrap();
    let check = format!(
        "/people/give?step=check&emails={NEW}&numbers={A}&role=product-keys-reader&role=license-position-reader"
    );
    let html = page(&app, &check, "administrator A").await;
    assert!(html.contains("Save 2 roles"));
    assert_eq!(held(&app, new).await, [], "a look writes nothing");
    let shown = hidden(&html, "shown");
    let form = [
        ("emails", NEW),
        ("numbers", A),
        ("role", "product-keys-reader"),
        ("role", "license-position-reader"),
        ("shown", &shown),
    ];
    let (status, to) = send(&app, "/people/give", "administrator A", &form).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!(held(&app, new).await, [one(A, "license-position-reader"), one(A, "product-keys-reader")]);
    assert!(page(&app, "/contracts", "no grant").await.contains(A), "from the next request on");
    let told = page(&app, "/notices", "no grant").await;
    assert!(told.contains("administrator A has changed your roles. New: Product keys reader on 1111111."), "{told}");
    let html = page(&app, &to, "administrator A").await;
    assert!(html.contains("2 roles were given: to 1 person, on 1 License ID."));
    let (status, _) = send(&app, "/people/give", "administrator A", &form).await;
    assert_eq!(status, 409, "sent twice: it isn't as it was shown any more");

    let back = undo(&html);
    let (status, _) = send(&app, &back, "administrator B", &[]).await;
    assert_eq!(status, 404, "another's");
    let (status, to) = send(&app, &back, "administrator A", &[]).await;
    assert_eq!(status, 303, "{to}");
    assert_eq!(held(&app, new).await, []);
    assert!(!page(&app, "/contracts", "no grant").await.contains(A));
    let told = page(&app, "/notices", "no grant").await;
    assert!(told.contains("Taken away: Product keys reader on 1111111."), "told without the role, too: {told}");
    assert!(page(&app, &to, "administrator A").await.contains("Taken back: 2 roles were given"));
    assert_eq!(send(&app, &back, "administrator A", &[]).await.0, 409, "once");
    app.done().await;
}

#[tokio::test]
async fn a_step_that_is_not_well_is_shown_again_with_what_was_typed() {
    let app = world().await.app().await;
    for (query, why) in [
        ("step=license-ids&emails=who", "This isn’t an email address: who."),
        ("step=roles&emails=nobody%40keyward.example&numbers=1111111", "Nobody has an account with the address"),
        ("step=check", "Choose at least one person."),
        ("step=check&emails=no.grant%40keyward.example", "Choose at least one License ID."),
        (
            "step=roles&emails=no.grant%40keyward.example&numbers=2222222",
            "You administer no License ID with the number",
        ),
        ("step=check&emails=no.grant%40keyward.example&numbers=1111111", "Choose at least one role."),
        (
            "step=check&emails=no.grant%40keyward.example&numbers=1111111&role=administrator&until=2026-11-21",
            "This day has passed.",
        ),
    ] {
        let answer = app.get(&format!("/people/give?{query}"), world().await.person("administrator A")).await;
        assert_eq!(answer.status(), 422, "{query}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(why), "{why}: {html}");
    }
    app.done().await;
}

#[tokio::test]
async fn a_stale_check_page_is_refused_and_shown_as_it_stands() {
    let world = world().await;
    let app = world.app().await;
    let check = format!("/people/give?step=check&emails={NEW}&numbers={A}&role=product-keys-reader");
    let shown = hidden(&page(&app, &check, "administrator A").await, "shown");
    app.grant(world.person("no grant").unwrap(), "product-keys-reader", world.planted.contracts[0]).await;
    let form = [("emails", NEW), ("numbers", A), ("role", "product-keys-reader"), ("shown", &shown)];
    let (status, html) = send(&app, "/people/give", "administrator A", &form).await;
    assert_eq!(status, 409);
    assert!(html.contains("Something has changed since this page was shown") && html.contains("Held already"));
    assert!(!html.contains("class=\"btn primary\">Save"), "nothing is left to save");
    app.done().await;
}

#[tokio::test]
async fn a_copy_gives_and_takes_nothing() {
    let world = world().await;
    let app = world.app().await;
    let html = page(&app, &format!("/people/copy?from={READER}&to={NEW}"), "administrator A").await;
    let shown = hidden(&html, "shown");
    let form = [("from", READER), ("to", NEW), ("shown", &shown)];
    let (status, to) = send(&app, "/people/copy", "administrator A", &form).await;
    assert_eq!(status, 303, "{to}");
    let reader = [one(A, "product-keys-reader")];
    assert_eq!(held(&app, world.person("no grant").unwrap()).await, reader);
    assert_eq!(held(&app, world.person("keys reader A").unwrap()).await, reader);
    for (from, to, why) in [
        (READER, READER, "This is the same person"),
        (READER, "disabled@keyward.example", "This account is disabled"),
        ("administrator.b@keyward.example", NEW, "holds no role on the License IDs that you administer"),
        ("who", NEW, "This isn’t an email address"),
    ] {
        let answer = app.get(&format!("/people/copy?from={from}&to={to}"), world.person("administrator A")).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains(why), "{why}");
    }
    app.done().await;
}

/// DOMAIN §1, handover: per License ID at the vendor's; here in one go, and never without an Administrator.
#[tokio::test]
async fn a_hand_over_gives_first_then_takes_in_one_transaction_and_names_what_a_rule_keeps() {
    let world = world().await;
    let app = world.app().await;
    let (leaver, heir) = (world.person("administrator A").unwrap(), world.person("no grant").unwrap());
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    // Somebody who administers everything for a time does it; the leaver reads all License IDs by a rule that outlasts it.
    for (person, role, until) in [
        (world.person("position reader A"), "administrator", Some("2027-12-31")),
        (Some(leaver), "product-keys-reader", None),
    ] {
        sqlx::query("INSERT INTO grant_rules (id, person_id, role, covers, granted_at, ends_at) VALUES (gen_random_uuid(), $1, $2, 'all', now(), $3::timestamptz)")
            .bind(person)
            .bind(role)
            .bind(until)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let from = "administrator.a@keyward.example";
    let html = page(&app, &format!("/people/hand-over?from={from}&to={NEW}"), "position reader A").await;
    assert!(html.contains("keyward revoke administrator.a@keyward.example product-keys-reader --all"), "{html}");
    let form = [("from", from), ("to", NEW), ("shown", &hidden(&html, "shown"))];
    let (status, to) = send(&app, "/people/hand-over", "position reader A", &form).await;
    assert_eq!(status, 303, "{to}");
    let keys = |license_id| one(license_id, "product-keys-reader");
    assert_eq!(held(&app, heir).await, [one(A, "administrator"), keys(A), keys(B)]);
    assert_eq!(held(&app, leaver).await, [keys(A), keys(B)], "the rule's stay");
    assert_eq!(app.get("/people", Some(leaver)).await.status(), 403, "from the next request on");

    let back = undo(&page(&app, &to, "position reader A").await);
    assert_eq!(send(&app, &back, "position reader A", &[]).await.0, 303);
    assert_eq!(held(&app, heir).await, []);
    assert_eq!(held(&app, leaver).await, [one(A, "administrator"), keys(A), keys(B)]);

    // The heir's account is closed between the look and the save: nothing is taken from the leaver.
    let html = page(&app, &format!("/people/hand-over?from={from}&to={NEW}"), "position reader A").await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE people SET disabled_at = now() WHERE id = $1").bind(heir).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let form = [("from", from), ("to", NEW), ("shown", &hidden(&html, "shown"))];
    assert_eq!(send(&app, "/people/hand-over", "position reader A", &form).await.0, 422);
    assert_eq!(held(&app, leaver).await.len(), 3);
    app.done().await;
}

#[tokio::test]
async fn a_site_operator_hands_nothing_over_and_an_administrator_gives_his_own_away() {
    let world = world().await;
    let app = world.app().await;
    let from = "administrator.a@keyward.example";
    let path = format!("/people/hand-over?from={from}&to={NEW}");
    let answer = app.get(&path, world.person("site operator")).await;
    assert_eq!(answer.status(), 422, "an operator sees the roles, and moves none");
    let shown = hidden(&page(&app, &path, "administrator A").await, "shown");
    let form = [("from", from), ("to", NEW), ("shown", &shown)];
    assert_eq!(send(&app, "/people/hand-over", "administrator A", &form).await, (303, "/".to_owned()));
    assert_eq!(held(&app, world.person("no grant").unwrap()).await, [one(A, "administrator")]);
    assert_eq!(app.get("/people", world.person("administrator A")).await.status(), 403);
    app.done().await;
}

#[tokio::test]
async fn revoking_offers_undo_too() {
    let world = world().await;
    let app = world.app().await;
    let reader = world.person("keys reader A").unwrap();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let grant: Uuid = sqlx::query_scalar("SELECT id FROM grants WHERE person_id = $1")
        .bind(reader)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    drop(tx);
    let (status, to) = send(&app, &format!("/people/grants/{grant}/revoke"), "administrator A", &[]).await;
    assert_eq!(status, 303);
    let html = page(&app, &to, "administrator A").await;
    assert!(html.contains("keys reader A is no longer Product keys reader"));
    assert_eq!(held(&app, reader).await, []);
    assert_eq!(send(&app, &undo(&html), "administrator A", &[]).await.0, 303);
    assert_eq!(held(&app, reader).await, [one(A, "product-keys-reader")]);
    app.done().await;
}

#[tokio::test]
async fn who_sees_a_key_and_what_a_person_sees_are_one_click_apart() {
    let world = world().await;
    let app = world.app().await;
    let key = world.planted.keys[0];
    let keys = page(&app, &format!("/contracts/{A}?tab=keys"), "administrator A").await;
    assert!(keys.contains(&format!("href=\"/keys/{key}/access\"")));
    assert!(!page(&app, &format!("/contracts/{A}?tab=keys"), "keys reader A").await.contains("/access"));
    let html = page(&app, &format!("/keys/{key}/access"), "administrator A").await;
    for name in ["administrator A", "keys reader A", "position reader A", "Given here on the command line"] {
        assert!(html.contains(name), "{name}");
    }
    for name in ["download manager A", "disabled@", "revoked", "administrator B"] {
        assert!(!html.contains(name), "{name}");
    }
    let reader = world.planted.known[0];
    assert!(html.contains(&format!("href=\"/people/{reader}\"")));
    let html = page(&app, &format!("/people/{reader}"), "administrator A").await;
    assert!(html.contains(A) && html.contains("Product keys reader") && html.contains("/revoke"));
    assert!(!page(&app, &format!("/people/{reader}"), "site operator").await.contains("/revoke"));
    app.done().await;
}

async fn take(app: &App, world: &World, actor: &str, key: usize, way: &str) {
    let path = format!("/keys/{}/{way}", world.planted.keys[key]);
    let answer = app.post(&path, world.person(actor), &[]).await;
    assert_eq!(answer.status(), 200, "{way} by {actor}");
}

/// The sheet holds what the log holds, of whoever reads it, and nothing that somebody could have taken.
#[tokio::test]
async fn the_leaver_sheet_shows_exactly_the_keys_of_the_log() {
    let world = world().await;
    let app = world.app().await;
    let reader = world.planted.known[0];
    let sheet = format!("/people/{reader}/leaver");
    assert!(page(&app, &sheet, "administrator A").await.contains("No key was taken"), "what could be read wasn't");
    take(&app, world, "keys reader A", 0, "reveal").await;
    take(&app, world, "keys reader A", 0, "reveal").await;
    take(&app, world, "keys reader A", 0, "copy").await;
    let export = [("scope", "all"), ("format", "csv")];
    let answer = app.post("/exports/keys", Some(reader), &export).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    take(&app, world, "administrator B", 1, "reveal").await;
    let html = page(&app, &sheet, "administrator A").await;
    assert!(html.contains("revealed 2 times, copied once, exported once"), "{html}");
    assert!(html.contains(&CANARY_A[24..]) && !html.contains(&CANARY_A[..23]));
    for reader_of_log in ["auditor", "administrator A"] {
        let answer = app.post(&sheet, world.person(reader_of_log), &[]).await;
        let file = answer.text().await.unwrap();
        let mut rows = csv::Reader::from_reader(file.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        // The export took the own keys of License ID A along.
        assert_eq!(rows.len(), 3, "{reader_of_log}: {file}");
        let shown = rows.iter().find(|row| &row[1] == "alpha-suite").unwrap();
        let cells: Vec<&str> = shown.iter().take(7).collect();
        assert_eq!(cells, [A, "alpha-suite", "MAK", &CANARY_A[24..], "2", "1", "1"]);
        assert!(
            rows.iter()
                .filter(|row| &row[1] != "alpha-suite")
                .all(|row| (&row[4], &row[5], &row[6]) == ("0", "0", "1"))
        );
    }
    assert_eq!(app.get(&sheet, world.person("administrator B")).await.status(), 404, "whom he doesn't know");
    assert_eq!(app.get(&sheet, world.person("site operator")).await.status(), 403, "an operator reads no log");
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let exported: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_events WHERE action = 'leaver.export'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(exported, 2);
    drop(tx);
    app.done().await;
}

#[tokio::test]
async fn who_lacks_a_role_asks_with_one_click_and_twice_is_once() {
    let world = world().await;
    let app = world.app().await;
    let actor = "download manager A";
    let locked = page(&app, &format!("/contracts/{A}?tab=keys"), actor).await;
    assert!(
        locked.contains("You lack the role Product keys reader") && locked.contains("administrator A can give it.")
    );
    assert!(locked.contains(&format!("action=\"/contracts/{A}/ask\"")));
    let ask = format!("/contracts/{A}/ask");
    let (status, to) = send(&app, &ask, actor, &[("role", "product-keys-reader")]).await;
    assert_eq!(status, 303);
    let (status, again) = send(&app, &ask, actor, &[("role", "product-keys-reader")]).await;
    let number = |path: &str| path.split('?').next().unwrap().to_owned();
    assert_eq!((status, number(&again)), (303, number(&to)));
    assert!(page(&app, &again, actor).await.contains("You have asked for this already"));
    let locked = page(&app, &format!("/contracts/{A}?tab=keys"), actor).await;
    assert!(locked.contains(&format!("href=\"{}\"", number(&to))) && !locked.contains("/ask\""));
    let html = page(&app, &number(&to), "administrator A").await;
    assert!(html.contains("Holds there: Product download manager."));
    let (status, _) =
        send(&app, &format!("{}/decision", number(&to)), "administrator A", &[("decision", "approve")]).await;
    assert_eq!(status, 303);
    assert!(page(&app, &format!("/contracts/{A}?tab=keys"), actor).await.contains("data-reveal"), "readable at once");
    assert_eq!(send(&app, &ask, actor, &[("role", "product-keys-reader")]).await.0, 409, "held by now");
    assert_eq!(send(&app, &ask, actor, &[("role", "root")]).await.0, 400);
    // Without any role there no License ID is known, whether it exists or not.
    for license_id in [A, ABSENT] {
        let path = format!("/contracts/{license_id}/ask");
        assert_eq!(send(&app, &path, "no grant", &[("role", "product-keys-reader")]).await.0, 404);
    }
    app.done().await;
}

#[tokio::test]
async fn the_site_hides_the_names_of_administrators() {
    let world = world().await;
    let app = world.app().await;
    let (status, to) = send(&app, "/people/settings", "site operator", &[("administrators", "hidden")]).await;
    assert_eq!((status, to.as_str()), (303, "/people/settings?notice=saved"));
    assert!(page(&app, &to, "site operator").await.contains("value=\"hidden\" checked"));
    let locked = page(&app, &format!("/contracts/{A}?tab=keys"), "download manager A").await;
    assert!(locked.contains("An administrator of the License ID gives it.") && !locked.contains("administrator A"));
    let second = app
        .post(&format!("/contracts/{A}/second-person"), world.person("download manager A"), &[("second_person", "yes")])
        .await;
    let refused = second.text().await.unwrap();
    assert!(refused.contains("Ask an Administrator of it") && !refused.contains("administrator A"), "{refused}");
    assert_eq!(send(&app, "/people/settings", "administrator A", &[("administrators", "shown")]).await.0, 403);
    assert_eq!(send(&app, "/people/settings", "site operator", &[("administrators", "shown")]).await.0, 303);
    let locked = page(&app, &format!("/contracts/{A}?tab=keys"), "download manager A").await;
    assert!(locked.contains("administrator A can give it."));
    app.done().await;
}

/// A session that somebody found open gives nobody a role: the password is asked for, and the form waits.
#[tokio::test]
async fn giving_roles_and_changing_accounts_want_a_recent_password() {
    let world = world().await;
    let app = world.app().await;
    let new = world.person("no grant").unwrap();
    let grant = [("email", NEW), ("role", "administrator"), ("license_id", A), ("until", "")];
    let check = format!("/people/give?step=check&emails={NEW}&numbers={A}&role=administrator");
    let shown = hidden(&page(&app, &check, "administrator A").await, "shown");
    let many = [("emails", NEW), ("numbers", A), ("role", "administrator"), ("shown", &shown)];
    let copy = format!("/people/copy?from={READER}&to={NEW}");
    let shown = hidden(&page(&app, &copy, "administrator A").await, "shown");
    let pass_on = [("from", READER), ("to", NEW), ("shown", &shown)];
    app.clock.turn(FRESH + Duration::seconds(1));
    let account = |end: &str| format!("/accounts/{new}/{end}");
    for (path, actor, form) in [
        ("/people/grants", "administrator A", &grant[..]),
        ("/people/give", "administrator A", &many),
        ("/people/copy", "administrator A", &pass_on),
        ("/people/hand-over", "administrator A", &pass_on),
        (&account("name"), "site operator", &[("name", "Other")]),
        (&account("disable"), "site operator", &[]),
        (&account("enable"), "site operator", &[]),
    ] {
        assert_eq!(send(&app, path, actor, form).await, (303, "/confirm".to_owned()), "{path}");
    }
    assert_eq!(held(&app, new).await, []);
    assert!(page(&app, "/accounts?q=no.grant", "site operator").await.contains("/disable"), "nothing happened");
    app.done().await;
}
