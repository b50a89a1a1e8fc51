//! Extended Security Updates: the table of years, days of one's own, and all that goes by them.

use keyward::{
    imports::{Kind, ParsedFile, RowError, Who},
    postgres::Scope,
};
use reqwest::StatusCode;

use crate::{
    support::{
        app::{App, NOW},
        estate::{Estate, file, sample_file},
    },
    web::world::{key, world},
};

const TABLE: &str = "product,esu_year,coverage_start,coverage_end,source\n";

fn years(lines: &str) -> ParsedFile {
    file("esu.csv", &[TABLE, lines].concat())
}

fn published() -> ParsedFile {
    file("esu.csv", include_str!("../../reference/esu.csv"))
}

/// What the migration put down is what the file says, so that taking it in changes nothing.
#[tokio::test]
async fn the_published_years_are_there_from_the_start() {
    let estate = Estate::new().await;
    let reports = estate.import(vec![published()]).await;
    assert_eq!(reports[0].kind, Kind::Esu);
    assert_eq!((reports[0].added, reports[0].changed, reports[0].skipped), (0, 0, 9));
    estate.done().await;
}

#[tokio::test]
async fn a_table_adds_and_changes_years_and_products_go_by_it() {
    let estate = Estate::new().await;
    estate.import(vec![sample_file("admin-center-keys.csv")]).await;
    let usable = |name: &str| format!("SELECT coalesce(usable_from::text, 'none') FROM products WHERE name = '{name}'");
    assert_eq!(estate.text(&usable("Windows 10 ESU Year 1")).await, "2025-10-15");
    assert_eq!(estate.text(&usable("Windows 11 Pro")).await, "none");

    let table = "windows 10,1,2026-12-01,2027-10-12,\nWindows 11,1,2031-10-15,2032-10-12,Own\n";
    let dry = estate.importer(Who::System).dry_run(&[years(table)]).await.unwrap();
    let told: Vec<String> = dry[0].rows.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "2: changed: windows 10, ESU year 1: coverage_start: 2025-10-15 → 2026-12-01; coverage_end: 2026-10-13 → 2027-10-12",
            "3: added: Windows 11, ESU year 1"
        ]
    );
    assert_eq!(estate.text(&usable("Windows 10 ESU Year 1")).await, "2025-10-15", "only tried");
    let reports = estate.import(vec![years(table)]).await;
    assert_eq!((reports[0].added, reports[0].changed), (1, 1));
    assert_eq!(estate.text(&usable("Windows 10 ESU Year 1")).await, "2026-12-01");
    assert_eq!(
        estate.text("SELECT source FROM esu_years WHERE product = 'Windows 10' AND year = 1").await,
        "Microsoft product lifecycle"
    );
    // A day of one's own stays, whatever a table says.
    estate.execute("UPDATE esu_years SET usable_from = '2026-01-01' WHERE product = 'Windows 10' AND year = 1").await;
    estate.import(vec![published()]).await;
    assert_eq!(estate.text(&usable("Windows 10 ESU Year 1")).await, "2026-01-01");
    estate.done().await;
}

#[tokio::test]
async fn a_name_tells_product_and_year() {
    let estate = Estate::new().await;
    for (name, year) in [
        ("Windows 10 ESU Year 2", "Windows 10 2"),
        ("Windows Server 2012 R2 ESU Year 3", "Windows Server 2012 R2 3"),
        ("Windows Server 2012 Extended Security Updates (Year 1)", "Windows Server 2012 1"),
        ("Windows 10 Enterprise", ""),
        ("Windows 10 ESU", ""),
        ("Windows 10 ESU Year 9", ""),
        ("Windows 100 ESU Year 1", ""),
        ("Windows Server 2012 R2 ESU Year 123456", ""),
        ("Esus Year 1", ""),
    ] {
        let statement = format!("SELECT coalesce((SELECT product || ' ' || year FROM esu_year_of('{name}')), '')");
        assert_eq!(estate.text(&statement).await, year, "{name}");
    }
    estate.done().await;
}

#[test]
fn each_cell_of_a_table_says_what_is_wrong_with_it() {
    let wrong = |line: &str| -> Vec<String> {
        let text = [TABLE, line].concat();
        let faults: Vec<RowError> =
            keyward::imports::read_file("esu.csv", text.as_bytes(), keyward::imports::Caps::NONE).unwrap_err();
        faults.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        wrong(",0,1.2.2026,,\n"),
        [
            "esu.csv:2: product: is empty, but every row needs it",
            "esu.csv:2: esu_year: '0' isn't a year of coverage: write 1 for the first",
            "esu.csv:2: coverage_start: '1.2.2026' can be read in two ways: write year-month-day, such as 2026-05-31",
            "esu.csv:2: coverage_end: is empty, but every row needs it",
        ]
    );
    assert_eq!(
        wrong("Windows 10,1,2026-02-02,2026-02-01,\n"),
        ["esu.csv:2: coverage_end: 2026-02-01 is before the start, 2026-02-02"]
    );
}

#[tokio::test]
async fn an_administrator_imports_no_table_for_the_whole_site() {
    let estate = Estate::filled().await;
    let id = estate.administrator("a@keyward.example", &["8671204"]).await;
    let reports = estate
        .importer(Who::Administrator(id))
        .run(vec![years("Windows 10,1,2026-12-01,2027-10-12,\n")], &mut |_, _| ())
        .await
        .unwrap();
    assert!(reports[0].is_refused());
    assert_eq!(
        reports[0].refused[0].to_string(),
        "esu.csv:2: product: ESU coverage holds for the whole site. A site operator can import it."
    );
    let refused =
        estate.import(vec![years("Windows 9,1,2026-12-01,2027-10-12,\nwindows 9,1,2026-12-02,2027-10-12,\n")]).await;
    assert!(refused[0].refused[0].to_string().contains("contradicts line 2"), "{:?}", refused[0].refused);
    estate.done().await;
}

/// Alpha becomes year 3 of Windows 10, which begins on 13 October 2027.
async fn as_esu(app: &App) {
    run(app, "UPDATE products SET name = 'Windows 10 ESU Year 3' WHERE slug = 'alpha-suite'").await;
}

async fn run(app: &App, statement: &'static str) {
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn page(app: &App, path: &str, actor: &str) -> String {
    let answer = app.get(path, world().await.person(actor)).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

/// S000, "Extended Security Updates": ordered before its coverage, the key is shown, and can't be used yet.
#[tokio::test]
async fn s000_an_esu_key_is_shown_and_said_to_be_unusable_before_its_coverage() {
    let app = world().await.app().await;
    as_esu(&app).await;
    let about = page(&app, "/products/alpha-suite?tab=about", "keys reader A").await;
    for part in [
        "Not usable yet: its keys can be used from 13 Oct 2027",
        "when coverage begins",
        "10 Oct 2028",
        "/orders?q=Windows+10+ESU+Year+3",
    ] {
        assert!(about.contains(part), "{part}");
    }
    assert!(!about.contains("Another day for one key"), "that is an Administrator's");
    for path in ["/products/alpha-suite?tab=keys", "/contracts/1111111?tab=keys"] {
        let keys = page(&app, path, "keys reader A").await;
        assert!(
            keys.contains("AAAA7") && keys.contains("Not usable yet: this key can be used from 13 Oct 2027"),
            "{path}"
        );
    }
    let list = page(&app, "/products?keys=not-yet", "keys reader A").await;
    assert!(list.contains("Keys not usable yet: 1") && list.contains("Windows 10 ESU Year 3"));
    app.done().await;
}

/// DOMAIN §4: a site operator's day for a year, and an Administrator's for a key, go before the coverage.
#[tokio::test]
async fn domain_4_windows_10_a_day_of_ones_own_goes_before_the_coverage() {
    let app = world().await.app().await;
    let world = world().await;
    as_esu(&app).await;
    let other = key(
        &app,
        world.planted.contracts[0],
        app.product_of(world.planted.keys[0]).await,
        "CNRYE-7QX2K-9WPVM-4TJHB-EEEE9",
    )
    .await;
    let form = [("product", "Windows 10"), ("year", "3"), ("day", "2026-11-22")];
    for actor in ["administrator A", "auditor", "no grant"] {
        let answer = app.post("/products/esu", world.person(actor), &form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{actor}");
    }
    let answer = app.post("/products/esu", world.person("site operator"), &form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let keys = page(&app, "/products/alpha-suite?tab=keys", "keys reader A").await;
    assert!(!keys.contains("Not usable yet"), "from today on");
    let about = page(&app, "/products/alpha-suite?tab=about", "keys reader A").await;
    assert!(about.contains("by a site operator’s word"));

    let path = format!("/keys/{}/usable-from", world.planted.keys[0]);
    let set = async |actor: &str, day: &str| app.post(&path, world.person(actor), &[("day", day)]).await.status();
    assert_eq!(set("keys reader A", "2027-03-01").await, StatusCode::NOT_FOUND);
    assert_eq!(set("administrator B", "2027-03-01").await, StatusCode::NOT_FOUND);
    assert_eq!(set("administrator A", "soon").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set("administrator A", "2027-03-01").await, StatusCode::SEE_OTHER);
    let keys = page(&app, "/products/alpha-suite?tab=keys", "keys reader A").await;
    assert_eq!(keys.matches("Not usable yet: this key can be used from 1 Mar 2027").count(), 1, "the one, not {other}");
    assert_eq!(set("administrator A", "").await, StatusCode::SEE_OTHER);
    let answer = app.post("/products/esu", world.person("site operator"), &[form[0], form[1], ("day", "")]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let keys = page(&app, "/products/alpha-suite?tab=keys", "keys reader A").await;
    assert_eq!(keys.matches("from 13 Oct 2027").count(), 2, "as published again");
    app.done().await;
}

#[tokio::test]
async fn a_day_that_isnt_one_stands_in_its_field_again() {
    let app = world().await.app().await;
    let form = [("product", "Windows 10"), ("year", "3"), ("day", "13.10.2027")];
    let answer = app.post("/products/esu", world().await.person("site operator"), &form).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = answer.text().await.unwrap();
    assert!(html.contains("value=\"13.10.2027\"") && html.contains("This isn’t a day from 2000 to 2099"));
    let nowhere = [("product", "Windows 10"), ("year", "8"), ("day", "")];
    let answer = app.post("/products/esu", world().await.person("site operator"), &nowhere).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    app.done().await;
}

/// The end of coverage is told by the table, not by what is compiled in.
#[tokio::test]
async fn notices_go_by_the_table() {
    let app = world().await.app().await;
    as_esu(&app).await;
    run(&app, "UPDATE esu_years SET covers_from = '2026-01-01', covers_until = '2026-12-20' WHERE product = 'Windows 10' AND year = 3").await;
    keyward::notices::plan::plan(&app.state.db).await.unwrap();
    let mut tx = app.state.db.begin(Scope::System).await.unwrap();
    let told: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM notices WHERE kind = 'esu-end'").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("ESU for Windows 10 on License ID 1111111 ends on"), "{told:?} at {NOW}");
    drop(tx);
    app.done().await;
}
