//! Products: found while one types, counted by the overview, with files that are sent in, had and resumed.

use std::fs;

use serde_json::{Value, json};

use super::{
    driver::Scripts,
    page::SOON,
    portal::{Journey, Person},
};

const NAMES: &str = "tbody .row-link";
const TAB: &str = "/products/windows-11-pro?tab=downloads";

/// What is typed is found without a key more; the cursor stays, and so does the address.
#[tokio::test]
async fn products_are_found_while_one_types() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products").await;
    browser.click("#q").await;
    browser.press("exchange").await;
    browser.at("/products?q=exchange").await;
    browser
        .until("only what was typed", SOON, async || {
            let names = browser.texts(NAMES).await;
            (!names.is_empty() && names.iter().all(|name| name.starts_with("Exchange"))).then_some(())
        })
        .await;
    assert_eq!(browser.js("return document.activeElement.id").await, json!("q"), "the cursor stays");
    browser.press(" server").await;
    browser.at("/products?q=exchange+server").await;
    browser.reload().await;
    assert_eq!(browser.js("return document.querySelector('#q').value").await, json!("exchange server"));
    // With a panel open, what is searched is the list.
    browser.click("//a[.='Exchange Server 2019 Standard']").await;
    browser.see(".panel").await;
    browser.click("#q").await;
    browser.press("x").await;
    browser.see_no(".panel").await;
    browser.at("/products?q=exchange+serverx").await;
    browser.see("//p[.='No product matches']").await;
    journey.end(&[]).await;
}

/// From a number on the overview to exactly those keys.
#[tokio::test]
async fn a_number_on_the_overview_leads_to_those_keys() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let line = browser.text("//li[h2 or .//h2][.//h2/a[.='Products and services']]//a[contains(., 'used up')]").await;
    let number: usize = line.split(' ').next().unwrap().parse().unwrap();
    browser.click("//li[.//h2/a[.='Products and services']]//a[contains(., 'used up')]").await;
    browser.at("/products?keys=used-up").await;
    browser.see_text(".chips", |text| text.contains(&format!("MAKs used up: {number}"))).await;
    let cells = browser.texts("td[data-label='Keys']").await;
    assert_eq!(cells.iter().map(|cell| cell.parse::<usize>().unwrap()).sum::<usize>(), number);
    browser.click(NAMES).await;
    let shown = browser.text(".panel .tabs [aria-current] .count").await;
    assert_eq!(shown, cells[0], "the panel has the same keys");
    assert_eq!(browser.count(".panel .meter.bad").await.to_string(), shown);
    browser.click("//a[.='Show all keys of this product']").await;
    browser.see_no("//a[.='Show all keys of this product']").await;
    journey.end(&[]).await;
}

/// A year of ESU that has not begun says from when its keys can be used.
#[tokio::test]
async fn an_esu_product_says_from_when_its_keys_can_be_used() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    const ABOUT: &str = "/products/windows-10-esu-year-3?tab=about";
    browser.open(ABOUT).await;
    browser
        .see_text(".panel .banner", |text| text.contains("Not usable yet: its keys can be used from 13 Oct 2027"))
        .await;
    browser.click("//nav[contains(@class, 'tabs')]//a[starts-with(., 'Keys')]").await;
    browser.see("//p[contains(., 'Not usable yet: this key can be used from 13 Oct 2027')]").await;
    // The site operator lets them be used from today on.
    browser.open("/products/esu").await;
    let field = "//tr[th[.='Windows 10']][td[1][.='3']]//input[@type='date']";
    let day = browser.find(field).await;
    day.send_keys("11222026").await.unwrap();
    let typed = day.prop("value").await.unwrap();
    // The order of day and month in the field is the browser's language's.
    if typed.as_deref() != Some("2026-11-22") {
        day.clear().await.unwrap();
        day.send_keys("22112026").await.unwrap();
    }
    browser.click("//tr[th[.='Windows 10']][td[1][.='3']]//button").await;
    browser.see("//p[starts-with(., 'The day was set.')]").await;
    browser.open(ABOUT).await;
    browser.see_text(".panel .banner", |text| text.contains("Its keys can be used already")).await;
    journey.end(&[]).await;
}

async fn fetched(journey: &Journey, path: &str, range: &str) -> (u64, String, Vec<u8>) {
    let script = "const done = arguments[2];
        fetch(arguments[0], { headers: arguments[1] ? { Range: arguments[1] } : {} }).then(async (answer) =>
            done([answer.status, answer.headers.get('Content-Range') ?? '', [...new Uint8Array(await answer.arrayBuffer())]]));";
    let answer = journey.browser.js_async(script, vec![json!(path), json!(range)]).await.unwrap();
    let bytes =
        answer[2].as_array().unwrap().iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect();
    (answer[0].as_u64().unwrap(), answer[1].as_str().unwrap().to_owned(), bytes)
}

/// Sent in, had, resumed where it broke off, and the same in the end; with and without scripts.
#[tokio::test]
async fn a_file_is_sent_in_downloaded_and_resumed() {
    for scripts in [Scripts::On, Scripts::Off] {
        let journey = Journey::of(Person::Admin, scripts).await;
        let browser = &journey.browser;
        let bytes: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n % 253).unwrap()).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Windows 11 Pro.iso");
        fs::write(&path, &bytes).unwrap();

        browser.open(TAB).await;
        browser.see("//p[.='This product is not available for download.']").await;
        browser.see_text(".panel", |text| text.contains("slmgr /ipk W269N-WFGWX-YVC9B-4J6C9-T83GX")).await;
        browser.click("//summary[contains(., 'Add a file or a link')]").await;
        browser.click("//button[.='Add it']").await;
        // The browser itself asks for what is missing, here the language.
        browser.fill("#language", "English").await;
        browser.click("//button[.='Add it']").await;
        browser.see_text(".panel", |text| text.contains("Choose a file, or give a link.")).await;
        browser.find("#file").await.send_keys(path.to_str().unwrap()).await.unwrap();
        browser.click("//button[.='Add it']").await;
        browser.see("//p[.='Added Windows 11 Pro.iso.']").await;
        browser
            .see_text(".file", |text| text.contains("English") && text.contains("64-bit") && text.contains("19.5 KiB"))
            .await;

        browser.click("//li[contains(@class, 'file')]//button[starts-with(., 'Download')]").await;
        let (name, whole) = browser.downloaded().await;
        assert_eq!((name.as_str(), whole == bytes), ("Windows 11 Pro.iso", true));
        if scripts == Scripts::On {
            let action = browser.find(".file-head form").await.attr("action").await.unwrap().unwrap();
            let (status, range, first) = fetched(&journey, &action, "bytes=0-7999").await;
            assert_eq!((status, range.as_str()), (206, "bytes 0-7999/20000"));
            let (status, range, rest) = fetched(&journey, &action, "bytes=8000-").await;
            assert_eq!((status, range.as_str()), (206, "bytes 8000-19999/20000"));
            assert!([first, rest].concat() == bytes, "the parts make the file");
            assert_eq!(browser.js("return document.querySelectorAll('.file').length").await, Value::from(1));
        }
        browser.click("//li[contains(@class, 'file')]//button[starts-with(., 'Remove')]").await;
        browser.click("//div[contains(@class, 'undo')]//button").await;
        browser.see("//p[.='The file is back.']").await;
        browser.see(".file").await;
        journey.end(&["422"]).await;
    }
}
