//! Saved views and chosen columns, with JavaScript and without.

use thirtyfour::Key;

use super::{
    driver::Scripts,
    page::Browser,
    portal::{Journey, Person},
};

/// Saves what a list shows, and comes back to it.
pub async fn save(browser: &Browser, list: &str, name: &str) {
    save_as(browser, list, name).await;
    browser.see("//p[contains(., 'The view stands under Views')]").await;
}

/// Sends the form of a list's menu.
pub async fn save_as(browser: &Browser, list: &str, name: &str) {
    browser.open(list).await;
    browser.click("details.views > summary").await;
    browser.fill("#view-name", name).await;
    browser.click("details.views form .btn").await;
}

async fn total(browser: &Browser, list: &str) -> String {
    browser.open(list).await;
    browser.text("[data-pager-range]").await.rsplit(' ').next().unwrap().to_owned()
}

async fn headings(browser: &Browser) -> Vec<String> {
    let mut texts = browser.texts("table.table thead th").await;
    texts.retain(|text| !text.is_empty());
    texts
}

/// Saved, seen with its number in the list's menu and on its page, found by Ctrl+K, renamed, deleted, had back.
#[tokio::test]
async fn a_view_is_saved_and_opened_with_one_click() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let soon = total(browser, "/contracts?ending=90").await;
    save(browser, "/contracts?ending=90&sort=-end", "Ends soon").await;
    browser.at("/contracts?ending=90&sort=-end").await;

    browser.open("/contracts").await;
    browser.click("details.views > summary").await;
    browser.see_text("[data-views-own] .menu-item .count", |text| text == soon).await;
    browser.click("[data-views-own] .menu-item").await;
    browser.at("/contracts?ending=90&sort=-end").await;

    browser.open("/orders").await;
    browser.js("document.querySelector('[data-palette-open]').click()").await;
    browser.press("ends so").await;
    browser.see_text(".palette-results .at .found-title", |text| text == "Ends soon").await;
    browser.press_key(Key::Enter).await;
    browser.at("/contracts?ending=90&sort=-end").await;

    browser.click(".nav a[href='/views']").await;
    browser.see_text("[data-view-count]", |text| text == soon).await;
    browser.click("summary[aria-label='More for Ends soon']").await;
    browser.fill(".view-menu input[name=name]", "Winter").await;
    browser.click("//button[.='Rename']").await;
    browser.see("//p[contains(., 'called “Winter” now')]").await;
    browser.click("summary[aria-label='More for Winter']").await;
    browser.click("//button[contains(., 'Delete')]").await;
    browser.see("//p[.='No saved views yet']").await;
    browser.click("[data-undo] button").await;
    browser.see_text("[data-view-name]", |text| text == "Winter").await;
    journey.end(&[]).await;
}

/// The same by plain forms and links; what is typed while a list searches is saved as it is then.
#[tokio::test]
async fn views_work_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    let servers = total(browser, "/products?category=Windows+Server").await;
    save(browser, "/products?category=Windows+Server", "Servers").await;
    save_as(browser, "/products", "SERVERS").await;
    browser.see_text(".unsaved .error", |text| text.contains("You have a view “Servers” of this list")).await;
    browser.fill(".unsaved #name", "All of them").await;
    browser.click(".unsaved button").await;
    browser.at("/products?did=view").await;

    browser.click("details.views > summary").await;
    browser.click("//details[contains(@class, 'views')]//a[.='Saved views of this list']").await;
    browser.at("/views?list=products").await;
    browser.see_text("tbody tr:first-child [data-view-count]", |text| text == servers).await;
    browser.click("summary[aria-label='More for All of them']").await;
    browser.click("//button[contains(., 'Move up')]").await;
    browser.see_text("tbody tr:first-child [data-view-name]", |text| text == "All of them").await;
    browser.click("//a[.='Servers']").await;
    browser.at("/products?category=Windows+Server").await;
    journey.end(&["status of 422"]).await;
}

/// What is found while typing is what is saved.
#[tokio::test]
async fn a_view_of_a_live_search_is_what_stands_there() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products").await;
    browser.fill("#q", "visio").await;
    browser.at("/products?q=visio").await;
    browser.click("details.views > summary").await;
    browser.fill("#view-name", "Visio").await;
    browser.click("details.views form .btn").await;
    // The address is the same before and after: what was done is told by its sentence alone.
    browser.see("//p[contains(., 'The view stands under Views')]").await;
    browser.open("/views").await;
    browser.see("a[data-view-name][href='/products?q=visio']").await;
    journey.end(&[]).await;
}

/// Columns are taken off and put on by boxes; sort, filter, page and a saved view keep them.
#[tokio::test]
async fn columns_are_chosen_with_and_without_scripts() {
    for scripts in [Scripts::On, Scripts::Off] {
        let journey = Journey::of(Person::Admin, scripts).await;
        let browser = &journey.browser;
        browser.open("/orders").await;
        let boxes = "//summary[contains(., 'Columns')]";
        browser.click(boxes).await;
        for label in ["License ID", "Ordered on", "Usage start", "Order numbers", "Country"] {
            browser.click(&format!("//label[contains(@class, 'check')][contains(., '{label}')]")).await;
        }
        browser.click("//details[@open]//button[.='Apply']").await;
        browser.see_text("thead", |text| !text.contains("Country")).await;
        assert_eq!(headings(browser).await, ["Description", "Quantity", "Reseller"]);
        assert_eq!(browser.count("td[data-label='Country'], td[data-label='License ID']").await, 0);
        browser.click("//th/a[.='Quantity']").await;
        browser.at("/orders?columns=description.quantity.reseller&sort=quantity").await;
        browser.click("a[rel=next]").await;
        browser.at("/orders?columns=description.quantity.reseller&sort=quantity&page=2").await;
        browser.click("//nav[@aria-label='Ready-made filters']//a[.='ESU']").await;
        browser.at("/orders?columns=description.quantity.reseller&sort=quantity&only=esu").await;
        browser.click("//form[@aria-label='Filters']//button[.='Apply']").await;
        browser.see_text("[data-pager-range]", |text| text.contains(" of ")).await;
        assert_eq!(headings(browser).await, ["Description", "Quantity", "Reseller"], "after the filter's form");
        save(browser, "/orders?columns=description.quantity.reseller&only=esu", "Narrow").await;
        browser.open("/views").await;
        browser.click("//a[.='Narrow']").await;
        browser.see("td[data-label='Reseller']").await;
        assert_eq!(headings(browser).await, ["Description", "Quantity", "Reseller"], "in the saved view");

        // A phone's cards show what was chosen, also what gives way by itself.
        browser.size(390, 900).await;
        browser.see("tbody tr:first-child td[data-label='Reseller']").await;
        browser.open("/orders").await;
        browser.see("tbody .row-link").await;
        browser.see_no("tbody tr:first-child td[data-label='Reseller']").await;
        journey.end(&[]).await;
    }
}
