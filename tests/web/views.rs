//! Saved views: what is saved, who has it, and that its number is the list's own at this moment.

use keyward::{postgres::Scope, views::model::List};
use uuid::Uuid;

use super::world::{A, page, world};
use crate::support::app::App;

/// Sends a form; the status, where it leads, and the page.
async fn post(app: &App, path: &str, actor: &str, form: &[(&str, &str)]) -> (u16, String, String) {
    let answer = app.post(path, world().await.person(actor), form).await;
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), to, answer.text().await.unwrap())
}

async fn save(app: &App, actor: &str, list: &str, query: &str, name: &str) -> (u16, String, String) {
    post(app, "/views", actor, &[("list", list), ("query", query), ("name", name)]).await
}

/// What stands in a row: the text between its name and `</tr>`.
fn row<'a>(html: &'a str, name: &str) -> &'a str {
    let from = html.find(&format!(">{name}<")).unwrap_or_else(|| panic!("no {name}"));
    html[from..].split("</tr>").next().unwrap()
}

fn number(html: &str, name: &str) -> Option<u64> {
    let (_, rest) = row(html, name).split_once("data-view-count>")?;
    rest.split('<').next()?.replace(',', "").parse().ok()
}

/// The `N` of `1–50 of N` on a list; none where it has no row.
fn of_n(html: &str) -> u64 {
    let Some((_, rest)) = html.split_once("data-pager-range>") else { return 0 };
    rest.split('<').next().unwrap().rsplit(' ').next().unwrap().replace(',', "").parse().unwrap()
}

async fn actions(app: &App) -> Vec<(String, String)> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_as("SELECT action, subject FROM audit_events WHERE action LIKE 'view.%' ORDER BY seq")
        .fetch_all(&mut *tx)
        .await
        .unwrap()
}

/// The forms' ids of a person's views by name.
async fn id_of(app: &App, name: &str) -> Uuid {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query_scalar("SELECT id FROM saved_views WHERE name = $1").bind(name).fetch_one(&mut *tx).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_views_number_is_what_its_list_says() {
    let app = world().await.app().await;
    let filters = [
        (
            List::Contracts,
            vec!["", "archived=only", "q=111", "program=Enterprise&sort=-end", "status=Gone", "expired=only"],
        ),
        (List::Products, vec!["", "archived=only", "q=alpha", "category=Windows&sort=-keys", "keys=used-up"]),
        (
            List::Orders,
            vec![
                "",
                "archived=only",
                "archived=only&q=nothing",
                "q=suite",
                "license_id=1111111&sort=quantity",
                "only=esu",
                "country=Nowhere",
            ],
        ),
        (List::Requests, vec!["", "state=all", "who=decide", "kind=access"]),
        (List::People, vec!["", "role=administrator", "q=keys"]),
        (List::Activation, vec!["", "show=waiting", "show=spent"]),
        (List::Organizations, vec!["", "kind=products", "kind=contracts&q=111", "archived=only"]),
        (List::Accounts, vec!["", "q=administrator"]),
        (List::Archive, vec!["", "thing=order", "q=nothing"]),
        (List::Changes, vec!["", "since=import", "thing=order"]),
        (List::Audit, vec!["", "action=view.save", "person=nobody"]),
    ];
    for actor in ["administrator A", "site operator", "auditor", "keys reader A"] {
        for (list, queries) in &filters {
            let open = app.get(list.path(), world().await.person(actor)).await.status() == 200;
            for (at, query) in queries.iter().enumerate() {
                let name = format!("{} {at}", list.label());
                let (status, to, html) = save(&app, actor, list.path(), query, &name).await;
                if !open {
                    assert_eq!(status, 403, "{name} as {actor}: {html}");
                    continue;
                }
                assert_eq!(status, 303, "{name} as {actor}: {html}");
                assert!(to.starts_with(list.path()) && to.contains("did=view"), "{to}");
            }
        }
        // Saved all of them first: the log itself is one of the lists, and grows by saving.
        let views = page(&app, "/views", actor).await;
        for (list, queries) in &filters {
            for (at, query) in queries.iter().enumerate() {
                let name = format!("{} {at}", list.label());
                if !views.contains(&format!(">{name}<")) {
                    assert_eq!(app.get(list.path(), world().await.person(actor)).await.status(), 403);
                    continue;
                }
                let shown = page(&app, &format!("{}?{query}", list.path()), actor).await;
                match number(&views, &name) {
                    Some(number) => assert_eq!(number, of_n(&shown), "{name} ({query}) as {actor}"),
                    None => {
                        let bare = page(&app, list.path(), actor).await;
                        let closed = bare.contains("#lock\"") && !bare.contains("data-pager-range");
                        assert!(closed && of_n(&shown) == 0, "{name} as {actor} has no number though it is open");
                    }
                }
            }
        }
    }
    app.done().await;
}

#[tokio::test]
async fn a_view_counts_the_archived_rows_that_its_list_shows() {
    let world = world().await;
    let app = world.app().await;
    let order = world.planted.corrected[0].order.to_string();
    assert_eq!(post(&app, "/archive", "administrator A", &[("thing", "order"), ("id", &order)]).await.0, 303);
    for (query, name, words, rows) in [
        ("", "In force", "What the list shows by itself", 0),
        ("archived=only&license_id=1111111", "Away", "License ID: 1111111, Only archived", 1),
        ("archived=shown", "Both", "With archived", 1),
        ("archived=only&license_id=2222222", "Elsewhere", "License ID: 2222222, Only archived", 0),
    ] {
        assert_eq!(save(&app, "administrator A", "/orders", query, name).await.0, 303);
        let html = page(&app, "/views", "administrator A").await;
        assert_eq!(number(&html, name), Some(rows), "{name}");
        assert!(row(&html, name).contains(words), "{name}: {}", row(&html, name));
    }
    // Whoever brings nothing back has a view of what is in force.
    assert_eq!(save(&app, "position reader A", "/orders", "archived=only&q=suite", "Mine").await.0, 303);
    let html = page(&app, "/views", "position reader A").await;
    assert_eq!(number(&html, "Mine"), Some(0));
    assert!(row(&html, "Mine").contains("Search: suite") && !row(&html, "Mine").contains("rchived"));
    app.done().await;
}

#[tokio::test]
async fn a_number_follows_the_roles_from_the_next_request_on() {
    let world = world().await;
    let app = world.app().await;
    let me = world.person("administrator A").unwrap();
    save(&app, "administrator A", "/contracts", "", "All mine").await;
    save(&app, "administrator A", "/people", "", "My people").await;
    let before = page(&app, "/views", "administrator A").await;
    assert_eq!(number(&before, "All mine"), Some(1));
    let grant = app.grant(me, "license-position-reader", world.planted.contracts[1]).await;
    assert_eq!(number(&page(&app, "/views", "administrator A").await, "All mine"), Some(2), "a role more");
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    for taken in [grant, world.planted.grants[0]] {
        sqlx::query("UPDATE grants SET revoked_at = granted_at WHERE id = $1")
            .bind(taken)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let after = page(&app, "/views", "administrator A").await;
    for name in ["All mine", "My people"] {
        assert!(row(&after, name).contains("You may no longer open this list"), "{name}");
        assert_eq!(number(&after, name), None, "{name}");
    }
    assert!(!after.contains("href=\"/people?") && !row(&after, "My people").contains("href=\"/people"), "no way in");
    app.done().await;
}

#[tokio::test]
async fn views_are_ones_own_and_open_nothing_but_lists() {
    let app = world().await.app().await;
    let planted = world().await.planted.views;
    let html = page(&app, "/views", "administrator A").await;
    assert!(html.contains(&format!("Planted {A}")) && !html.contains("Planted 2222222"));
    let foreign = format!("/views/{}/delete", planted[1]);
    let absent = format!("/views/{}/delete", Uuid::from_u128(7));
    assert_eq!(post(&app, &foreign, "administrator A", &[]).await.0, 404);
    assert_eq!(post(&app, &absent, "administrator A", &[]).await.0, 404);
    assert!(page(&app, "/views", "administrator B").await.contains("Planted 2222222"), "it is there still");
    for elsewhere in ["", "/", "https://evil.example/", "//evil.example", "/sign-out", "/contracts/summary"] {
        assert_eq!(save(&app, "administrator A", elsewhere, "", "x").await.0, 400, "{elsewhere}");
    }
    let (status, to, _) =
        save(&app, "administrator A", "contracts", "q=a%26b&page=7&next=//evil.example&sort=end", "Kept").await;
    assert_eq!((status, to.as_str()), (303, "/contracts?q=a%26b&sort=end&did=view"));
    let html = page(&app, "/views?list=contracts", "administrator A").await;
    assert!(
        html.contains("href=\"/contracts?q=a%26b&#38;sort=end\"") || html.contains("/contracts?q=a%26b&amp;sort=end"),
        "{html}"
    );
    assert!(page(&app, &to, "administrator A").await.contains("The view stands under Views"));
    app.done().await;
}

#[tokio::test]
async fn a_view_is_renamed_moved_deleted_and_had_back() {
    let app = world().await.app().await;
    let me = "administrator A";
    for name in ["One", "Two"] {
        assert_eq!(save(&app, me, "/orders", "q=suite", name).await.0, 303);
    }
    let two = id_of(&app, "Two").await;
    let at = |html: &str, name: &str| html.find(&format!(">{name}<")).unwrap();
    let html = page(&app, "/views?list=orders", me).await;
    assert!(at(&html, "One") < at(&html, "Two") && !html.contains("Planted"), "one list alone");
    let (status, to, _) = post(&app, &format!("/views/{two}/move"), me, &[("to", "up"), ("list", "orders")]).await;
    assert!(status == 303 && to.starts_with("/views?list=orders"), "{to}");
    let html = page(&app, "/views", me).await;
    assert!(at(&html, "Two") < at(&html, "One"));
    assert_eq!(post(&app, &format!("/views/{two}/move"), me, &[("to", "sideways")]).await.0, 400);

    let (status, _, html) = post(&app, &format!("/views/{two}/rename"), me, &[("name", " one ")]).await;
    assert!(status == 422 && html.contains("You have a view “One” of this list already"), "{status}");
    let (_, to, _) = post(&app, &format!("/views/{two}/rename"), me, &[("name", "Zwei <b>")]).await;
    assert!(page(&app, &to, me).await.contains("The view is called “Zwei &#60;b&#62;” now."));

    let (_, to, _) = post(&app, &format!("/views/{two}/delete"), me, &[]).await;
    let html = page(&app, &to, me).await;
    assert!(html.contains(&format!("action=\"/views/{two}/restore\"")) && !html.contains("data-view-name>Zwei"));
    assert_eq!(post(&app, &format!("/views/{two}/rename"), me, &[("name", "x")]).await.0, 404, "it is gone");
    // Its name is free meanwhile, and then can't be had back.
    assert_eq!(save(&app, me, "/orders", "", "zwei <B>").await.0, 303);
    assert_eq!(post(&app, &format!("/views/{two}/restore"), me, &[]).await.0, 409);
    let other = id_of(&app, "zwei <B>").await;
    post(&app, &format!("/views/{other}/delete"), me, &[]).await;
    let (status, to, _) = post(&app, &format!("/views/{two}/restore"), me, &[]).await;
    assert_eq!(status, 303);
    assert!(page(&app, &to, me).await.contains("“Zwei &#60;b&#62;” is back."));
    assert_eq!(post(&app, &format!("/views/{two}/restore"), me, &[]).await.0, 409, "once");
    let said = actions(&app).await;
    for (action, subject) in [
        ("view.save", "“Two” of Orders"),
        ("view.move", "“Two” of Orders"),
        ("view.rename", "“Zwei <b>” of Orders"),
        ("view.delete", "“Zwei <b>” of Orders"),
        ("view.restore", "“Zwei <b>” of Orders"),
    ] {
        assert!(said.contains(&(action.into(), subject.into())), "{action}: {said:?}");
    }
    // A day later nothing is left of what was deleted.
    app.clock.turn(time::Duration::hours(25));
    app.sign_in(world().await.person(me).unwrap()).await;
    assert_eq!(save(&app, me, "/orders", "", "Three").await.0, 303);
    assert_eq!(post(&app, &format!("/views/{other}/restore"), me, &[]).await.0, 404);
    app.done().await;
}

#[tokio::test]
async fn what_cannot_be_saved_is_said_at_the_field() {
    let app = world().await.app().await;
    let me = "no grant";
    let key = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";
    let long = "x".repeat(81);
    for (name, why) in
        [("", "Give the view a name"), (long.as_str(), "at most 80 characters"), (key, "looks like a product key")]
    {
        let (status, _, html) = save(&app, me, "/orders", "q=suite", name).await;
        assert!(status == 422 && html.contains(why), "{name}: {status}");
        assert!(html.contains("name=\"query\" value=\"q=suite\"") && !html.contains("7WKPD"), "{name}");
    }
    let (status, _, html) = save(&app, me, "/orders", &format!("q={key}"), "With a key").await;
    assert!(status == 422 && html.contains("holds a whole product key") && !html.contains("7WKPD"));
    let (status, _, html) = save(&app, me, "/orders", &format!("q={}", "y".repeat(2_100)), "Long").await;
    assert!(status == 422 && html.contains("too long"));
    for at in 0..20 {
        assert_eq!(save(&app, me, "/orders", "", &format!("View {at}")).await.0, 303);
    }
    let (status, _, html) = save(&app, me, "/orders", "", "One too many").await;
    assert!(status == 422 && html.contains("You have 20 views of this list"));
    for at in 0..30 {
        let list = if at < 15 { "/contracts" } else { "/requests" };
        assert_eq!(save(&app, me, list, "", &format!("View {at}")).await.0, 303);
    }
    let (status, _, html) = save(&app, me, "/products", "", "One too many").await;
    assert!(status == 422 && html.contains("You have 50 saved views"));
    assert!(!page(&app, "/views", me).await.contains("data-view-name>One too many"));
    app.done().await;
}

#[tokio::test]
async fn the_search_for_everything_finds_ones_own_views() {
    let app = world().await.app().await;
    let found = page(&app, "/find?q=planted+1", "administrator A").await;
    assert!(
        found.contains("Saved views")
            && found.contains(&format!("Planted {A}"))
            && found.contains("/contracts?q=1111111")
    );
    let found = page(&app, "/find?q=planted+2222222", "administrator A").await;
    assert!(!found.contains("/contracts?q=2222222"), "another's view");
    app.done().await;
}

/// The list's own table.
fn table(html: &str) -> &str {
    let from = html.find("<div class=\"wide-table\">").expect("a list with rows");
    html[from..].split("</table>").next().unwrap()
}

#[tokio::test]
async fn columns_that_are_not_shown_are_not_sent() {
    let app = world().await.app().await;
    for (list, lead, other, columns) in [
        ("/contracts", "license_id", "status", 7),
        ("/products", "name", "keys", 4),
        ("/orders", "description", "country", 8),
        ("/requests", "number", "due", 6),
        ("/people", "person", "status", 3),
        ("/audit", "action", "outcome", 7),
    ] {
        if list == "/audit" {
            save(&app, "auditor", "/audit", "", "So that there is an event").await;
        }
        let actor = if list == "/audit" { "auditor" } else { "administrator A" };
        let shown = async |query: &str| page(&app, &format!("{list}?{query}"), actor).await;
        let headings = |html: &str| table(html).matches("<th scope=\"col\"").count();
        assert_eq!(headings(&shown("").await), columns, "{list}");
        assert_eq!(headings(&shown("columns=secret.sealed").await), columns, "{list}: unknown names say nothing");
        let html = shown(&format!("columns={lead}")).await;
        let alone = table(&html);
        assert_eq!(headings(&html), 1, "{list}");
        assert!(!alone.contains("data-label=") && !alone.contains("class=\"grants\""), "{list}: {alone}");
        let html = shown(&format!("columns={other}&columns=x.y&page=1")).await;
        assert_eq!((headings(&html), table(&html).matches("data-label=").count() > 0), (2, true), "{list}");
        let kept = format!("columns={lead}.{other}");
        for link in
            table(&html).split("<thead>").nth(1).unwrap().split("</thead>").next().unwrap().split("href=\"/").skip(1)
        {
            assert!(link.starts_with("static") || link.contains(&kept), "{list}: {link}");
        }
        assert!(
            html.contains(&format!("name=\"columns\" value=\"{lead}.{other}\"")),
            "{list}: the filters' form keeps them"
        );
    }
    app.done().await;
}
