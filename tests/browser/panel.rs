//! A product's panel: its keys as the estate has them, copied and revealed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    driver::Scripts,
    page::{Browser, SOON, same},
    portal::{Journey, PASSWORD, Person, column, keys},
};

const OFFICE: &str = "/products/office-ltsc-professional-plus-2024?tab=keys";
/// What the panel shows of each key in each of its places, in the order of the estate's columns.
const FACTS: &str = "return [...document.querySelectorAll('.panel .key-row')].flatMap((row) => {
    const text = (part) => row.querySelector(part)?.textContent.trim() ?? '';
    const fact = (name) => [...row.querySelectorAll('.key-count')].find((one) => one.textContent.includes(name))?.children[1];
    return [...row.querySelectorAll('.key-place')].map((place) => [
        place.querySelector('a').textContent.trim().replace('License ID ', ''),
        place.querySelector(':scope > span').textContent.trim(),
        text('[data-key-text]'),
        text('.badge').replace('Type: ', ''),
        (fact('Activations')?.querySelector('.meter-text').textContent ?? '').replace(' of ', '/').replaceAll(',', ''),
        fact('OSA status')?.textContent ?? '',
    ]);
})";

/// The same of the estate's file.
fn facts(product: &str) -> Vec<Vec<String>> {
    let mut facts: Vec<Vec<String>> = keys(|row| row[column::PRODUCT] == product)
        .into_iter()
        .map(|row| {
            vec![
                row[column::LICENSE_ID].clone(),
                row[column::ORGANIZATION].clone(),
                format!("•••••-•••••-•••••-•••••-{}", &row[column::KEY][24..]),
                row[column::KIND].clone(),
                row[column::USED].clone(),
                row[column::OSA].clone(),
            ]
        })
        .collect();
    facts.sort();
    facts
}

async fn shown(browser: &Browser) -> Vec<Vec<String>> {
    let mut shown: Vec<Vec<String>> = serde_json::from_value(browser.js(FACTS).await).unwrap();
    shown.sort();
    shown
}

/// Lets the page use the clipboard, as a person would allow it.
pub async fn allow_clipboard(journey: &Journey) {
    let permissions = json!({
        "origin": journey.app.base,
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
    });
    journey.browser.devtools("Browser.grantPermissions", permissions).await;
}

pub async fn clipboard(browser: &Browser) -> String {
    let read =
        "const done = arguments[0]; navigator.clipboard.readText().then(done, (fault) => done(`refused: ${fault}`));";
    browser.js_async(read, Vec::new()).await.unwrap().as_str().unwrap().to_owned()
}

/// The key in clear of the first row.
async fn first_key(browser: &Browser) -> String {
    let end = browser.text(".panel .key-row:first-child [data-key-text]").await;
    let end = end.rsplit('-').next().unwrap().to_owned();
    keys(|row| row[column::KEY].ends_with(&end)).remove(0)[column::KEY].clone()
}

async fn revealed(browser: &Browser) -> String {
    browser.text(".key.revealed [data-key-text]").await
}

/// The panel opens beside the list without a reload and says of each key what the vendor's file says.
#[tokio::test]
async fn the_panel_shows_the_keys_as_they_are() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products?sort=name").await;
    browser.js("window.stayed = true").await;
    browser.click("//a[.='Office LTSC Professional Plus 2024']").await;
    browser.at("/products/office-ltsc-professional-plus-2024?sort=name").await;
    browser.see(".panel .key-row").await;
    same("keys of Office", &shown(browser).await, &facts("Office LTSC Professional Plus 2024"));
    let shared = "return [...document.querySelectorAll('.key-row')].filter((row) => row.textContent.includes('-JYW3R'))
        .map((row) => row.querySelectorAll('.key-place .tick, :scope > .tick').length)";
    assert_eq!(browser.js(shared).await, json!([3]), "one key, three places, each with its box");
    assert_eq!(browser.js("return window.stayed === true && document.activeElement.matches('.panel')").await, true);

    for (tab, sign) in [("About", ".panel .facts"), ("Downloads", ".panel .empty"), ("Keys", ".panel .key-row")] {
        browser.click(&format!("//aside//nav[contains(@class, 'tabs')]//a[starts-with(., '{tab}')]")).await;
        browser.see(sign).await;
    }
    browser.back().await;
    browser.see(".panel .empty").await;
    browser.reload().await;
    browser.see(".panel .empty").await;
    browser.click("[data-panel-close]").await;
    browser.at("/products?sort=name").await;
    browser.see_no(".panel").await;

    browser.open("/products/dynamics-365-business-central-on-premises").await;
    same("keys with a status", &shown(browser).await, &facts("Dynamics 365 Business Central on-premises"));
    journey.end(&[]).await;
}

/// Copying puts the key on the clipboard and nowhere on the page.
#[tokio::test]
async fn a_copied_key_is_on_the_clipboard_and_not_on_the_page() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    allow_clipboard(&journey).await;
    browser.open(OFFICE).await;
    let key = first_key(browser).await;
    let events = journey.app.events().await;
    browser.click(".panel [data-copy]").await;
    browser.see_text(".toast", |text| text == "Copied. Clears in 30 s. Recorded.").await;
    assert_eq!(clipboard(browser).await, key);
    assert!(!browser.driver().source().await.unwrap().contains(&key));
    assert_eq!(journey.app.events().await, events + 1);
    journey.end(&[]).await;
}

/// A revealed key hides when asked to, when the tab is left, and in print.
#[tokio::test]
async fn a_revealed_key_hides_with_its_tab() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open(OFFICE).await;
    let key = first_key(browser).await;
    browser.click(".panel [data-reveal]").await;
    assert_eq!(revealed(browser).await, key);
    browser.see(".key.revealed .ring").await;
    let spoken = browser.js("return document.querySelector('.key.revealed [data-key-spoken]').textContent").await;
    let spelled: Vec<String> =
        key.split('-').map(|group| group.split("").collect::<Vec<_>>().join(" ").trim().to_owned()).collect();
    assert_eq!(spoken, format!("Key {}", spelled.join(", ")));

    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    let printed = "const style = (part) => getComputedStyle(document.querySelector(part));
        return [style('.key.revealed [data-key-text]').visibility, style('.top').display, style('.nav').display,
            document.querySelector('.on-paper').innerText]";
    assert_eq!(
        browser.js(printed).await,
        json!(["hidden", "none", "none", "Keyward, for Licence Administrator, as of 22 Nov 2026, 12:00 UTC"])
    );
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "" })).await;

    browser.click(".panel [data-reveal]").await;
    browser.see_no(".key.revealed").await;
    browser.click(".panel [data-reveal]").await;
    browser.see(".key.revealed").await;
    let here = browser.driver().window().await.unwrap();
    let other = browser.driver().new_tab().await.unwrap();
    browser.driver().switch_to_window(other).await.unwrap();
    browser.driver().switch_to_window(here).await.unwrap();
    browser.see_no(".key.revealed").await;
    assert!(!browser.driver().source().await.unwrap().contains(&key));
    journey.end(&[]).await;
}

/// The one test that waits: a revealed key hides, and the clipboard is empty, after 30 seconds and not before.
#[tokio::test]
async fn a_key_is_gone_after_thirty_seconds() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    allow_clipboard(&journey).await;
    browser.open(OFFICE).await;
    let key = first_key(browser).await;
    browser.click(".panel [data-copy]").await;
    browser.see(".toast").await;
    let began = Instant::now();
    browser.click(".panel [data-reveal]").await;
    assert_eq!(revealed(browser).await, key);
    assert_eq!(clipboard(browser).await, key);
    browser
        .until("the key hidden", Duration::from_secs(40), async || {
            (browser.count(".key.revealed").await == 0).then_some(())
        })
        .await;
    let lasted = began.elapsed();
    assert!(lasted > Duration::from_secs(29) && lasted < Duration::from_secs(36), "{lasted:?}");
    browser.until("an empty clipboard", SOON, async || clipboard(browser).await.is_empty().then_some(())).await;
    journey.end(&[]).await;
}

/// Six minutes on, a reveal asks for the password in a dialog and then goes on.
#[tokio::test]
async fn a_reveal_asks_for_the_password_again() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open(OFFICE).await;
    let key = first_key(browser).await;
    journey.app.clock.turn(time::Duration::minutes(6));
    browser.click(".panel [data-reveal]").await;
    browser.see("dialog[open] #confirm-dialog-password").await;
    browser.fill("#confirm-dialog-password", "not the password\n").await;
    browser.see_text("[data-confirm-error]", |text| text == "That isn’t your password.").await;
    assert_eq!(browser.count(".key.revealed").await, 0);
    browser.fill("#confirm-dialog-password", PASSWORD).await;
    browser.click("[data-confirm-form] .primary").await;
    browser.see_no("dialog[open]").await;
    assert_eq!(revealed(browser).await, key);
    // cancelling leaves the key masked and asks again next time
    journey.app.clock.turn(time::Duration::minutes(6));
    browser.click(".panel .key-row:nth-child(2) [data-reveal]").await;
    browser.click("dialog[open] [data-close]").await;
    browser.see_no("dialog[open]").await;
    let masked: Value = browser.js("return document.querySelectorAll('.key.revealed').length").await;
    assert!(masked.as_u64().unwrap() <= 1, "only the key of before may still be shown");
    journey.end(&["status of 403", "status of 422"]).await;
}
