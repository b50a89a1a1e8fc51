//! The overview: each number leads to a list whose total is exactly that number, whoever looks.

use std::sync::Arc;

use keyward::{
    audit::Actor,
    imports::{Importer, Who},
    postgres::Scope,
};
use reqwest::StatusCode;
use uuid::Uuid;

use crate::support::{app::App, cluster, database::TestDb, estate::sample_files};

/// A portal over the sample estate.
async fn portal() -> App {
    let app = App::over(TestDb::new().await, Arc::new(cluster::scratch())).await;
    let importer = Importer {
        db: &app.state.db,
        vault: &app.state.vault,
        linker: &app.state.linker,
        actor: Actor::system("import"),
        who: Who::System,
    };
    importer.run(sample_files(), &mut |_, _| ()).await.unwrap();
    app
}

async fn contracts(app: &App, condition: &str) -> Vec<Uuid> {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let statement = format!("SELECT id FROM contracts WHERE {condition}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_all(&mut *tx).await.unwrap()
}

/// `(words, address, number)` of everything on the overview that leads somewhere.
fn leads(html: &str) -> Vec<(String, String, u64)> {
    let mut leads = Vec::new();
    for tile in html.split("<li class=\"card tile\">").skip(1) {
        let href = between(tile, "class=\"row-link\" href=\"", "\"");
        leads.push((href.clone(), href, number(&between(tile, "<strong>", "</strong>"))));
        for line in between(tile, "tile-details\">", "</ul>").split("<li class=\"").skip(1) {
            let link = between(line, "<a href=\"", "</a>");
            let (href, text) = link.split_once("\">").unwrap_or_else(|| panic!("a number that leads nowhere: {line}"));
            leads.push((text.to_owned(), href.to_owned(), number(text)));
        }
    }
    leads
}

fn between(text: &str, begin: &str, end: &str) -> String {
    let rest = text.split_once(begin).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(inside, _)| inside).to_owned()
}

fn number(text: &str) -> u64 {
    text.chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or(1)
}

/// What the list behind an address says it has in all: keys where it is narrowed to keys, else its rows.
async fn total(app: &App, path: &str, person: Uuid) -> u64 {
    let answer = app.get(path, Some(person)).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let html = answer.text().await.unwrap();
    if path.contains("keys=") {
        let cells: u64 = html.split("data-label=\"Keys\">").skip(1).map(number).sum();
        let chip = html.split("<a class=\"chip\"").nth(1).map(|chip| between(chip, ": ", "<")).unwrap_or_default();
        assert_eq!(cells, number(&chip), "{path}: the chip and the column");
        return cells;
    }
    let range = between(&html, "data-pager-range>", "<");
    if range.is_empty() {
        assert!(html.contains("class=\"empty\""), "{path} says no total");
        return 0;
    }
    number(range.rsplit(" of ").next().unwrap_or_default())
}

async fn holds(app: &App, name: &str, person: Uuid) -> Vec<String> {
    app.sign_in(person).await;
    let html = app.get("/", Some(person)).await.text().await.unwrap();
    let leads = leads(&html);
    for (words, href, shown) in &leads {
        assert_eq!(total(app, href, person).await, *shown, "{name}: “{words}” and {href}");
    }
    leads.into_iter().map(|(_, href, _)| href).collect()
}

#[tokio::test]
async fn each_number_leads_to_a_list_with_exactly_that_total() {
    let app = portal().await;
    let all = contracts(&app, "true").await;
    let administrator = app.person("Ada", "").await;
    for contract in &all {
        app.grant(administrator, "administrator", *contract).await;
    }
    let second = app.person("Second", "").await;
    for contract in &all[..3] {
        app.grant(second, "administrator", *contract).await;
    }
    let hrefs = holds(&app, "administrator", administrator).await;
    for href in [
        "/contracts",
        "/contracts?ending=90",
        "/products",
        "/products?keys=any",
        "/products?keys=used-up",
        "/products?keys=low",
        "/orders",
        "/people",
        "/people/alone",
        "/activation",
        "/audit",
    ] {
        assert!(hrefs.iter().any(|known| known == href), "{href} in {hrefs:?}");
    }
    // Operators see everybody, roles or not.
    let operator = app.person("Opera", "site_operator = true").await;
    holds(&app, "site operator", operator).await;

    let reader = app.person("Reader", "").await;
    for contract in contracts(&app, "program = 'Enterprise'").await {
        app.grant(reader, "product-keys-reader", contract).await;
    }
    let hrefs = holds(&app, "reader", reader).await;
    assert!(!hrefs.iter().any(|href| href.starts_with("/people")), "{hrefs:?}");
    let position = app.person("Position", "").await;
    app.grant(position, "license-position-reader", contracts(&app, "license_id = '8671204'").await[0]).await;
    assert!(holds(&app, "position reader", position).await.contains(&"/orders".to_owned()));
    app.done().await;
}

/// Own applications and requests: what waits, what is used up.
#[tokio::test]
async fn the_numbers_of_requests_and_activation_lead_to_theirs() {
    let world = crate::web::world::world().await;
    let app = world.app().await;
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("UPDATE product_keys SET used = total WHERE kind = 'MAK' AND NOT ledger")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for actor in ["administrator A", "keys reader A"] {
        let hrefs = holds(&app, actor, world.person(actor).unwrap()).await;
        assert!(hrefs.contains(&"/products?keys=used-up".to_owned()), "{actor}: {hrefs:?}");
    }
    app.done().await;
}
