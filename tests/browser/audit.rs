//! The audit log: narrowed to a key, exported, with a script and without.

use serde_json::json;

use super::{
    driver::Scripts,
    portal::{Journey, Person},
};

/// A key is revealed; its event is found by the key's end, and leaves in both formats.
async fn a_keys_history(scripts: Scripts) {
    let journey = Journey::of(Person::Second, scripts).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204?tab=keys").await;
    browser.click(".key-row:nth-child(2) [data-reveal]").await;
    let shown = browser.see_text(".key-row:nth-child(2) [data-key-text]", |text| !text.contains('•')).await;
    let end = &shown[24..];

    browser.click(".nav a[href='/audit']").await;
    browser.fill("input[name=key]", &shown).await;
    browser.click("//button[.='Apply']").await;
    // the whole key was typed, its end is what stays
    browser.at(&format!("/audit?key={end}")).await;
    browser.see_text("tbody .lead-cell", |text| text == "Key revealed").await;
    assert_eq!(browser.count("tbody tr").await, 1);
    for (format, ending) in [("csv", ".csv"), ("jsonl", ".jsonl")] {
        browser.click("[data-menu].export summary").await;
        browser.click(&format!("[data-menu].export button[value='{format}']")).await;
        let (name, bytes) = browser.downloaded().await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(name.starts_with("keyward-audit-") && name.ends_with(ending), "{name}");
        assert!(text.contains("key.reveal") && !text.contains(&shown), "{text}");
        if scripts == Scripts::Off {
            // without a script the menu stays open
            browser.click("[data-menu].export summary").await;
        }
    }
    browser.click("//a[contains(@class, 'chip')][contains(., 'Key ending in')]").await;
    browser.at("/audit").await;
    browser.open("/audit?action=audit.export").await;
    assert_eq!(browser.texts("tbody .lead-cell").await, ["Audit log exported", "Audit log exported"]);
    journey.end(&[]).await;
}

#[tokio::test]
async fn the_history_of_a_key_is_exported() {
    a_keys_history(Scripts::On).await;
}

#[tokio::test]
async fn the_history_of_a_key_is_exported_without_scripts() {
    a_keys_history(Scripts::Off).await;
}

/// The server writes UTC; whoever looks from elsewhere reads their own clock, and what comes later as well.
#[tokio::test]
async fn moments_stand_in_the_time_zone_of_whoever_looks() {
    let journey = Journey::of(Person::Second, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/audit?action=session.begin").await;
    browser.see_text("tbody .when .aside", |text| text == "22 Nov 2026, 12:00 UTC").await;
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Tokyo" })).await;
    browser.reload().await;
    browser.see_text("tbody .when .aside", |text| text == "22 Nov 2026, 21:00 GMT+9").await;
    assert_eq!(
        browser.find("tbody .when time").await.attr("title").await.unwrap().unwrap(),
        "22 Nov 2026, 21:00 GMT+9"
    );
    let later = "document.querySelector('main').insertAdjacentHTML('beforeend', \
        '<p id=later><time datetime=2026-11-22T20:30:00Z>22 Nov 2026, 20:30 UTC</time></p>')";
    browser.js(later).await;
    browser.see_text("#later", |text| text == "23 Nov 2026, 05:30 GMT+9").await;
    journey.end(&[]).await;
}
