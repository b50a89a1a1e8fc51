//! The licence summary of a selection, and its file. Rules: DOMAIN §1, "License summary" and "Status".

use keyward::postgres::Scope;
use uuid::Uuid;

use super::world::{A, B, world};
use crate::support::app::App;

async fn run(app: &App, statement: &'static str, id: Uuid) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn page(app: &App, query: &str, actor: &str) -> (u16, String) {
    let answer = app.get(&format!("/contracts/summary{query}"), world().await.person(actor)).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn export(app: &App, actor: &str, form: &[(&str, &str)]) -> (u16, String) {
    let answer = app.post("/exports/summary", world().await.person(actor), form).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_summary_is_cut_to_where_the_licence_position_is_read() {
    let app = world().await.app().await;
    for actor in ["position reader A", "administrator A"] {
        let (status, html) = page(&app, "", actor).await;
        assert!(status == 200 && html.contains("Planted family") && html.contains("1,024"), "{actor}");
        let (_, html) = page(&app, &format!("?license_id={A}&license_id={B}"), actor).await;
        assert!(html.contains("1,024") && !html.contains("2,048"), "{actor}: B isn't his");
        assert!(html.contains("1 License ID that isn’t among yours"), "{actor}");
        let (_, html) = page(&app, &format!("?license_id={B}"), actor).await;
        assert!(html.contains("No License ID is left to sum up") && !html.contains("Planted"), "{actor}");
    }
    for (actor, why) in [
        ("keys reader A", "None of your roles reads a licence position"),
        ("download manager A", "None of your roles reads a licence position"),
        ("no grant", "You hold no role yet"),
    ] {
        let (status, html) = page(&app, "", actor).await;
        assert!(status == 200 && html.contains(why) && !html.contains("Planted"), "{actor}");
        let (_, file) = export(&app, actor, &[("format", "csv"), ("license_id", A)]).await;
        assert!(!file.contains("Planted"), "{actor}");
    }
    app.done().await;
}

#[tokio::test]
async fn lines_of_several_license_ids_are_summed_or_stand_apart() {
    let world = world().await;
    let app = world.app().await;
    let me = world.person("position reader A").unwrap();
    app.grant(me, "license-position-reader", world.planted.contracts[1]).await;
    let (_, html) = page(&app, "", "position reader A").await;
    assert!(html.contains("2,048") && html.contains("Effective in 2 License IDs"), "together");
    let (_, html) = page(&app, "?by=license_id&sort=-license_id", "position reader A").await;
    assert!(html.find(&format!(">{B}<")).unwrap() < html.find(&format!(">{A}<")).unwrap(), "apart, B first");
    let (_, file) = export(&app, "position reader A", &[("format", "csv")]).await;
    assert_eq!(
        file,
        "\"Product family\",\"Version\",\"Product pool\",\"Type\",\"Effective quantity\",\"Active SA quantity\"\r\n\
         \"Planted family\",\"2025\",\"Servers\",\"License/SA\",\"2048\",\"1024\"\r\n"
    );
    let (_, file) = export(&app, "position reader A", &[("format", "csv"), ("by", "license_id")]).await;
    assert_eq!(file.lines().count(), 3);
    assert!(file.starts_with("\"License ID\",\"Product family\""), "as the file that is imported: {file}");
    assert!(file.contains(&format!("\"{A}\",\"Planted family\",\"2025\",\"Servers\",\"License/SA\",\"1024\",\"512\"")));
    app.done().await;
}

#[tokio::test]
async fn every_column_of_a_summary_sorts() {
    let app = world().await.app().await;
    for by in ["", "license_id"] {
        for column in ["license_id", "family", "version", "pool", "type", "effective", "assured"] {
            for turn in ["", "-"] {
                let (status, html) = page(&app, &format!("?by={by}&sort={turn}{column}"), "administrator A").await;
                assert!(status == 200 && html.contains("Planted family"), "{by} {turn}{column}");
            }
        }
    }
    app.done().await;
}

#[tokio::test]
async fn a_number_that_changed_is_asked_about_again() {
    let app = world().await.app().await;
    let (status, html) = page(&app, "?scope=matching&expected=7&program=Enterprise", "position reader A").await;
    assert_eq!(status, 409);
    assert!(html.contains("The list said that 7 match") && html.contains("Sum up all 1"), "{html}");
    assert!(html.contains("/contracts/summary?program=Enterprise") && !html.contains("Planted"));
    let (status, _) = page(&app, "?scope=matching&expected=1&program=Enterprise", "position reader A").await;
    assert_eq!(status, 200);
    let (status, _) = export(&app, "position reader A", &[("format", "csv"), ("expected", "7")]).await;
    assert_eq!(status, 409);
    let (status, _) = export(&app, "position reader A", &[("format", "pdf")]).await;
    assert_eq!(status, 400);
    app.done().await;
}

#[tokio::test]
async fn view_vl_contracts_a_summary_leaves_mpsa_out_and_says_so() {
    let world = world().await;
    let app = world.app().await;
    for program in ["MPSA", "OEM", "Retail"] {
        let mut tx = app.state.db.begin(Scope::System).await.unwrap();
        sqlx::query("UPDATE contracts SET program = $2 WHERE id = $1")
            .bind(world.planted.contracts[0])
            .bind(program)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let (_, html) = page(&app, &format!("?license_id={A}"), "position reader A").await;
        assert!(html.contains("MPSA, OEM and retail licences have no licence summary"), "{program}");
        assert!(!html.contains("Planted family"), "{program}");
        let (_, file) = export(&app, "position reader A", &[("format", "csv"), ("license_id", A)]).await;
        assert_eq!(file.lines().count(), 1, "{program}: the headings alone");
    }
    app.done().await;
}

#[tokio::test]
async fn view_vl_contracts_online_services_have_no_active_sa() {
    let world = world().await;
    let app = world.app().await;
    run(
        &app,
        "INSERT INTO license_summaries (id, contract_id, product_family, version, product_pool, type, effective_quantity, active_sa_quantity)
         SELECT gen_random_uuid(), $1, family, '', pool, type, 20, 7 FROM (VALUES
            ('Microsoft 365 E3', 'Applications', 'Subscription'), ('Exchange Online Plan 1', 'Servers', 'License'), ('Something', 'Online Services', 'License'),
            ('Something else', 'Applications', 'Online service'),
            ('Dynamics 365 Business Central on-premises', 'Applications', 'License/SA'), ('Office Online Server', 'Servers', 'License/SA')) AS v (family, pool, type)",
        world.planted.contracts[0],
    )
    .await;
    let (_, file) = export(&app, "position reader A", &[("format", "csv"), ("license_id", A)]).await;
    for (family, assured) in [
        ("Microsoft 365 E3", 0),
        ("Exchange Online Plan 1", 0),
        ("Something", 0),
        ("Something else", 0),
        ("Dynamics 365 Business Central on-premises", 7),
        ("Office Online Server", 7),
    ] {
        let line = file.lines().find(|line| line.starts_with(&format!("\"{family}\","))).unwrap();
        assert!(line.ends_with(&format!("\"20\",\"{assured}\"")), "{line}");
    }
    let tab = app.get(&format!("/contracts/{A}?tab=offerings"), world.person("position reader A")).await;
    let tab = tab.text().await.unwrap();
    let row = tab.split("<tr>").find(|row| row.contains("Microsoft 365 E3")).unwrap();
    assert!(row.contains(">20<") && row.contains(">0<"), "the License ID's own page says the same: {row}");
    app.done().await;
}

#[tokio::test]
async fn status_organization_not_approved_hides_summary_and_orders() {
    let world = world().await;
    let app = world.app().await;
    run(&app, "UPDATE contracts SET status = 'Organization not approved' WHERE id = $1", world.planted.contracts[0])
        .await;
    for path in ["/contracts/summary", "/orders", "/orders?q=esu"] {
        let html = app.get(path, world.person("position reader A")).await.text().await.unwrap();
        assert!(
            html.contains("None of your License IDs shows now")
                && !html.contains("Planted")
                && !html.contains("A suite"),
            "{path}"
        );
    }
    let order = app.get(&format!("/orders/{}", world.planted.orders[0]), world.person("position reader A")).await;
    assert_eq!(order.status(), 404);
    app.done().await;
}
