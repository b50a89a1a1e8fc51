//! Adding and correcting by hand: who may, what history keeps, the way back, and what the archive hides.

use keyward::{
    imports::{Caps, Importer, Who, read_file},
    postgres::Scope,
};
use reqwest::Response;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    matrix::holds,
    world::{A, B, CANARY_A, World, key, page, world},
};
use crate::support::app::App;

const ADMIN: &str = "administrator A";
const OPERATOR: &str = "site operator";

async fn portal() -> (&'static World, App) {
    let world = world().await;
    (world, world.app().await)
}

async fn status(app: &App, path: &str, actor: &str) -> u16 {
    app.get(path, world().await.person(actor)).await.status().as_u16()
}

async fn send(app: &App, path: &str, actor: &str, form: &[(&str, &str)]) -> Response {
    app.post(path, world().await.person(actor), form).await
}

/// Sends a form that shall do what it says; where it leads.
async fn done(app: &App, path: &str, actor: &str, form: &[(&str, &str)]) -> String {
    let answer = send(app, path, actor, form).await;
    let status = answer.status();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    to.unwrap_or_else(|| panic!("{path} as {actor}: {status}"))
}

/// The set that an address offers to take back.
fn undo_of(address: &str) -> String {
    format!("/changes/{}/undo", address.split("undo=").nth(1).unwrap().split('&').next().unwrap())
}

async fn text(app: &App, statement: &str, id: Uuid) -> String {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).bind(id).fetch_one(&mut *tx).await.unwrap()
}

async fn execute(app: &App, statement: &str) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn note(app: &App, key: Uuid) -> String {
    text(app, "SELECT note FROM product_keys WHERE id = $1", key).await
}

/// An import as the command line does it; its warnings.
async fn import(app: &App, name: &str, rows: &str) -> Vec<String> {
    let file = read_file(name, rows.as_bytes(), Caps::NONE).unwrap();
    let actor = keyward::audit::Actor::system("import");
    let state = &app.state;
    let importer = Importer { db: &state.db, vault: &state.vault, linker: &state.linker, actor, who: Who::System };
    let reports = importer.run(vec![file], &mut |_, _| ()).await.unwrap();
    reports.into_iter().flat_map(|report| report.warnings).map(|warning| warning.to_string()).collect()
}

/// Issue 5: note, owner and place per key, with a message, a history and a way back.
#[tokio::test]
async fn a_keys_note_is_kept_with_its_history_and_taken_back() {
    let (world, app) = portal().await;
    let [key, _] = world.planted.keys;
    let edit = format!("/keys/{key}/edit");
    let form = [
        ("note", "For the lab"),
        ("owner_id", "keys.reader.a@keyward.example"),
        ("place", "Lab 3"),
        ("message", "found"),
    ];
    let to = done(&app, &edit, ADMIN, &form).await;
    let html = page(&app, &to, ADMIN).await;
    for part in ["For the lab", "Lab 3", "keys reader A", "Changed. What was there before", "found"] {
        assert!(html.contains(part), "{part}");
    }
    let contract = world.planted.contracts[0];
    let event = "SELECT detail->>'fields' FROM audit_events WHERE action = 'key.change' AND contract_id = $1";
    assert_eq!(text(&app, event, contract).await, "Note, Owner, Place of deployment");
    // A reader of the key sees the note, and neither form nor history.
    let html = page(&app, &format!("/keys/{key}"), "keys reader A").await;
    assert!(html.contains("For the lab") && !html.contains("/edit") && !html.contains("found"));

    let back = done(&app, &undo_of(&to), ADMIN, &[("back", "/contracts")]).await;
    assert!(back.starts_with("/contracts?did=undone"), "{back}");
    assert_eq!(note(&app, key).await, "");
    // Once is enough.
    assert_eq!(send(&app, &undo_of(&to), ADMIN, &[]).await.status(), 409);
    app.done().await;
}

/// Undo applies what was before while what was written still stands; else it says what has changed since.
#[tokio::test]
async fn what_was_changed_since_is_not_taken_back() {
    let (world, app) = portal().await;
    let [key, _] = world.planted.keys;
    let edit = format!("/keys/{key}/edit");
    let first = done(&app, &edit, ADMIN, &[("note", "one")]).await;
    done(&app, &edit, ADMIN, &[("note", "two")]).await;
    let answer = send(&app, &undo_of(&first), ADMIN, &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("alpha-suite …AAAA7"));
    assert_eq!(note(&app, key).await, "two");
    app.done().await;
}

/// Rights as imports have them: Administrators what is theirs, operators the structure, blind.
#[tokio::test]
async fn each_changes_what_is_his_and_nobody_moves_himself_into_sight() {
    let (world, app) = portal().await;
    let [key, other] = world.planted.keys;
    let note_form = [("note", "mine")];
    assert_eq!(send(&app, &format!("/keys/{key}/edit"), "keys reader A", &note_form).await.status(), 404);
    for actor in [OPERATOR, "administrator B", "no grant"] {
        assert_eq!(send(&app, &format!("/keys/{key}/edit"), actor, &note_form).await.status(), 404, "{actor}");
    }
    assert_eq!(send(&app, &format!("/keys/{other}/edit"), ADMIN, &note_form).await.status(), 404);
    // An Administrator changes his License ID, but not whose it is.
    let html = page(&app, &format!("/contracts/{A}/edit"), ADMIN).await;
    assert!(!html.contains("name=\"organization_id\"") && html.contains("name=\"location\""));
    let holder = format!("Holder of {B}");
    let form = [("organization_id", holder.as_str()), ("location", "Basel"), ("status", "Active")];
    done(&app, &format!("/contracts/{A}/edit"), ADMIN, &form).await;
    let whose = "SELECT o.name || ', ' || c.location FROM contracts c JOIN organizations o ON o.id = c.organization_id WHERE c.id = $1";
    let [contract, _] = world.planted.contracts;
    assert_eq!(text(&app, whose, contract).await, format!("Holder of {A}, Basel"));
    // A site operator may, and sees no contract by it.
    done(&app, &format!("/contracts/{A}/edit"), OPERATOR, &form).await;
    assert_eq!(text(&app, whose, contract).await, format!("Holder of {B}, Basel"));
    assert_eq!(status(&app, &format!("/contracts/{A}"), OPERATOR).await, 404);
    // Who sees it without the role is told which one is missing; to others there is nothing.
    assert_eq!(status(&app, &format!("/contracts/{A}/edit"), "keys reader A").await, 403);
    assert_eq!(status(&app, &format!("/contracts/{B}/edit"), ADMIN).await, 404);
    assert_eq!(status(&app, "/organizations", ADMIN).await, 403);
    app.done().await;
}

/// Keys never stand in clear: a form that holds one is refused, and doesn't send it back.
#[tokio::test]
async fn a_key_in_a_note_is_refused_and_not_sent_back() {
    let (world, app) = portal().await;
    let [planted, _] = world.planted.keys;
    let note = format!("it is {CANARY_A}");
    for form in [[("note", note.as_str()), ("message", "")], [("note", "fine"), ("message", note.as_str())]] {
        let answer = send(&app, &format!("/keys/{planted}/edit"), ADMIN, &form).await;
        assert_eq!(answer.status(), 422);
        assert!(!holds(&answer.bytes().await.unwrap(), CANARY_A));
    }
    app.done().await;
}

/// An archived License ID is out of lists, counts, exports and searches, with all that is under it; restored, it is back.
#[tokio::test]
async fn an_archived_license_id_rests_with_all_that_is_under_it() {
    let (world, app) = portal().await;
    let ([contract, _], [key, _]) = (world.planted.contracts, world.planted.keys);
    let id = contract.to_string();
    // Its own application would go on activating machines.
    let form = [("thing", "contract"), ("id", id.as_str()), ("back", "/contracts")];
    let answer = send(&app, "/archive", ADMIN, &form).await;
    assert_eq!(answer.status(), 409);
    execute(&app, "UPDATE applications SET closed_at = app_now()").await;
    let to = done(&app, "/archive", ADMIN, &form).await;
    assert!(to.starts_with("/contracts?did=archived&n=1&undo="), "{to}");
    for (path, status_then) in [
        (format!("/contracts/{A}"), 404),
        (format!("/keys/{key}"), 404),
        ("/products/alpha-suite".to_owned(), 404),
        (format!("/contracts/{A}/edit"), 200),
    ] {
        assert_eq!(status(&app, &path, ADMIN).await, status_then, "{path}");
    }
    for path in ["/contracts?expired=shown", "/products?q=AAAA7", "/orders"] {
        let html = page(&app, path, "position reader A").await;
        assert!(!html.contains(A) && !html.contains("alpha-suite"), "{path}");
    }
    let export = send(&app, "/exports/keys", ADMIN, &[("scope", "all"), ("format", "csv")]).await;
    assert!(!holds(&export.bytes().await.unwrap(), CANARY_A));
    let html = page(&app, "/archive", ADMIN).await;
    assert!(html.contains(A) && html.contains("Restore"));
    assert!(!page(&app, "/archive", "administrator B").await.contains(A));

    done(&app, &undo_of(&to), ADMIN, &[]).await;
    assert_eq!(status(&app, &format!("/contracts/{A}"), "position reader A").await, 200);
    assert_eq!(status(&app, &format!("/keys/{key}"), "keys reader A").await, 200);
    app.done().await;
}

/// An archived key or order leaves its lists and their numbers.
#[tokio::test]
async fn an_archived_key_or_order_is_counted_no_more() {
    let (world, app) = portal().await;
    let (key, order) = (world.planted.keys[0].to_string(), world.planted.corrected[0].order.to_string());
    let keys = "SELECT sum(keys)::text FROM contract_products WHERE contract_id = $1";
    let [contract, _] = world.planted.contracts;
    let before = text(&app, keys, contract).await;
    for (thing, id) in [("key", &key), ("order", &order)] {
        done(&app, "/archive", ADMIN, &[("thing", thing), ("id", id)]).await;
    }
    assert_eq!(text(&app, keys, contract).await.parse::<i64>().unwrap() + 1, before.parse::<i64>().unwrap());
    assert!(!page(&app, &format!("/contracts/{A}?tab=keys"), ADMIN).await.contains("AAAA7"));
    assert!(page(&app, "/orders", ADMIN).await.contains("No orders yet"));
    assert_eq!(status(&app, &format!("/keys/{key}"), ADMIN).await, 404);
    let html = page(&app, "/archive?q=AAAA7", ADMIN).await;
    assert!(html.contains("Product key") && !html.contains("A suite"));
    for (thing, id) in [("key", &key), ("order", &order)] {
        done(&app, "/archive/restore", ADMIN, &[("thing", thing), ("id", id)]).await;
    }
    assert_eq!(text(&app, keys, contract).await, before);
    assert!(page(&app, "/orders", ADMIN).await.contains("1–1 of 1"));
    app.done().await;
}

/// Each list shows what of it rests in the archive when its address asks, to who may bring it back and nobody else; an
/// export takes none of it, whatever its form says.
#[tokio::test]
async fn a_list_shows_its_archived_rows_when_asked_and_exports_none() {
    let (world, app) = portal().await;
    let (key, order) = (world.planted.keys[0].to_string(), world.planted.corrected[0].order.to_string());
    for (thing, id) in [("key", &key), ("order", &order)] {
        done(&app, "/archive", ADMIN, &[("thing", thing), ("id", id)]).await;
    }
    let restore = "action=\"/archive/restore\"";
    let tab = format!("/contracts/{A}?tab=keys");
    for (path, part, id) in [
        ("/orders".to_owned(), "archived", &order),
        (tab, "keys_archived", &key),
        ("/products/alpha-suite?tab=keys".to_owned(), "keys_archived", &key),
    ] {
        let html = page(&app, &path, ADMIN).await;
        assert!(html.contains("Archived hidden") && !html.contains(restore), "{path}");
        let joined = if path.contains('?') { "&" } else { "?" };
        for word in ["shown", "only"] {
            let asked = format!("{path}{joined}{part}={word}");
            let html = page(&app, &asked, ADMIN).await;
            assert!(html.contains(restore) && html.contains(&format!("name=\"id\" value=\"{id}\"")), "{asked}");
            assert!(!holds(html.as_bytes(), CANARY_A), "{asked}");
            // Who reads without correcting is told nothing of the archive.
            let html = page(&app, &asked, "position reader A").await;
            assert!(
                !html.contains(restore) && !html.contains("Archived") && !html.contains("In the archive"),
                "{asked}"
            );
        }
    }
    assert!(!page(&app, "/orders?archived=shown", "administrator B").await.contains(&order));
    for (path, form) in [
        ("/exports/keys", vec![("scope", "all"), ("format", "csv")]),
        (
            "/exports/keys",
            vec![("scope", "selected"), ("format", "csv"), ("key_id", key.as_str()), ("keys_archived", "shown")],
        ),
        ("/exports/keys", vec![("scope", "all"), ("format", "tsv"), ("license_id", A), ("archived", "only")]),
    ] {
        let answer = send(&app, path, ADMIN, &form).await;
        assert!(!holds(&answer.bytes().await.unwrap(), CANARY_A), "{form:?}");
    }
    let form = [("format", "csv"), ("archived", "only")];
    let answer = send(&app, "/exports/orders", ADMIN, &form).await.text().await.unwrap();
    assert!(!answer.contains(A), "{answer}");
    let to = done(
        &app,
        "/archive/restore",
        ADMIN,
        &[("thing", "order"), ("id", &order), ("back", "/orders?archived=shown")],
    )
    .await;
    assert!(to.starts_with("/orders?archived=shown&did=restored&n=1"), "{to}");
    assert!(page(&app, "/orders?archived=shown", ADMIN).await.contains("Nothing of this list is in the archive"));
    app.done().await;
}

/// A License ID's own list shows it in the archive too; a product's and an organisation's is a site operator's.
#[tokio::test]
async fn what_belongs_to_the_site_is_in_the_archive_of_its_lists_for_site_operators() {
    let (world, app) = portal().await;
    execute(&app, "UPDATE applications SET closed_at = app_now()").await;
    let id = world.planted.contracts[0].to_string();
    done(&app, "/archive", ADMIN, &[("thing", "contract"), ("id", &id)]).await;
    execute(&app, "UPDATE products SET archived_at = app_now() WHERE name = 'beta-suite'").await;
    let html = page(&app, "/contracts?archived=only", ADMIN).await;
    assert!(html.contains(A) && !html.contains("Pages of contracts"));
    assert!(!page(&app, "/contracts?archived=only", "administrator B").await.contains(A));
    for path in [
        "/organizations?kind=contracts&archived=shown",
        "/organizations?kind=products&archived=shown",
        "/products?archived=shown",
    ] {
        assert!(page(&app, path, OPERATOR).await.contains("action=\"/archive/restore\""), "{path}");
    }
    assert!(!page(&app, "/products?archived=shown", "administrator B").await.contains("/archive/restore"));
    app.done().await;
}

/// Issue 5: each reading keeps its date and source; the newest by its day is what lists show.
#[tokio::test]
async fn vendor_counts_are_read_in_with_day_and_source() {
    let (world, app) = portal().await;
    let [key, _] = world.planted.keys;
    let path = format!("/keys/{key}/reading");
    let read = |used: &'static str, day: &'static str| {
        [("used", used), ("total", "60"), ("read_on", day), ("source", "Admin centre")]
    };
    done(&app, &path, ADMIN, &read("45", "2026-11-22")).await;
    done(&app, &path, ADMIN, &read("40", "2026-11-01")).await;
    let counts = "SELECT used || ' of ' || total FROM product_keys WHERE id = $1";
    assert_eq!(text(&app, counts, key).await, "45 of 60", "an older day doesn't replace a newer one");
    let html = page(&app, &format!("/keys/{key}"), "keys reader A").await;
    for part in ["45 of 60", "40 of 60", "1 Nov 2026", "Admin centre"] {
        assert!(html.contains(part), "{part}");
    }
    for wrong in [read("-1", "2026-11-22"), read("45", "2026-11-23"), read("45", "soon")] {
        assert_eq!(send(&app, &path, ADMIN, &wrong).await.status(), 422);
    }
    // An own product's activations are counted, not read.
    let own = world.planted.own[0].key;
    assert_eq!(send(&app, &format!("/keys/{own}/reading"), ADMIN, &read("1", "2026-11-22")).await.status(), 409);
    app.done().await;
}

/// Keys typed many at once: each line is checked and shown, those that are no key are left out by their number.
#[tokio::test]
async fn typed_keys_are_shown_line_by_line_then_written_and_never_sent_back() {
    let (_, app) = portal().await;
    let good = ["QX3TJ-7WKPD-9HMCV-2BRFG-84YN2", "QX3TJ-7WKPD-9HMCV-2BRFG-84YN3", "QX3TJ-7WKPD-9HMCV-2BRFG-84YN4"];
    let lines = format!("{}\n{}\nQX3TJ-7WKPD-9HM!V-2BRFG-84YNX\n{CANARY_A}\n{}", good[0], good[1], good[2]);
    let form = [("license_id", A), ("product", "alpha-suite"), ("kind", "MAK"), ("keys", lines.as_str())];
    let to = done(&app, "/keys/new", ADMIN, &form).await;
    let html = page(&app, &to, ADMIN).await;
    for part in ["84YN2", "Known and the same", "Left out, this is no product key: group 3", "Import 3 rows"] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!holds(html.as_bytes(), CANARY_A) && !html.contains("7WKPD"));
    done(&app, &format!("{to}/apply"), ADMIN, &[]).await;
    let html = page(&app, &format!("/contracts/{A}?tab=keys"), ADMIN).await;
    assert!(good.iter().all(|key| html.contains(&key[24..])), "written");

    // What is wrong elsewhere in the form sends everything back but the keys.
    let foreign = [("license_id", B), ("product", "Alpha"), ("kind", "MAK"), ("keys", lines.as_str())];
    let answer = send(&app, "/keys/new", ADMIN, &foreign).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("You administer no License ID") && html.contains("No product in your sight"));
    assert!(html.contains("type or paste them again") && !holds(html.as_bytes(), CANARY_A) && !html.contains("7WKPD"));
    app.done().await;
}

/// A bulk edit is one change with one way back, and leaves out what isn't one's own.
#[tokio::test]
async fn a_bulk_edit_is_one_change_and_leaves_out_what_is_foreign() {
    let (world, app) = portal().await;
    let ([contract, _], [mine, foreign]) = (world.planted.contracts, world.planted.keys);
    let product = app.product_of(mine).await;
    let second = key(&app, contract, product, "QX3TJ-7WKPD-9HMCV-2BRFG-84YN5").await;
    let ids = [mine.to_string(), second.to_string(), foreign.to_string()];
    let query = format!("/keys/bulk?key_id={}&key_id={}&key_id={}", ids[0], ids[1], ids[2]);
    let html = page(&app, &query, ADMIN).await;
    assert!(html.contains("Edit 2 keys") && html.contains("1 ticked key is left out"));
    let ticked: Vec<(&str, &str)> = ids.iter().map(|id| ("key_id", id.as_str())).collect();
    let back = format!("/contracts/{A}?tab=keys");
    let form = [&ticked[..], &[("set", "note"), ("note", "all"), ("back", back.as_str())]].concat();
    let to = done(&app, "/keys/bulk", ADMIN, &form).await;
    assert!(to.starts_with(&format!("/contracts/{A}?tab=keys&did=changed&n=2&undo=")), "{to}");
    assert!(page(&app, &to, ADMIN).await.contains("Changed 2 things."));
    assert_eq!([note(&app, mine).await, note(&app, second).await, note(&app, foreign).await], ["all", "all", ""]);
    done(&app, &undo_of(&to), ADMIN, &[]).await;
    assert_eq!([note(&app, mine).await, note(&app, second).await], ["", ""]);
    assert_eq!(send(&app, "/keys/bulk", ADMIN, &ticked).await.status(), 422, "nothing to set");
    assert_eq!(send(&app, "/keys/bulk", "keys reader A", &form).await.status(), 403);
    let to = done(&app, "/keys/bulk", ADMIN, &[&ticked[..], &[("do", "archive")]].concat()).await;
    assert!(to.contains("did=archived&n=2"), "{to}");
    app.done().await;
}

/// "Changed since the last import", with what the next one would overwrite.
#[tokio::test]
async fn what_is_newer_than_the_last_import_is_a_list() {
    let (world, app) = portal().await;
    let [key, _] = world.planted.keys;
    app.clock.turn(time::Duration::minutes(5));
    let form = [("location", "Basel"), ("status", "Active")];
    done(&app, &format!("/contracts/{A}/edit"), ADMIN, &form).await;
    done(&app, &format!("/keys/{key}/edit"), ADMIN, &[("note", "lab")]).await;
    let html = page(&app, "/changes?since=import", ADMIN).await;
    assert!(html.contains("The next import may overwrite: ") && html.contains("Location"));
    assert!(html.contains("An import leaves this alone"));
    assert!(page(&app, "/changes?q=lab", ADMIN).await.contains("AAAA7"));
    assert!(page(&app, "/changes?q=basel", "administrator B").await.contains("No change matches"));
    app.clock.turn(time::Duration::minutes(5));
    import(&app, "contracts.csv", &format!("License ID,Organization,Location\n{A},Holder of {A},Zurich\n")).await;
    let html = page(&app, "/changes?since=import", ADMIN).await;
    assert!(html.contains("No change matches"), "{html}");
    assert!(page(&app, "/changes", ADMIN).await.contains("Basel"));
    app.done().await;
}

/// What is in the archive and comes again in a file is kept up to date, and said to be there.
#[tokio::test]
async fn an_import_that_meets_the_archive_says_so() {
    let (world, app) = portal().await;
    let key = world.planted.keys[0].to_string();
    done(&app, "/archive", ADMIN, &[("thing", "key"), ("id", &key)]).await;
    let rows = format!(
        "License ID,Product,Product Key,Type,MAK Activations-Used/Available\n{A},alpha-suite,{CANARY_A},MAK,49/50\n"
    );
    let warnings = import(&app, "keys.csv", &rows).await;
    assert!(warnings.iter().any(|warning| warning.contains("is in the archive and stays there")), "{warnings:?}");
    let stands = "SELECT used || ' ' || (archived_at IS NOT NULL) FROM product_keys WHERE id = $1";
    assert_eq!(text(&app, stands, world.planted.keys[0]).await, "49 true");
    // What can be put away only while nothing hangs on it comes back with what hangs on it.
    let agreement = world.planted.corrected[0].agreement;
    done(&app, "/archive", OPERATOR, &[("thing", "agreement"), ("id", &agreement.to_string())]).await;
    let number = text(&app, "SELECT number FROM agreements WHERE id = $1", agreement).await;
    let rows = format!("License ID,Organization,Parent agreement\n{A},Holder of {A},{number}\n");
    import(&app, "contracts.csv", &rows).await;
    let away = "SELECT (archived_at IS NOT NULL)::text FROM agreements WHERE id = $1";
    assert_eq!(text(&app, away, agreement).await, "false");
    app.done().await;
}

/// Things of the site: names are unique, nothing stands above itself, and nothing goes from under what stays.
#[tokio::test]
async fn what_can_not_stand_is_said_at_its_field() {
    let (world, app) = portal().await;
    let (mine, other) = (world.planted.corrected[0].organization, world.planted.corrected[1].organization);
    let (first, second) = (format!("Holder of {A}"), format!("Holder of {B}"));
    let wrong = async |path: &str, form: &[(&str, &str)], sentence: &str| {
        let answer = send(&app, path, OPERATOR, form).await;
        assert_eq!(answer.status(), 422, "{path}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(sentence), "{path}: {html}");
    };
    wrong("/organizations/new", &[("name", &first)], "There is an organisation of this name already").await;
    wrong(
        "/contracts/new",
        &[("license_id", A), ("organization_id", &first), ("status", "Active")],
        "There is a License ID with this number already",
    )
    .await;
    wrong(
        "/contracts/new",
        &[("license_id", "5.51E+09"), ("organization_id", "Nobody"), ("status", "")],
        "There is no organisation of this name",
    )
    .await;
    wrong(
        "/products/new",
        &[("name", "alpha-suite"), ("category", "x"), ("family", "x"), ("needs_key", "yes")],
        "There is a product of this name already",
    )
    .await;
    let to = done(&app, &format!("/organizations/{other}/edit"), OPERATOR, &[("name", &second), ("parent_id", &first)])
        .await;
    assert!(to.contains("did=changed"), "{to}");
    wrong(&format!("/organizations/{mine}/edit"), &[("name", &first), ("parent_id", &second)], "stands below it").await;
    let id = mine.to_string();
    assert_eq!(send(&app, "/archive", OPERATOR, &[("thing", "organization"), ("id", &id)]).await.status(), 409);
    // A new one, with nothing under it, is added, put away and brought back.
    let to = done(&app, "/organizations/new", OPERATOR, &[("name", "Fourth Coffee")]).await;
    let id = to.split('/').nth(2).unwrap();
    done(&app, "/archive", OPERATOR, &[("thing", "organization"), ("id", id)]).await;
    assert!(!page(&app, "/organizations", OPERATOR).await.contains("Fourth Coffee"));
    assert!(page(&app, "/archive?thing=organization", OPERATOR).await.contains("Fourth Coffee"));
    done(&app, "/archive/restore", OPERATOR, &[("thing", "organization"), ("id", id)]).await;
    assert!(page(&app, "/organizations", OPERATOR).await.contains("Fourth Coffee"));
    app.done().await;
}

/// New ones: a License ID by an operator, an order by its Administrator, and what each brings along.
#[tokio::test]
async fn license_ids_and_orders_are_added_by_hand() {
    let (_, app) = portal().await;
    let holder = format!("Holder of {A}");
    let form =
        [("license_id", "0009"), ("organization_id", holder.as_str()), ("status", "Active"), ("message", "signed")];
    let to = done(&app, "/contracts/new", OPERATOR, &form).await;
    assert!(to.starts_with("/contracts/0009/edit?did=added"), "{to}");
    assert!(page(&app, &to, OPERATOR).await.contains("signed"));
    let order = |license_id: &'static str| {
        [
            ("license_id", license_id),
            ("description", "alpha-suite"),
            ("part_number", "P9"),
            ("quantity", "1,250"),
            ("reseller_order_no", "R9"),
            ("ordered_on", "2026-11-01"),
        ]
    };
    for _ in 0..2 {
        done(&app, "/orders/new", ADMIN, &order(A)).await;
    }
    let html = page(&app, "/orders?q=P9", ADMIN).await;
    assert!(html.contains("1,250") && html.contains("1–2 of 2"), "an equal line is a second line");
    let answer = send(&app, "/orders/new", ADMIN, &order(B)).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("You administer no License ID with this number."));
    app.done().await;
}

/// Accounts: an operator adds, renames, disables and enables; the first password is shown once and signs in.
#[tokio::test]
async fn an_operator_looks_after_accounts_and_never_sets_the_password_of_one_that_exists() {
    let (world, app) = portal().await;
    let form = [("email", "New.Person@keyward.example"), ("name", "New Person")];
    let answer = send(&app, "/accounts", OPERATOR, &form).await;
    assert_eq!(answer.status(), 200);
    let html = answer.text().await.unwrap();
    let password = html.split("secret-text\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(password.len(), 20);
    assert!(!page(&app, "/accounts", OPERATOR).await.contains(&password), "shown once");
    let sign_in = [("email", "new.person@keyward.example"), ("password", password.as_str())];
    assert_eq!(app.post("/sign-in", None, &sign_in).await.status(), 303);
    let answer = send(&app, "/accounts", OPERATOR, &form).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("There is an account with this address already"));

    let reader = world.person("keys reader A").unwrap();
    let to = done(&app, &format!("/accounts/{reader}/disable"), OPERATOR, &[]).await;
    assert_eq!(status(&app, "/products", "keys reader A").await, 303, "their session ended");
    assert!(page(&app, &to, OPERATOR).await.contains(&format!("/accounts/{reader}/enable")));
    done(&app, &format!("/accounts/{reader}/enable"), OPERATOR, &[]).await;
    done(&app, &format!("/accounts/{reader}/name"), OPERATOR, &[("name", "Another Name")]).await;
    assert!(page(&app, "/accounts?q=another", OPERATOR).await.contains("keys.reader.a@keyward.example"));
    let own = world.person(OPERATOR).unwrap();
    assert_eq!(send(&app, &format!("/accounts/{own}/disable"), OPERATOR, &[]).await.status(), 409);
    assert_eq!(status(&app, "/accounts", ADMIN).await, 403);
    app.done().await;
}

/// A site operator reads no key through an account of his own making; and its password is somebody's own before it is
/// good for anything.
#[tokio::test]
async fn whoever_makes_an_account_does_not_name_it_administrator_and_its_password_is_changed_first() {
    let (world, app) = portal().await;
    let admin_b = world.person("administrator B").unwrap();
    done(&app, &format!("/accounts/{admin_b}/disable"), OPERATOR, &[]).await;
    let email = "puppet@keyward.example";
    let html = send(&app, "/accounts", OPERATOR, &[("email", email), ("name", "Puppet")]).await.text().await.unwrap();
    let password = html.split("secret-text\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let why = "You made this account: another site operator names it, or the command line.";
    let form = [("email", email), ("role", "administrator"), ("license_id", B), ("until", "")];
    let answer = send(&app, "/people/grants", OPERATOR, &form).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains(why));
    let check = format!("/people/give?step=check&emails={email}&numbers={B}&role=administrator");
    assert!(page(&app, &check, OPERATOR).await.contains(why));

    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let puppet: Uuid =
        sqlx::query_scalar("SELECT id FROM people WHERE email = $1").bind(email).fetch_one(&mut *tx).await.unwrap();
    drop(tx);
    app.sign_in(puppet).await;
    let puppet = Some(puppet);
    for path in ["/", "/contracts", "/notices", "/confirm"] {
        assert_eq!(app.get(path, puppet).await.headers()["location"], "/account", "{path}");
    }
    assert!(app.get("/account", puppet).await.text().await.unwrap().contains("was shown its password"));
    let change = async |new: &str| {
        let form = [("current", password.as_str()), ("new", new), ("again", new)];
        app.post("/account/password", puppet, &form).await.status().as_u16()
    };
    assert_eq!(change(&password).await, 422, "the same one is still known");
    assert_eq!(change("quite another long password").await, 303);
    assert_eq!(app.get("/", puppet).await.status(), 200);
    assert!(page(&app, &check, OPERATOR).await.contains(why), "whoever changed it may have been the one who made it");
    app.done().await;
}

/// DOMAIN §1, Status: what blocks a License ID isn't its Administrator's to set or to lift.
#[tokio::test]
async fn an_administrator_neither_sets_nor_lifts_organization_not_approved() {
    let (world, app) = portal().await;
    let [contract, _] = world.planted.contracts;
    let edit = format!("/contracts/{A}/edit");
    let closed = "organization Not approved";
    let answer = send(&app, &edit, ADMIN, &[("status", closed), ("location", "Basel")]).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("Only a site operator can say that"));
    done(&app, &edit, ADMIN, &[("status", "Expired")]).await;
    let holder = format!("Holder of {A}");
    let set = done(&app, &edit, OPERATOR, &[("status", closed), ("organization_id", &holder)]).await;
    let order = world.planted.corrected[0].order.to_string();
    for (path, form) in [
        (edit.as_str(), &[("status", "Active")][..]),
        (&undo_of(&set), &[]),
        ("/archive", &[("thing", "order"), ("id", &order)]),
    ] {
        let status = send(&app, path, ADMIN, form).await.status();
        assert!(status == 403 || status == 404, "{path}: {status}");
    }
    let lifted = done(&app, &edit, OPERATOR, &[("status", "Active"), ("organization_id", &holder)]).await;
    // The operator lifted it: taking that back would set it again.
    assert_eq!(send(&app, &undo_of(&lifted), ADMIN, &[]).await.status(), 409);
    assert_eq!(text(&app, "SELECT status FROM contracts WHERE id = $1", contract).await, "Active");
    app.done().await;
}

/// An order typed by hand opens no product: the downloads of one come with keys, and with imported orders.
#[tokio::test]
async fn an_order_by_hand_covers_nothing_new() {
    let (world, app) = portal().await;
    let form = [
        ("license_id", A),
        ("description", "beta-suite"),
        ("part_number", "P9"),
        ("quantity", "1"),
        ("reseller_order_no", "R9"),
        ("ordered_on", "2026-11-01"),
    ];
    done(&app, "/orders/new", ADMIN, &form).await;
    let covered = "SELECT count(*)::text FROM contract_products cp JOIN products p ON p.id = cp.product_id WHERE cp.contract_id = $1 AND p.name = 'beta-suite'";
    assert_eq!(text(&app, covered, world.planted.contracts[0]).await, "0");
    app.done().await;
}

/// What stops an own application's activations wants the password: no form of ours goes around it.
#[tokio::test]
async fn a_key_of_an_own_application_is_not_blocked_or_archived_by_hand() {
    let (world, app) = portal().await;
    let own = world.planted.own[0];
    let (id, edit) = (own.key.to_string(), format!("/keys/{}/edit", own.key));
    let html = page(&app, &format!("/keys/{id}"), ADMIN).await;
    assert!(!html.contains("name=\"blocked_at\"") && !html.contains("action=\"/archive\""));
    assert!(html.contains(&format!("/activation/{}/keys/{id}", own.application)));
    for (path, form) in [
        (edit.as_str(), &[("note", "x"), ("blocked_at", "yes")][..]),
        (&edit, &[("superseded_at", "yes")]),
        ("/archive", &[("thing", "key"), ("id", &id)]),
        ("/keys/bulk", &[("key_id", &id), ("do", "archive")]),
    ] {
        let answer = send(&app, path, ADMIN, form).await;
        assert_eq!(answer.status(), 409, "{path}");
        assert!(answer.text().await.unwrap().contains("under Activation"), "{path}");
    }
    // Among others it is named, and the others stay too.
    let (other, five) = (
        world.planted.keys[0].to_string(),
        text(&app, "SELECT last_five FROM product_keys WHERE id = $1", own.key).await,
    );
    let answer = send(&app, "/keys/bulk", ADMIN, &[("key_id", &other), ("key_id", &id), ("do", "archive")]).await;
    let said = answer.text().await.unwrap();
    let product = "SELECT p.name FROM products p JOIN product_keys k ON k.product_id = p.id WHERE k.id = $1";
    let named = format!("Leave out of what you tick: {} …{five}, License ID", text(&app, product, own.key).await);
    assert!(said.contains("Nothing was archived") && said.contains(&named), "{said}");
    let away = "SELECT (archived_at IS NOT NULL)::text FROM product_keys WHERE id = $1";
    assert_eq!(text(&app, away, world.planted.keys[0]).await, "false");
    // A note lifts no block.
    execute(&app, &format!("UPDATE product_keys SET blocked_at = app_now() WHERE id = '{id}'")).await;
    done(&app, &edit, ADMIN, &[("note", "kept")]).await;
    let blocked = "SELECT note || ' ' || (blocked_at IS NOT NULL) FROM product_keys WHERE id = $1";
    assert_eq!(text(&app, blocked, own.key).await, "kept true");
    app.done().await;
}

/// What comes back takes along what it stands under; else nobody would see it.
#[tokio::test]
async fn what_is_restored_brings_back_what_is_above_it() {
    let (world, app) = portal().await;
    let ([contract, _], key) = (world.planted.contracts, world.planted.keys[0]);
    execute(&app, "UPDATE applications SET closed_at = app_now()").await;
    let away = done(&app, "/archive", ADMIN, &[("thing", "contract"), ("id", &contract.to_string())]).await;
    let above = "UPDATE organizations SET archived_at = app_now() WHERE id =";
    execute(&app, &format!("{above} '{}'", world.planted.corrected[0].organization)).await;
    done(&app, &undo_of(&away), ADMIN, &[]).await;
    let stands = "SELECT (o.archived_at IS NULL)::text FROM organizations o JOIN contracts c ON c.organization_id = o.id WHERE c.id = $1";
    assert_eq!(text(&app, stands, contract).await, "true");
    let form = [("thing", "key"), ("id", &key.to_string())];
    done(&app, "/archive", ADMIN, &form).await;
    execute(&app, "UPDATE products SET archived_at = app_now() WHERE name = 'alpha-suite'").await;
    done(&app, "/archive/restore", ADMIN, &form).await;
    let stands = "SELECT (p.archived_at IS NULL)::text FROM products p JOIN product_keys k ON k.product_id = p.id WHERE k.id = $1";
    assert_eq!(text(&app, stands, key).await, "true");
    app.done().await;
}

/// A key typed where a License ID or a count belongs is refused, and not sent back.
#[tokio::test]
async fn a_key_typed_as_a_license_id_or_a_count_is_refused_and_not_sent_back() {
    let (world, app) = portal().await;
    let reading = format!("/keys/{}/reading", world.planted.keys[0]);
    let holder = format!("Holder of {A}");
    let contract = [("license_id", CANARY_A), ("organization_id", &holder), ("status", "Active")];
    let count = [("used", CANARY_A), ("total", CANARY_A), ("read_on", CANARY_A), ("source", "mail")];
    for (path, actor, form) in [
        ("/contracts/new", OPERATOR, &contract[..]),
        ("/contacts/new", ADMIN, &[("license_id", CANARY_A)]),
        ("/orders/new", ADMIN, &[("license_id", CANARY_A)]),
        (&reading, ADMIN, &count),
    ] {
        let answer = send(&app, path, actor, form).await;
        assert_eq!(answer.status(), 422, "{path}");
        let html = answer.text().await.unwrap();
        assert!(html.contains("This looks like a product key"), "{path}");
        assert!(!holds(html.as_bytes(), CANARY_A), "{path}");
    }
    app.done().await;
}

/// DOMAIN §1, "Orders": Up for Renewal and Step-up are of Select Plus. Said, taken back to "not said", and refused under
/// another programme, whose form doesn't ask.
#[tokio::test]
async fn domain_1_up_for_renewal_and_step_up_are_for_select_plus_only() {
    let (world, app) = portal().await;
    let order = world.planted.orders[0];
    let edit = format!("/orders/{order}/edit");
    let under = async |program: &str| {
        execute(&app, &format!("UPDATE contracts SET program = '{program}' WHERE license_id = '{A}'")).await;
    };
    let form = |renewal: &'static str, step_up: &'static str| {
        [
            ("description", "A suite"),
            ("part_number", "P1"),
            ("quantity", "1"),
            ("reseller_order_no", "R1"),
            ("customer_order_no", "C1"),
            ("ordered_on", "2026-01-01"),
            ("reseller", "Reseller"),
            ("country", "Switzerland"),
            ("license_id", A),
            ("up_for_renewal", renewal),
            ("step_up", step_up),
        ]
    };
    let told = "SELECT concat(up_for_renewal::text, ',', step_up::text) FROM orders WHERE id = $1";
    // Under a programme that isn't known yet it can be said, as under Select Plus.
    for program in ["", "Select Plus"] {
        under(program).await;
        assert!(page(&app, &edit, ADMIN).await.contains("name=\"up_for_renewal\""), "{program}");
        let to = done(&app, &edit, ADMIN, &form("yes", "no")).await;
        assert_eq!(text(&app, told, order).await, "true,false", "{program}");
        let html = page(&app, &to, ADMIN).await;
        assert!(
            html.contains("Up for Renewal") && html.contains("<option value=\"no\" selected>No</option>"),
            "{html}"
        );
        done(&app, &undo_of(&to), ADMIN, &[]).await;
        assert_eq!(text(&app, told, order).await, ",", "{program}: taken back to nothing said");
    }
    done(&app, &edit, ADMIN, &form("yes", "")).await;
    under("Enterprise").await;
    for (path, form) in [(&*edit, form("yes", "")), ("/orders/new", form("", "no"))] {
        let answer = send(&app, path, ADMIN, &form).await;
        assert_eq!(answer.status(), 422, "{path}");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains("Only orders under Select Plus have this, and this License ID is under Enterprise."),
            "{html}"
        );
    }
    // What was said before stands until it is taken off; then the form asks no more.
    assert_eq!(text(&app, told, order).await, "true,");
    assert!(page(&app, &edit, ADMIN).await.contains("name=\"up_for_renewal\""));
    done(&app, &edit, ADMIN, &form("", "")).await;
    assert_eq!(text(&app, told, order).await, ",");
    assert!(!page(&app, &edit, ADMIN).await.contains("name=\"up_for_renewal\""));
    app.done().await;
}

/// Whoever has all his License IDs in the archive is told that, with the way there, and not that he holds nothing.
#[tokio::test]
async fn whose_license_ids_are_all_archived_is_led_to_the_archive() {
    let (_, app) = portal().await;
    execute(&app, &format!("UPDATE contracts SET archived_at = app_now() WHERE license_id = '{A}'")).await;
    for path in ["/", "/contracts", "/contracts/summary", "/orders", "/products", "/products/rds"] {
        let html = page(&app, path, ADMIN).await;
        assert!(
            html.contains("All your License IDs are in the archive") && !html.contains("You hold no role"),
            "{path}"
        );
        assert!(html.contains("href=\"/contracts?archived=only\""), "{path}");
        let html = page(&app, path, "keys reader A").await;
        assert!(html.contains("None of your License IDs shows now"), "{path}: a reader’s role is there all the same");
        assert!(!html.contains("You hold no role") && !html.contains(A), "{path}");
        let html = page(&app, path, "no grant").await;
        assert!(html.contains("You hold no role yet") && !html.contains("archive"), "{path}");
    }
    assert!(page(&app, "/contracts?archived=only", ADMIN).await.contains(A));
    app.done().await;
}

/// An agreement is put under an MBSA by hand and taken out again; two levels are all there are.
#[tokio::test]
async fn contracts_faq_an_agreement_stands_under_an_mbsa_and_that_under_none() {
    let (world, app) = portal().await;
    let first = world.planted.corrected[0].agreement;
    let number = text(&app, "SELECT number FROM agreements WHERE id = $1", first).await;
    let add = async |number: &str, mbsa: &str| {
        let to = done(&app, "/agreements/new", OPERATOR, &[("number", number), ("mbsa_id", mbsa)]).await;
        to.split('/').nth(2).unwrap().to_owned()
    };
    let mbsa = add("U1234567", "").await;
    let edit = |id: &str| format!("/agreements/{id}/edit");
    let to = done(&app, &edit(&first.to_string()), OPERATOR, &[("number", &number), ("mbsa_id", "U1234567")]).await;
    let html = page(&app, &to, OPERATOR).await;
    assert!(html.contains("value=\"U1234567\"") && html.contains("Under MBSA"), "{html}");
    let html = page(&app, "/organizations?kind=agreements", OPERATOR).await;
    assert!(html.contains("Under MBSA") && html.contains(">U1234567<"), "{html}");
    let wrong = async |path: &str, form: &[(&str, &str)], sentence: &str| {
        let answer = send(&app, path, OPERATOR, form).await;
        assert_eq!(answer.status(), 422, "{path}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(sentence), "{path}: {html}");
    };
    wrong(&edit(&mbsa), &[("number", "U1234567"), ("mbsa_id", "U1234567")], "An agreement can’t stand under itself.")
        .await;
    wrong(&edit(&mbsa), &[("number", "U1234567"), ("mbsa_id", &number)], "That agreement stands under an MBSA itself.")
        .await;
    let other = add("4E7", "").await;
    wrong(&edit(&mbsa), &[("number", "U1234567"), ("mbsa_id", "4E7")], "Other agreements stand under this one").await;
    wrong("/agreements/new", &[("number", "4E8"), ("mbsa_id", &number)], "That agreement stands under an MBSA itself.")
        .await;
    wrong("/agreements/new", &[("number", "4E8"), ("mbsa_id", "nowhere")], "There is no agreement of this number.")
        .await;
    // Nothing goes from under what stays, and what comes back brings back what is above it.
    let away = |id: &str| [("thing", "agreement".to_owned()), ("id", id.to_owned())];
    let form = |pairs: &[(&'static str, String); 2]| pairs.clone().map(|(name, value)| (name, value));
    let post = async |path: &str, id: &str| {
        let pairs = form(&away(id));
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(&app, path, OPERATOR, &pairs).await.status().as_u16()
    };
    assert_eq!(post("/archive", &mbsa).await, 409);
    // Taken back after the other has come to have one below it: it stays, and is named.
    let back = done(&app, &edit(&first.to_string()), OPERATOR, &[("number", &number), ("mbsa_id", "")]).await;
    done(&app, &edit(&other), OPERATOR, &[("number", "4E7"), ("mbsa_id", &number)]).await;
    let answer = send(&app, &undo_of(&back), OPERATOR, &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains(&number));
    done(&app, &edit(&other), OPERATOR, &[("number", "4E7"), ("mbsa_id", "")]).await;
    done(&app, &edit(&other), OPERATOR, &[("number", "4E7"), ("mbsa_id", "U1234567")]).await;
    assert_eq!((post("/archive", &other).await, post("/archive", &mbsa).await), (303, 303));
    assert_eq!(post("/archive/restore", &other).await, 303);
    let archived = "SELECT (archived_at IS NOT NULL)::text FROM agreements WHERE id = $1";
    assert_eq!(text(&app, archived, mbsa.parse().unwrap()).await, "false");
    app.done().await;
}
