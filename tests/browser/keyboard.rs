//! The keyboard: single letters, Esc, and where the focus is.

use thirtyfour::Key;

use super::{
    driver::Scripts,
    page::Browser,
    portal::{Journey, Person},
};

async fn focus(browser: &Browser, selector: &str) {
    let has = format!("return document.activeElement.matches(\"{selector}\")");
    browser
        .until(&format!("the focus on {selector}"), super::page::SOON, async || {
            (browser.js(&has).await == true).then_some(())
        })
        .await;
}

/// Rows, panel, ticks and help by single keys; the focus goes into the panel and comes back.
#[tokio::test]
async fn the_lists_are_walked_by_keys() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products").await;
    browser.press("/").await;
    focus(browser, "#q").await;
    browser.press("jk").await;
    assert_eq!(browser.find("#q").await.prop("value").await.unwrap().as_deref(), Some("jk"), "a field takes letters");
    browser.open("/products").await;
    browser.press("jjk").await;
    focus(browser, "tbody tr:first-child .row-link").await;
    let ring = "const ring = getComputedStyle(document.activeElement, '::after'); return `${ring.outlineStyle} ${ring.outlineWidth}`";
    assert_eq!(browser.js(ring).await, "solid 2px");
    browser.press("j").await;
    focus(browser, "tbody tr:nth-child(2) .row-link").await;
    browser.press_key(Key::Enter).await;
    browser.see(".panel .key-row").await;
    focus(browser, ".panel").await;
    browser.press("jj").await;
    browser.see(".panel .key-row:nth-child(2).at").await;
    browser.press("x").await;
    browser.see_text(".panel [data-select-status]", |text| text == "1 key selected.").await;
    browser.press_key(Key::Escape).await;
    browser.at("/products").await;
    focus(browser, "tbody tr:nth-child(2) .row-link").await;

    browser.press("/").await;
    focus(browser, "#q").await;
    browser.press_key(Key::Escape).await;
    focus(browser, "body").await;
    browser.js("document.querySelector('[data-palette-open]').click()").await;
    browser.press("visio").await;
    browser.see(".palette-results .at").await;
    browser.press_key(Key::Escape).await;
    browser.see_no("dialog[open]").await;

    browser.press("?").await;
    browser.see("dialog[open] .shortcuts").await;
    browser.click("dialog[open] [data-shortcuts-switch]").await;
    browser.press_key(Key::Escape).await;
    browser.see_no("dialog[open]").await;
    browser.js("document.activeElement.blur()").await;
    browser.press("?").await;
    assert_eq!(browser.count("dialog[open]").await, 0, "letters are switched off");
    journey.end(&[]).await;
}

/// Every big list is searched, walked and opened by keys; where rows have boxes, `x` ticks them.
#[tokio::test]
async fn every_big_list_is_walked_by_keys() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    for (list, searched, ticked) in [
        ("/products", true, false),
        ("/contracts", true, true),
        ("/orders", true, true),
        ("/requests?state=all", true, false),
        ("/people", true, false),
        ("/activation", false, false),
    ] {
        browser.open(list).await;
        if searched {
            browser.press("/").await;
            focus(browser, "[data-search]").await;
            browser.press("xr?").await;
            assert_eq!(browser.count("dialog[open], [data-select-row]:checked").await, 0, "{list}: letters in a field");
            browser.open(list).await;
        }
        browser.press("jjk").await;
        browser.see("[data-row].at").await;
        let first = "return document.querySelector('[data-row]') === document.activeElement.closest('[data-row]')";
        assert_eq!(browser.js(first).await, true, "{list}: j and k");
        if ticked {
            browser.press("x").await;
            browser.see("[data-row]:first-child [data-select-row]:checked").await;
        }
        browser.press_key(Key::Enter).await;
        let path = list.split('?').next().unwrap();
        browser
            .until(&format!("a row of {list}"), super::page::SOON, async || {
                browser.path().await.strip_prefix(path)?.starts_with('/').then_some(())
            })
            .await;
        browser.see("h1").await;
    }
    journey.end(&[]).await;
}

/// Rows without a link of their own take the focus to the first thing that can be done with them; Esc leaves the search
/// before it closes a panel.
#[tokio::test]
async fn every_list_brings_the_focus_to_its_rows() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    for list in ["/accounts", "/notices", "/contracts/summary", "/setup-keys", "/error-codes", "/products/rds"] {
        browser.open(list).await;
        browser.press("jj").await;
        let second =
            "return [...document.querySelectorAll('[data-row]')].indexOf(document.activeElement.closest('[data-row]'))";
        assert_eq!(browser.js(second).await, 1, "{list}");
    }
    browser.open("/error-codes").await;
    browser.press("/").await;
    focus(browser, "textarea").await;
    browser.press("0x").await;
    browser.press_key(Key::Escape).await;
    focus(browser, "body").await;
    browser.open("/products/windows-11-pro").await;
    browser.press("/").await;
    focus(browser, "#q").await;
    browser.press_key(Key::Escape).await;
    focus(browser, "body").await;
    browser.at("/products/windows-11-pro").await;
    browser.press_key(Key::Escape).await;
    browser.at("/products").await;
    journey.end(&[]).await;
}

/// A list whose rows lead nowhere takes the focus to them all the same.
#[tokio::test]
async fn the_log_is_walked_by_keys() {
    let journey = Journey::of(Person::Second, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/audit").await;
    browser.press("/").await;
    focus(browser, "[name=person]").await;
    browser.open("/audit").await;
    browser.press("jj").await;
    focus(browser, "tbody tr:nth-child(2).at").await;
    browser.press("k").await;
    focus(browser, "tbody tr:nth-child(1).at").await;
    assert_eq!(browser.count("[data-row].at").await, 1);
    journey.end(&[]).await;
}

/// `r` asks for more of the key in focus, and does nothing where letters are switched off.
#[tokio::test]
async fn more_is_requested_by_a_key() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let keys = "/contracts/8671204?tab=keys";
    browser.open(keys).await;
    browser.press("?").await;
    browser.see_text("dialog[open] .shortcuts", |text| text.contains("Request more for the key of the row")).await;
    browser.click("dialog[open] [data-shortcuts-switch]").await;
    browser.press_key(Key::Escape).await;
    browser.see_no("dialog[open]").await;
    let reach = "const row = document.querySelector('.key-row:has([data-request])'); row.querySelector('.tick input').focus(); return row.querySelector('[data-request]').getAttribute('href')";
    let href = browser.js(reach).await.as_str().unwrap().to_owned();
    browser.press("r").await;
    browser.at(keys).await;
    browser.press("?").await;
    assert_eq!(browser.count("dialog[open]").await, 0, "letters are off");
    browser.click("[data-help]").await;
    browser.click("dialog[open] [data-shortcuts-switch]").await;
    browser.press_key(Key::Escape).await;
    browser.see_no("dialog[open]").await;
    browser.js(reach).await;
    browser.press("r").await;
    browser.at(&href).await;
    assert!(href.starts_with("/requests/new?"), "{href}");
    journey.end(&[]).await;
}

/// `c` copies the key of the row; menus open, move and close by the keyboard.
#[tokio::test]
async fn keys_are_copied_and_menus_used_by_the_keyboard() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204?tab=keys").await;
    browser.find(".panel .key-row:first-child .tick input").await.focus().await.unwrap();
    browser.press("c").await;
    browser.see_text(".toast", |text| text.starts_with("Copied") || text.starts_with("This page can’t reach")).await;

    browser.open("/contracts").await;
    browser.find("summary[aria-label='More for 7740032']").await.focus().await.unwrap();
    browser.press_key(Key::Enter).await;
    browser.press_key(Key::Down).await;
    focus(browser, "details[open] .menu-item:first-child").await;
    browser.press_key(Key::Escape).await;
    focus(browser, "summary[aria-label='More for 7740032']").await;
    assert_eq!(browser.count("[data-menu][open]").await, 0);
    journey.end(&[]).await;
}
