//! Orders: cut to roles that read them, searched, and what stands in place of an empty list.

use keyward::postgres::Scope;
use uuid::Uuid;

use super::world::{A, B, page, world};
use crate::support::app::App;

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
        "renewal",
        "step_up",
    ];
    for column in columns {
        for turn in ["", "-"] {
            let html = page(&app, &format!("/orders?sort={turn}{column}&columns={column}"), "administrator A").await;
            let sorted = if turn.is_empty() { "ascending" } else { "descending" };
            assert!(html.contains(&format!("aria-sort=\"{sorted}\"")), "{turn}{column}");
        }
    }
    app.done().await;
}

/// Adds a line to License ID A; everything but what is given is as in the world's own.
async fn order(app: &App, description: &str, usage: Option<&str>) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO orders (id, contract_id, reseller_order_no, customer_order_no, ordered_on, usage_starts_on, reseller, part_number, description, quantity, country)
         VALUES ($1, $2, 'R1', 'C1', '2026-10-02', $3::date, 'Reseller', $4, $4, 1250, 'Germany')",
    )
    .bind(id)
    .bind(world().await.planted.contracts[0])
    .bind(usage.map(|day| time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()))
    .bind(description)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn an_order_is_shown_with_all_its_lines_in_sight() {
    let world = world().await;
    let app = world.app().await;
    let second = order(&app, "Windows 10 ESU Year 2", Some("2027-03-03")).await;
    for id in [world.planted.orders[0], second] {
        let html = page(&app, &format!("/orders/{id}?q=suite"), "position reader A").await;
        assert!(html.contains("2 lines of this order") && html.contains("Holder of 1111111"));
        assert!(!html.contains(B) && html.contains("href=\"/orders?q=suite\""), "B's line of that number isn't his");
    }
    // The same number of the same reseller under another License ID is the same order.
    app.grant(world.person("position reader A").unwrap(), "license-position-reader", world.planted.contracts[1]).await;
    let html = page(&app, &format!("/orders/{second}"), "position reader A").await;
    assert!(html.contains("3 lines of this order") && html.contains(B));
    for id in [world.planted.orders[1].to_string(), Uuid::nil().to_string(), "x".to_owned()] {
        let answer = app.get(&format!("/orders/{id}"), world.person("administrator A")).await;
        assert_eq!(answer.status(), 404, "{id}");
    }
    app.done().await;
}

#[tokio::test]
async fn orders_are_narrowed_by_each_filter() {
    let app = world().await.app().await;
    order(&app, "Windows 10 ESU Year 2", Some("2027-03-03")).await;
    for (query, total) in [
        ("", "1–2 of 2"),
        ("?reseller=Reseller&country=Germany", "1–1 of 1"),
        ("?country=Switzerland", "1–1 of 1"),
        ("?from=2026-10-02&to=2026-10-02", "1–1 of 1"),
        ("?only=esu", "1–1 of 1"),
        ("?only=ahead", "1–1 of 1"),
        ("?only=year", "1–1 of 1"),
        ("?q=1111111+esu+windows", "1–1 of 1"),
        ("?q=extended+security", "1–1 of 1"),
        ("?license_id=1111111", "1–2 of 2"),
        ("?from=2026-10-03", "No order matches"),
        ("?product=windows-10-esu-year-2", "No order matches"),
        ("?q=esu+suite", "No order matches"),
    ] {
        let html = page(&app, &format!("/orders{query}"), "administrator A").await;
        assert!(html.contains(total), "{query}");
    }
    let html = page(&app, "/orders?from=2.10.2026", "administrator A").await;
    assert!(html.contains("“2.10.2026” isn’t a day") && html.contains("1–2 of 2"), "said, and nothing narrowed");
    app.done().await;
}

#[tokio::test]
async fn s000_whether_an_esu_order_exists_is_one_search() {
    let world = world().await;
    let app = world.app().await;
    let html = page(&app, "/orders?q=ESU", "position reader A").await;
    assert!(html.contains("No ESU order in what you may see.") && html.contains("No order was imported yet"), "{html}");
    let id = order(&app, "Windows 10 ESU Year 2", Some("2027-03-03")).await;
    for q in ["esu", "my+esu", "esu+1111111", "extended+security+updates"] {
        let html = page(&app, &format!("/orders?q={q}"), "position reader A").await;
        if q == "my+esu" {
            assert!(html.contains("No ESU order in what you may see."), "every word counts");
            continue;
        }
        assert!(html.contains("Yes: 1 ESU order line under License ID 1111111."), "{q}");
        assert!(html.contains(&format!("href=\"/orders/{id}\"")), "{q}");
        assert!(html.contains("usable from 3 Mar 2027") && html.contains("proof of purchase"), "{q}");
    }
    let html = page(&app, "/orders?q=suite", "position reader A").await;
    assert!(!html.contains("ESU order"), "asked for something else");
    let html = page(&app, "/orders?q=esu", "keys reader A").await;
    assert!(html.contains("None of your roles reads orders") && !html.contains("ESU order"));
    app.grant(world.person("position reader A").unwrap(), "product-download-manager", world.planted.contracts[1]).await;
    let html = page(&app, "/orders?q=esu+2222222", "position reader A").await;
    assert!(html.contains("You read the orders of 1 of your 2 License IDs."));
    app.done().await;
}

#[tokio::test]
async fn orders_are_exported_with_every_column() {
    let world = world().await;
    let app = world.app().await;
    let id = order(&app, "Windows 10 ESU Year 2", Some("2027-03-03")).await;
    let me = world.person("position reader A");
    let export = async |form: &[(&str, &str)]| {
        let answer = app.post("/exports/orders", me, form).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let line = "\"1111111\",\"R1\",\"C1\",\"2026-10-02\",\"2027-03-03\",\"Reseller\",\"Windows 10 ESU Year 2\",\"Windows 10 ESU Year 2\",\"1250\",\"Germany\"";
    let (_, all) = export(&[("format", "csv")]).await;
    assert_eq!(all.lines().count(), 3);
    assert!(all.starts_with("\"License ID\",\"Reseller order no.\",\"Customer order no.\",\"Ordered on\""));
    assert!(all.contains(line), "{all}");
    let (_, ticked) = export(&[("format", "csv"), ("order_id", &id.to_string())]).await;
    assert_eq!(ticked.lines().skip(1).collect::<Vec<_>>(), [line]);
    let (_, foreign) = export(&[("format", "csv"), ("order_id", &world.planted.orders[1].to_string())]).await;
    assert_eq!(foreign.lines().count(), 1, "what isn't his is left out");
    let (_, filtered) = export(&[("format", "csv"), ("scope", "matching"), ("expected", "1"), ("q", "suite")]).await;
    assert_eq!(filtered.lines().count(), 2);
    let (status, sentence) =
        export(&[("format", "csv"), ("scope", "matching"), ("expected", "9"), ("q", "suite")]).await;
    assert!(status == 409 && sentence.contains("9") && sentence.contains("look at the list again"), "{sentence}");
    app.done().await;
}

/// What only Select Plus tells: columns on request, filters where it is told, the order's lines, and the export.
#[tokio::test]
async fn domain_1_what_select_plus_tells_is_shown_filtered_and_exported() {
    let world = world().await;
    let app = world.app().await;
    let silent = order(&app, "Silent", None).await;
    let yes = order(&app, "Told", None).await;
    let set = async |statement: String| {
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    let export = async || {
        let me = world.person("administrator A");
        let shown = [("format", "csv"), ("sort", "description")];
        app.post("/exports/orders", me, &shown).await.text().await.unwrap()
    };
    let html = page(&app, "/orders", "administrator A").await;
    assert!(!html.contains("name=\"renewal\"") && !html.contains("data-label=\"Up for Renewal\""));
    assert!(html.contains("value=\"renewal\""), "the chooser offers it");
    assert!(!export().await.contains("Renewal"), "the file is as ever");
    set(format!("UPDATE orders SET up_for_renewal = true, step_up = false WHERE id = '{yes}'")).await;
    set(format!("UPDATE contracts SET program = 'Select Plus' WHERE license_id = '{A}'")).await;
    for (query, total) in [
        ("renewal=yes", "1–1 of 1"),
        ("renewal=no", "No order matches"),
        ("renewal=unknown", "1–2 of 2"),
        ("step_up=no", "1–1 of 1"),
        ("renewal=yes&step_up=no&q=told", "1–1 of 1"),
        ("renewal=perhaps", "1–3 of 3"),
    ] {
        let html = page(&app, &format!("/orders?{query}"), "administrator A").await;
        assert!(html.contains(total) && html.contains("name=\"renewal\""), "{query}");
        // Those of the archive are asked for the same.
        let html = page(&app, &format!("/orders?archived=only&{query}"), "administrator A").await;
        assert!(html.contains("rchived"), "{query}");
    }
    let html = page(&app, "/orders?columns=renewal.step_up&renewal=yes&step_up=unknown", "administrator A").await;
    assert!(html.contains("Up for Renewal: Yes") && html.contains("Step-up: Not said"), "chips: {html}");
    let html = page(&app, "/orders?columns=renewal.step_up&renewal=yes", "administrator A").await;
    assert!(html.contains("data-label=\"Up for Renewal\">Yes<") && html.contains("data-label=\"Step-up\">No<"));
    let html = page(&app, &format!("/orders/{silent}"), "position reader A").await;
    assert_eq!((html.matches("Up for Renewal: Yes").count(), html.matches("Step-up: No").count()), (1, 1));
    let file = export().await;
    assert!(file.lines().next().unwrap().ends_with("\"Country\",\"Up for Renewal\",\"Step-up\""), "{file}");
    assert!(file.contains("\"Yes\",\"No\"") && file.contains("\"Germany\",\"\",\"\""), "{file}");
    // In the order of what is said; what says nothing stands last either way.
    set(format!("UPDATE orders SET up_for_renewal = false, step_up = true WHERE id = '{silent}'")).await;
    for (sort, before) in
        [("renewal", ["Silent", "Told"]), ("-renewal", ["Told", "Silent"]), ("step_up", ["Told", "Silent"])]
    {
        let html = page(&app, &format!("/orders?sort={sort}"), "administrator A").await;
        let rows: Vec<usize> = before.iter().filter_map(|name| html.find(&format!("data-panel>{name}<"))).collect();
        assert!(rows.len() == 2 && rows[0] < rows[1], "{sort}: {rows:?}");
    }
    set(format!("UPDATE orders SET up_for_renewal = NULL, step_up = NULL WHERE id = '{silent}'")).await;
    // Under another programme nothing said is no answer.
    set(format!("UPDATE contracts SET program = 'Enterprise' WHERE license_id = '{A}'")).await;
    assert!(page(&app, "/orders?renewal=unknown", "administrator A").await.contains("No order matches"));
    set(format!("UPDATE orders SET archived_at = app_now() WHERE id = '{yes}'")).await;
    let archived = page(&app, "/orders?archived=only&renewal=yes", "administrator A").await;
    assert!(archived.contains("1–1 of 1") && archived.contains("Told"), "{archived}");
    let archived = page(&app, "/orders?archived=only&renewal=no", "administrator A").await;
    assert!(archived.contains("Nothing archived matches"));
    app.done().await;
}

/// The filter is told by the product's name, not by its address; one out of sight by what was asked for.
#[tokio::test]
async fn a_products_orders_are_told_by_its_name() {
    let app = world().await.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE products SET name = 'Alpha Suite 2026 (Standard)' WHERE slug = 'alpha-suite'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, "/orders?product=alpha-suite", "administrator A").await;
    assert!(html.contains("Product: Alpha Suite 2026 (Standard)"), "{html}");
    let html = page(&app, "/orders?product=alpha-suite", "administrator B").await;
    assert!(html.contains("Product: alpha suite") && !html.contains("2026 (Standard)"), "B covers no such product");
    let view = [("list", "/orders"), ("query", "product=alpha-suite"), ("name", "Alpha")];
    assert_eq!(app.post("/views", world().await.person("administrator A"), &view).await.status(), 303);
    assert!(page(&app, "/views", "administrator A").await.contains("Product: Alpha Suite 2026 (Standard)"));
    app.done().await;
}
