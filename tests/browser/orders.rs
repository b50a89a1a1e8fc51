//! Orders: the question after an ESU order, an order's lines, and exports of what is ticked and of all that match.

use keyward::postgres::Scope;
use thirtyfour::Key;

use super::{
    driver::Scripts,
    files::export,
    page::same,
    portal::{Journey, Person, estate},
};

fn lines(wanted: impl Fn(&[String]) -> bool) -> Vec<Vec<String>> {
    let mut lines: Vec<_> = estate("orders.csv").into_iter().skip(1).filter(|row| wanted(row)).collect();
    lines.sort();
    lines
}

/// One search says whether there is an ESU order; its row opens the order.
#[tokio::test]
async fn one_search_finds_an_esu_order() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/orders").await;
    browser.fill("#q", "esu 8671311\n").await;
    browser.at("/orders?q=esu+8671311").await;
    let want = lines(|row| row[0] == "8671311" && row[7].contains("ESU"));
    assert_eq!(want.len(), 1);
    browser.see("//h2[.='Yes: 1 ESU order line under License ID 8671311.']").await;
    browser.press_key(Key::Escape).await;
    browser.press("j").await;
    browser.press_key(Key::Enter).await;
    browser.see_text(".panel h2", |text| text.contains(&want[0][1])).await;
    let items = browser.texts(".panel tbody th").await;
    assert!(items.iter().any(|item| item.contains(&want[0][6])), "{items:?}");
    browser.press_key(Key::Escape).await;
    browser.at("/orders?q=esu+8671311").await;
    browser.see_no(".panel").await;
    browser.fill("#q", "esu nowhere\n").await;
    browser.see("//h2[.='No ESU order in what you may see.']").await;
    browser.click("//a[.='Clear filters']").await;
    browser.at("/orders").await;
    browser.click("//nav[@aria-label='Ready-made filters']//a[.='ESU']").await;
    browser.at("/orders?only=esu").await;
    let all = lines(|row| row[7].contains("ESU")).len();
    browser.see_text("[data-pager-range]", |text| text == format!("1–{all} of {all}")).await;
    journey.end(&[]).await;
}

/// Ticks, all that match, and a number that changed in between.
#[tokio::test]
async fn order_lines_are_exported_as_ticked_and_as_they_match() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/orders?license_id=8671311").await;
    same("as filtered", &export(browser, "Export", "csv").await, &lines(|row| row[0] == "8671311"));
    browser.open("/orders").await;
    browser.click("thead .tick").await;
    browser.see_text("[data-select-status]", |text| text == "50 order lines selected.").await;
    assert_eq!(export(browser, "Export", "csv").await.len(), 50);
    browser.see_text("button[data-select-matching]", |text| text == "Select all 180 matching").await;
    browser.click("button[data-select-matching]").await;
    browser.see_text("[data-select-status]", |text| text == "All 180 matching selected.").await;
    // What Select Plus tells stands behind what every order has.
    let (told, usual): (Vec<_>, Vec<_>) =
        export(browser, "Export", "tsv").await.into_iter().map(|mut row| (row.split_off(10), row)).unzip();
    same("all that match", &usual, &lines(|_| true));
    let count = |cells: [&str; 2]| told.iter().filter(|row| **row == cells).count();
    assert_eq!((count(["Yes", "No"]), count(["", "Yes"]), count(["", ""])), (2, 1, 174));

    let mut tx = journey.app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query("INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'occurrence', 9))).* FROM orders o LIMIT 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    browser.click("//details[contains(@class, 'export')]/summary").await;
    browser.click("//details[contains(@class, 'export')]//button[@value='csv']").await;
    browser.see("//p[contains(., 'The page said that 180 match; now it is 181.')]").await;
    journey.end(&["status of 409"]).await;
}

/// What Select Plus tells of an order: said by hand, filtered by, and a column that is asked for.
#[tokio::test]
async fn what_select_plus_tells_is_said_and_found() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/orders?license_id=S4471902&q=Visio").await;
    browser.click("//tbody//a[contains(., 'Edit')]").await;
    browser.click("#up_for_renewal option[value='yes']").await;
    browser.click("//button[.='Save']").await;
    browser.see_text(".history", |text| text.contains("Up for Renewal")).await;
    browser.open("/orders").await;
    browser.click(".filters [name=renewal] option[value='yes']").await;
    browser.click("//form[contains(@class, 'filters')]//button[.='Apply']").await;
    browser.see_text("[data-pager-range]", |text| text == "1–4 of 4").await;
    browser.see("//a[contains(., 'Up for Renewal: Yes')]").await;
    browser.click("//summary[contains(., 'Columns')]").await;
    browser.click("//details[contains(., 'Columns')]//label[contains(., 'Up for Renewal')]//input").await;
    browser.click("//details[contains(., 'Columns')]//button[.='Apply']").await;
    browser.see("//td[@data-label='Up for Renewal'][.='Yes']").await;
    browser.press_key(Key::Escape).await;
    browser.open("/orders?license_id=8671311").await;
    browser.click("//tbody//a[contains(., 'Edit')]").await;
    browser.see("#country").await;
    assert_eq!(browser.count("#up_for_renewal").await, 0, "Enterprise tells nothing of the kind");
    journey.end(&[]).await;
}
