//! The same journey with JavaScript switched off.

use super::{
    driver::Scripts,
    files::{export, read},
    page::same,
    portal::{Journey, PASSWORD, Person, column, keys},
};

const OFFICE: &str = "Office LTSC Professional Plus 2024";

/// Lists, panel, reveal and exports without a script.
#[tokio::test]
async fn everything_but_copying_works_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    assert_eq!(browser.count("html[data-js]").await, 0, "scripts are off");
    browser.see_no(".js").await;
    browser.click(".nav a[href='/products']").await;
    browser.click("//nav[@aria-label='Category']//a[starts-with(., 'Office ')]").await;
    browser.at("/products?category=Office").await;
    browser.fill("#q", "2024\n").await;
    browser.at("/products?q=2024&category=Office").await;
    browser.click("//th/a[.='Keys']").await;
    browser.at("/products?q=2024&category=Office&sort=keys").await;
    browser.click(&format!("//a[.='{OFFICE}']")).await;
    browser.at("/products/office-ltsc-professional-plus-2024?q=2024&category=Office&sort=keys").await;
    browser.see_text(".panel [data-pager-range]", |text| text == "1–33 of 33").await;

    let end = browser.text(".key-row:nth-child(2) [data-key-text]").await.rsplit('-').next().unwrap().to_owned();
    let of_product = |row: &[String]| row[column::PRODUCT] == OFFICE;
    let key = keys(|row| of_product(row) && row[column::KEY].ends_with(&end)).remove(0);
    browser.click(".key-row:nth-child(2) [data-reveal]").await;
    browser.see_text(".key-row:nth-child(2) [data-key-text]", |text| text == key[column::KEY]).await;
    browser.see("//p[.='Shown until you leave this page. Recorded with your name.']").await;

    browser.open("/products/office-ltsc-professional-plus-2024").await;
    browser.click(".key-row:nth-child(2) .tick").await;
    for format in ["tsv", "csv", "xlsx"] {
        same(format, &export(browser, "Export selected keys", format).await, std::slice::from_ref(&key));
        browser.click("//aside//details[contains(@class, 'export')]/summary").await;
    }
    browser.click("[data-panel-close]").await;
    browser.at("/products").await;
    same("all keys", &export(browser, "Export all keys", "tsv").await, &keys(|_| true));
    journey.end(&[]).await;
}

/// Contracts without a script: boxes, both exports, the menu of a row.
#[tokio::test]
async fn contracts_work_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/contracts").await;
    browser.click("//label[input[@value='V6219054']]").await;
    let of_it = keys(|row| row[column::LICENSE_ID] == "V6219054");
    same("its keys", &export(browser, "Export keys", "csv").await, &of_it);
    browser.click("//details[summary[contains(., 'Export keys')]]/summary").await;
    let list = export(browser, "Export the list", "csv").await;
    assert_eq!((list.len(), list[0][0].as_str()), (1, "V6219054"));
    browser.click("//details[summary[contains(., 'Export the list')]]/summary").await;
    browser.click("summary[aria-label='More for V6219054']").await;
    browser.click("//tr[.//a='V6219054']//a[contains(., 'View product keys')]").await;
    browser.at("/contracts/V6219054?tab=keys").await;
    browser.see_text(".panel [data-pager-range]", |text| text == "1–44 of 44").await;
    journey.end(&[]).await;
}

/// Six minutes on, the password is asked for on a page of its own, and what was asked for goes on.
#[tokio::test]
async fn the_password_page_goes_on_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671377?tab=keys").await;
    journey.app.clock.turn(time::Duration::minutes(6));
    browser.click(".key-row:first-child [data-reveal]").await;
    browser.at("/confirm").await;
    browser.see_text(".card .banner", |text| text == "After this: show the key.").await;
    browser.fill("#password", "not the password\n").await;
    browser.see_text("#password-error", |text| text == "That isn’t your password.").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("//button[.='Confirm and go on']").await;
    browser.see("//p[.='Shown until you leave this page. Recorded with your name.']").await;

    journey.app.clock.turn(time::Duration::minutes(6));
    browser.open("/products").await;
    let menu = "//details[summary[contains(., 'Export all keys')]]";
    browser.click(&format!("{menu}/summary")).await;
    browser.click(&format!("{menu}//button[@value='tsv']")).await;
    browser.at("/confirm").await;
    browser.see_text(".card .banner", |text| text == "After this: export the keys you chose.").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("//button[.='Confirm and go on']").await;
    same("the export that waited", &read(browser, "tsv").await, &keys(|_| true));
    journey.end(&["status of 422"]).await;
}
