//! Contracts: when they end, whose they are, where one's roles come from. Rules: DOMAIN §1.

use keyward::postgres::Scope;
use uuid::Uuid;

use super::world::{self, A, B, page, world};
use crate::support::app::{App, NOW};

/// Puts both License IDs under one agreement.
async fn agreement(app: &App, contracts: [Uuid; 2]) -> Uuid {
    let id = Uuid::now_v7();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO agreements (id, number) VALUES ($1, '4E61138')").bind(id).execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE contracts SET agreement_id = $1 WHERE id = ANY($2)")
        .bind(id)
        .bind(contracts.as_slice())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn the_picture_of_ends_leads_to_the_list_of_a_month() {
    let app = world().await.app().await;
    let html = page(&app, "/contracts", "keys reader A").await;
    assert!(
        html.contains("aria-label=\"June 2027: 1 License ID\"") && html.contains("Of 1 License ID in force 1 ends")
    );
    assert!(html.contains("/contracts?month=2027-06"));
    let html = page(&app, "/contracts?month=2027-06", "keys reader A").await;
    assert!(html.contains("1–1 of 1") && html.contains("Ends in June 2027"));
    let html = page(&app, "/contracts?month=2027-07", "keys reader A").await;
    assert!(html.contains("No License ID matches"));
    let html = page(&app, "/contracts?expired=only", "keys reader A").await;
    assert!(!html.contains("plot.ends"), "what has ended has no coming end");
    app.done().await;
}

#[tokio::test]
async fn an_export_of_a_month_holds_that_month() {
    let app = world().await.app().await;
    let me = world().await.person("keys reader A");
    for (month, lines) in [("2027-06", 2), ("2027-07", 1)] {
        let form = [("format", "csv"), ("month", month)];
        let file = app.post("/exports/contracts", me, &form).await.text().await.unwrap();
        assert_eq!(file.lines().count(), lines, "{month}");
    }
    app.done().await;
}

#[tokio::test]
async fn contracts_faq_hierarchy_shows_sister_license_ids_in_sight_alone() {
    let world = world().await;
    let app = world.app().await;
    agreement(&app, world.planted.contracts).await;
    let path = format!("/contracts/{A}");
    let html = page(&app, &path, "keys reader A").await;
    assert!(html.contains("Ownership: agreement 4E61138, 1 License ID<"));
    assert!(html.contains(&format!("Holder of {A}")) && !html.contains(B), "B isn't known to him");
    app.grant(world.person("keys reader A").unwrap(), "product-download-manager", world.planted.contracts[1]).await;
    let html = page(&app, &path, "keys reader A").await;
    assert!(html.contains("4E61138, 2 License IDs") && html.contains(&format!("href=\"/contracts/{B}\"")));
    assert!(page(&app, "/contracts?q=4e61138", "keys reader A").await.contains("1–2 of 2"), "the number finds both");
    app.done().await;
}

#[tokio::test]
async fn manage_user_roles_vl_a_role_inherited_from_the_agreement_is_shown_as_such() {
    let world = world().await;
    let app = world.app().await;
    let agreement = agreement(&app, world.planted.contracts).await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(
        "INSERT INTO grant_rules (id, person_id, role, covers, agreement_id, granted_at)
         VALUES ($1, $2, 'license-position-reader', 'agreement', $3, $4)",
    )
    .bind(Uuid::now_v7())
    .bind(world.person("keys reader A"))
    .bind(agreement)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, &format!("/contracts/{A}"), "keys reader A").await;
    assert!(html.contains("Product keys reader, License position reader (inherited from agreement 4E61138)"), "{html}");
    let html = page(&app, &format!("/contracts/{B}"), "keys reader A").await;
    assert!(html.contains(">License position reader (inherited from agreement 4E61138)<"));
    app.done().await;
}

/// MBSA, parent agreement, License ID: in the ownership tree, the facts, the list, its search, its file, and the wizard;
/// a role on the MBSA is inherited as such.
#[tokio::test]
async fn contracts_faq_hierarchy_begins_with_the_mbsa() {
    let world = world().await;
    let app = world.app().await;
    let agreement = agreement(&app, world.planted.contracts).await;
    let files = async || {
        let answer =
            app.post("/exports/contracts", world.person("administrator A"), &[("format", "csv"), ("license_id", A)]);
        answer.await.text().await.unwrap()
    };
    assert!(!files().await.contains("MBSA"), "the file is as ever");
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let mbsa = Uuid::now_v7();
    sqlx::query("INSERT INTO agreements (id, number) VALUES ($1, 'U1234567')")
        .bind(mbsa)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE agreements SET mbsa_id = $1 WHERE id = $2")
        .bind(mbsa)
        .bind(agreement)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO grant_rules (id, person_id, role, covers, agreement_id, granted_at)
         VALUES ($1, $2, 'license-position-reader', 'agreement', $3, $4)",
    )
    .bind(Uuid::now_v7())
    .bind(world.person("keys reader A"))
    .bind(mbsa)
    .bind(NOW)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let html = page(&app, &format!("/contracts/{B}"), "keys reader A").await;
    assert!(html.contains(">License position reader (inherited from MBSA U1234567)<"), "{html}");
    assert!(
        html.contains("Ownership: MBSA U1234567, agreement 4E61138, 2 License IDs<") && html.contains("<dt>MBSA</dt>")
    );
    let tree = html.split("<ul class=\"tree").nth(1).unwrap();
    let at = |text: &str| tree.find(text).unwrap_or_else(|| panic!("{text} in {tree}"));
    assert!(at("U1234567") < at("4E61138") && at("4E61138") < at(A), "{tree}");
    let html = page(&app, "/contracts?q=u1234567&columns=mbsa", "keys reader A").await;
    assert!(html.contains("1–2 of 2") && html.contains("data-label=\"MBSA\">U1234567<"), "{html}");
    assert!(files().await.contains("\"Status\",\"MBSA\""));
    let html = page(&app, "/people/give?step=license-ids&emails=no.grant%40keyward.example", "administrator A").await;
    assert!(html.contains("MBSA U1234567: 1 License ID<") && html.contains(">4E61138: 1 License ID<"), "{html}");
    let chosen =
        "/people/give?step=check&agreement=U1234567&emails=no.grant%40keyward.example&role=product-keys-reader";
    assert!(page(&app, chosen, "administrator A").await.contains(A));
    let html = page(&app, &format!("/keys/{}/access", world.planted.keys[1]), "administrator B").await;
    assert!(html.contains("Through MBSA U1234567 above agreement 4E61138"), "{html}");
    app.done().await;
}

#[tokio::test]
async fn s000_parent_and_child_may_share_a_key() {
    let world = world().await;
    let app = world.app().await;
    agreement(&app, world.planted.contracts).await;
    let me = world.person("keys reader A").unwrap();
    let product = app.product_of(world.planted.keys[0]).await;
    let child = world.planted.contracts[1];
    world::key(&app, child, product, world::CANARY_A).await;
    let path = format!("/contracts/{A}?tab=keys");
    assert!(!page(&app, &path, "keys reader A").await.contains("The same key is also on"), "the other place isn't his");
    app.grant(me, "product-keys-reader", child).await;
    let html = page(&app, &path, "keys reader A").await;
    assert!(html.contains(&format!("The same key is also on License ID {B}.")));
    app.done().await;
}

#[tokio::test]
async fn used_of_total_is_drawn_for_readers_of_keys() {
    let world = world().await;
    let app = world.app().await;
    let (key, contract) = (world.planted.keys[0], world.planted.contracts[0]);
    let product = app.product_of(key).await;
    world::key(&app, contract, product, "CNRYE-4PD6M-8HRWQ-6YKGT-EEEE4").await;
    let path = format!("/contracts/{A}?tab=keys");
    let html = page(&app, &path, "keys reader A").await;
    assert!(html.contains("Used of total of the MAKs of 1111111") && html.contains("84 %"), "{html}");
    let html = page(&app, &path, "download manager A").await;
    assert!(!html.contains("Used of total") && !html.contains("EEEE4"));
    app.done().await;
}
