//! How far an Administrator's import reaches.

use keyward::imports::{NOT_YOURS, Who};

use crate::support::estate::{Estate, file};

const OWN: &str = "8671311";
const FOREIGN: &str = "8671204";
const ABSENT: &str = "0000000";
const KEY: &str = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";

fn each_kind(license_id: &str) -> Vec<keyward::imports::ParsedFile> {
    [
        ("contracts.csv", format!("License ID,Organization\n{license_id},Contoso")),
        ("contacts.csv", format!("License ID,Role,Name,Email\n{license_id},Online,Desk,desk@contoso.example")),
        ("summary.csv", format!("License ID,Product family,Effective quantity\n{license_id},Visio,5")),
        ("keys.csv", format!("License ID,Product,Product Key,Type\n{license_id},Visio,{KEY},MAK")),
        (
            "orders.csv",
            format!("License ID,Reseller order no.,Ordered on,Part number,Quantity\n{license_id},R1,2026-01-31,P,5"),
        ),
    ]
    .map(|(name, text)| file(name, &text))
    .into()
}

#[tokio::test]
async fn foreign_and_absent_license_ids_are_refused_alike() {
    let estate = Estate::filled().await;
    let administrator = Who::Administrator(estate.administrator("a@northwind.example", &[OWN]).await);
    let mut told = Vec::new();
    for license_id in [FOREIGN, ABSENT] {
        let reports = estate.importer(administrator).dry_run(&each_kind(license_id)).await.unwrap();
        assert!(reports.iter().all(|report| report.refused_rows == 1 && report.rows.len() == 1));
        let rows = reports.iter().flat_map(|report| &report.rows);
        told.push(rows.map(|row| row.to_string().replace(license_id, "ID")).collect::<Vec<_>>());
    }
    assert_eq!(told[0], told[1]);
    assert!(told[0].iter().all(|row| row.contains(NOT_YOURS)));
    let reports = estate.importer(administrator).dry_run(&each_kind(OWN)).await.unwrap();
    assert!(reports.iter().all(|report| !report.is_refused()));
    estate.done().await;
}

#[tokio::test]
async fn a_grant_that_ended_or_a_disabled_person_reaches_nothing() {
    let estate = Estate::filled().await;
    let id = estate.administrator("a@northwind.example", &[OWN]).await;
    let refused = async || {
        let reports = estate.importer(Who::Administrator(id)).dry_run(&each_kind(OWN)).await.unwrap();
        reports.iter().filter(|report| report.is_refused()).count()
    };
    assert_eq!(refused().await, 0);
    estate.execute(&format!("UPDATE grants SET ends_at = app_now() WHERE person_id = '{id}'")).await;
    assert_eq!(refused().await, 5);
    estate.execute(&format!("UPDATE grants SET ends_at = NULL WHERE person_id = '{id}'")).await;
    estate.execute(&format!("UPDATE people SET disabled_at = app_now() WHERE id = '{id}'")).await;
    assert_eq!(refused().await, 5);
    estate.done().await;
}

/// Roles are granted on organisations with all below them: were this taken over, whoever holds a
/// role on one organisation could put any other under it.
#[tokio::test]
async fn an_administrator_moves_no_organisation_and_no_license_id() {
    let estate = Estate::filled().await;
    let administrator = Who::Administrator(estate.administrator("a@northwind.example", &[OWN]).await);
    let structure = "SELECT string_agg(concat_ws('|', c.license_id, o.name, p.name, c.agreement_id), ' ' ORDER BY c.license_id)
                     FROM contracts c JOIN organizations o ON o.id = c.organization_id LEFT JOIN organizations p ON p.id = o.parent_id";
    let before = estate.text(structure).await;
    let contracts = file(
        "contracts.csv",
        &format!(
            "License ID,Organization,Parent organization,Parent agreement,Location\n{OWN},Tailspin Toys K.K.,Evil Corp,4E0,Here"
        ),
    );
    let importer = estate.importer(administrator);
    let reports = importer.run(vec![contracts], &mut |_, _| ()).await.unwrap();
    assert_eq!((reports[0].changed, reports[0].warnings.len()), (1, 3));
    assert_eq!(estate.text(structure).await, before);
    assert_eq!(estate.text(&format!("SELECT location FROM contracts WHERE license_id = '{OWN}'")).await, "Here");
    estate.done().await;
}

/// "Organization not approved" hides a License ID from others and blocks it: no Administrator's file sets or lifts it.
#[tokio::test]
async fn an_administrators_file_neither_sets_nor_lifts_organization_not_approved() {
    let estate = Estate::filled().await;
    let administrator = Who::Administrator(estate.administrator("a@northwind.example", &[OWN]).await);
    let says = |status: &str| {
        let text = format!("License ID,Organization,Location,Status\n{OWN},Tailspin Toys K.K.,Here,{status}");
        vec![file("contracts.csv", &text)]
    };
    let stands = format!("SELECT location || ', ' || status FROM contracts WHERE license_id = '{OWN}'");
    let before = estate.text(&format!("SELECT status FROM contracts WHERE license_id = '{OWN}'")).await;
    let run = async |who, status| estate.importer(who).run(says(status), &mut |_, _| ()).await.unwrap().remove(0);
    let report = run(administrator, "ORGANIZATION not approved").await;
    assert!(report.warnings.iter().any(|warning| warning.to_string().contains("only a site operator")));
    assert_eq!(estate.text(&stands).await, format!("Here, {before}"));
    run(Who::System, "Organization not approved").await;
    for files in [says("Active"), each_kind(OWN)] {
        let reports = estate.importer(administrator).dry_run(&files).await.unwrap();
        assert!(reports.iter().all(|report| report.refused_rows == 1));
    }
    estate.done().await;
}
