//! Lists with `archived=only`: the archived rows by the list's own filters, sort and pages, with who put them away and
//! why; nothing that a live list does besides.

use keyward::postgres::Scope;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::world::{A, page, world};
use crate::support::app::App;

const ADMIN: &str = "administrator A";
const OPERATOR: &str = "site operator";

/// Sends a form that shall do what it says.
async fn done(app: &App, path: &str, actor: &str, form: &[(&str, &str)]) {
    let answer = app.post(path, world().await.person(actor), form).await;
    assert_eq!(answer.status(), 303, "{path} as {actor}");
}

async fn execute(app: &App, statement: &str) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// So many archived lines more under License ID A, each an hour older than the one before; every third is of ESU, every
/// other was sold by Harbour.
async fn put_away(app: &App, contract: Uuid, lines: u32) {
    execute(
        app,
        &format!(
            "INSERT INTO orders (id, contract_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller,
                 part_number, description, quantity, country, archived_at)
             SELECT gen_random_uuid(), '{contract}', 'R' || n, 'PO', app_now()::date - n, app_now()::date + 30 - n,
                 CASE n % 2 WHEN 0 THEN 'Harbour' ELSE 'Quay' END, 'PART-' || n,
                 CASE n % 3 WHEN 0 THEN 'Windows 10 ESU ' ELSE 'Suite ' END || n, n, 'Utopia', app_now() - make_interval(hours => n)
             FROM generate_series(1, {lines}) AS n"
        ),
    )
    .await;
}

/// The names of a page's rows, in order.
fn names(html: &str) -> Vec<String> {
    let rows = html.split("<tr data-row>").skip(1);
    rows.map(|row| {
        let name = row.split_once("two\">").expect("a name").1;
        name.split('<').next().unwrap().trim().to_owned()
    })
    .collect()
}

fn range(html: &str) -> &str {
    html.split_once("data-pager-range>").map_or("", |(_, rest)| rest.split('<').next().unwrap())
}

/// Issue 5: list state in the address, for what is archived as for what is in force.
#[tokio::test]
async fn archived_orders_are_filtered_sorted_and_paged_as_the_list_is() {
    let world = world().await;
    let app = world.app().await;
    put_away(&app, world.planted.contracts[0], 60).await;
    let html = page(&app, "/orders?archived=only", ADMIN).await;
    assert_eq!(range(&html), "1–50 of 60");
    assert_eq!(names(&html)[..3], ["Suite 1", "Suite 2", "Windows 10 ESU 3"], "the last put away first");
    assert_eq!(html.matches("action=\"/archive/restore\"").count(), 50);
    for part in ["/exports/", "class=\"tick\"", "data-select", "class=\"plot", "/orders/new"] {
        assert!(!html.contains(part), "{part}");
    }
    assert!(html.contains("<option value=\"Harbour\">Harbour</option>"), "its filters are of what it holds");
    let html = page(&app, "/orders?archived=only&page=2", ADMIN).await;
    assert_eq!((range(&html), names(&html).len()), ("51–60 of 60", 10));
    for (query, first, count) in [
        ("sort=quantity", "Suite 1", 60),
        ("sort=-quantity", "Windows 10 ESU 60", 60),
        ("sort=ordered_on", "Windows 10 ESU 60", 60),
        ("sort=archived", "Windows 10 ESU 60", 60),
        ("sort=-description", "Windows 10 ESU 9", 60),
        ("reseller=Harbour", "Suite 2", 30),
        ("reseller=Harbour&only=esu", "Windows 10 ESU 6", 10),
        ("q=extended+security+updates", "Windows 10 ESU 3", 20),
        ("q=esu+utopia", "", 0),
        ("q=harbour+part-4", "Suite 4", 6),
        ("only=ahead", "Suite 1", 29),
        ("license_id=1111111", "Suite 1", 60),
        ("license_id=2222222", "", 0),
        ("country=Utopia&from=2026-11-20", "Suite 1", 2),
        ("to=2020-01-01", "", 0),
    ] {
        let html = page(&app, &format!("/orders?archived=only&{query}"), ADMIN).await;
        let total = range(&html).rsplit(' ').next().unwrap().parse().unwrap_or(0);
        assert_eq!((names(&html).first().map_or("", String::as_str), total), (first, count), "{query}");
        assert_eq!(count == 0, html.contains("Nothing archived matches"), "{query}");
    }
    // With the others they stand apart from them: the last ten, and how many more there are.
    let html = page(&app, "/orders?archived=shown&reseller=Harbour", ADMIN).await;
    assert_eq!(html.matches("action=\"/archive/restore\"").count(), 10);
    assert!(html.contains("In the archive <span class=\"count\">30</span>") && html.contains("20 more in the archive"));
    assert!(html.contains("href=\"/orders?reseller=Harbour&#38;archived=only\""), "{html}");
    // Whoever may not bring them back has the list as it is.
    let html = page(&app, "/orders?archived=only", "position reader A").await;
    assert!(!html.contains("/archive/restore") && !html.contains("rchived") && range(&html) == "1–1 of 1");
    let html = page(&app, "/orders?archived=only", "administrator B").await;
    assert!(html.contains("Nothing of this list is archived") && !html.contains("Suite"));
    app.done().await;
}

#[tokio::test]
async fn an_archived_license_id_says_who_put_it_away_and_why_to_whoever_reads_its_history() {
    let world = world().await;
    let app = world.app().await;
    execute(&app, "UPDATE applications SET closed_at = app_now()").await;
    let id = world.planted.contracts[0].to_string();
    let program = "UPDATE contracts SET program = 'Select Plus', ends_on = '2024-06-30', status = 'Expired'";
    execute(&app, &format!("{program} WHERE id = '{id}'")).await;
    let form = [("thing", "contract"), ("id", id.as_str()), ("message", "Merged into <another>")];
    done(&app, "/archive", ADMIN, &form).await;
    let html = page(&app, "/contracts?archived=only", ADMIN).await;
    for part in [A, "Select Plus", "30 Jun 2024", "Merged into &#60;another&#62;", "by "] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("class=\"plot") && !html.contains("/contracts/summary"));
    for (query, there) in [
        ("program=Select+Plus&expired=only&sort=-end", true),
        ("status=Expired&q=111", true),
        ("program=Enterprise", false),
        ("ending=90", false),
        ("month=2024-06", true),
        ("month=2024-07", false),
    ] {
        let html = page(&app, &format!("/contracts?archived=only&{query}"), ADMIN).await;
        assert_eq!(html.contains("/archive/restore"), there, "{query}");
    }
    // A site operator without a role there is told its number, and no more.
    let html = page(&app, "/contracts?archived=only", OPERATOR).await;
    assert!(html.contains(A) && html.contains("/archive/restore"));
    for part in ["Select Plus", "Merged", "30 Jun 2024"] {
        assert!(!html.contains(part), "{part}");
    }
    let html = page(&app, "/organizations?kind=contracts&archived=only", OPERATOR).await;
    assert!(html.contains("Archived License IDs") && html.contains(A));
    let html = page(&app, "/archive", ADMIN).await;
    assert!(html.contains("Merged into") && html.contains("License ID"));
    let back = "/contracts?archived=only&program=Select+Plus";
    let answer =
        app.post("/archive/restore", world.person(ADMIN), &[("thing", "contract"), ("id", &id), ("back", back)]).await;
    let to = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(to.starts_with(&format!("{back}&did=restored")), "{to}");
    let html = page(&app, &to, ADMIN).await;
    assert!(html.contains("Restored: back in its lists.") && html.contains("Nothing archived matches"));
    app.done().await;
}

#[tokio::test]
async fn a_reason_is_short_and_holds_no_key() {
    let world = world().await;
    let app = world.app().await;
    let order = world.planted.corrected[0].order.to_string();
    let long = "x".repeat(501);
    for wrong in ["the ABCDE-FGHJK-12345-VWXYZ-QRTPM", &long] {
        let form = [("thing", "order"), ("id", order.as_str()), ("message", wrong)];
        let answer = app.post("/archive", world.person(ADMIN), &form).await;
        assert_eq!(answer.status(), 400);
        let html = answer.text().await.unwrap();
        assert!(html.contains("Why: ") && !html.contains("FGHJK"), "{html}");
    }
    assert!(page(&app, "/orders", ADMIN).await.contains("1–1 of 1"), "nothing was put away");
    app.done().await;
}

/// A site operator's own lists: products of a category, organisations of a name.
#[tokio::test]
async fn what_belongs_to_the_site_is_listed_by_its_category_and_name() {
    let app = world().await.app().await;
    execute(&app, "UPDATE products SET archived_at = app_now(), category = 'Servers' WHERE name = 'beta-suite'").await;
    let html = page(&app, "/products?archived=only&category=Servers&keys=used-up", OPERATOR).await;
    assert!(html.contains("beta-suite") && html.contains("Category: Servers") && !html.contains("MAKs used up"));
    assert!(html.contains("<option value=\"Servers\" selected>"));
    let html = page(&app, "/products?archived=only&category=Office", OPERATOR).await;
    assert!(html.contains("Nothing archived matches"));
    // Of a product, the site's is to bring it back: an Administrator has the list as it is.
    let html = page(&app, "/products?archived=only", ADMIN).await;
    assert!(!html.contains("beta-suite") && !html.contains("/archive/restore") && html.contains("Pages of products"));
    execute(
        &app,
        "INSERT INTO organizations (id, name, archived_at) VALUES (gen_random_uuid(), 'Harbour Works', app_now())",
    )
    .await;
    let html = page(&app, "/organizations?archived=only&q=harbour", OPERATOR).await;
    assert_eq!(names(&html), ["Harbour Works"]);
    assert!(html.contains("href=\"/organizations?kind=products&#38;archived=only\""));
    app.done().await;
}
