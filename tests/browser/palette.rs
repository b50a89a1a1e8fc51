//! Ctrl+K: one field that finds everything, and the same without JavaScript.

use thirtyfour::Key;

use super::{
    driver::Scripts,
    portal::{Journey, Person},
};

/// Typed, chosen by the arrows, opened by Enter; nothing of it is a key.
#[tokio::test]
async fn the_palette_finds_and_opens() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/orders").await;
    browser
        .js("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))")
        .await;
    browser.see("dialog[open] [data-palette-field]").await;
    browser.press("windows server 2022").await;
    browser.see_text(".palette-results .at .found-title", |text| text.starts_with("Windows Server 2022")).await;
    let first = browser.text(".palette-results .at .found-title").await;
    browser.press_key(Key::Down).await;
    browser.see_text(".palette-results .at .found-title", |text| text != first).await;
    browser.press_key(Key::Up).await;
    browser.see_text(".palette-results .at .found-title", |text| text == first).await;
    browser.press_key(Key::Enter).await;
    browser.see("h1").await;
    browser.see(".panel, main").await;
    assert!(browser.path().await.starts_with("/products/windows-server-2022"), "{}", browser.path().await);
    journey.end(&[]).await;
}

/// The field in the top bar leads to a page of its own.
#[tokio::test]
async fn without_javascript_the_field_is_a_page() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/orders").await;
    browser.fill("#find-anything", "setup keys").await;
    browser.press_key(Key::Enter).await;
    browser.see_text(".found .found-title", |text| text == "Setup keys").await;
    browser.click(".found .found-link").await;
    browser.at("/setup-keys").await;
    journey.end(&[]).await;
}
