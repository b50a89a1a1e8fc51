//! Correcting by hand in the browser: a note taken back, keys pasted, a License ID put away and brought back, many keys
//! at once.

use super::{
    driver::Scripts,
    portal::{Journey, Person},
};

/// A note is written, shown, and taken back with one click.
#[tokio::test]
async fn a_note_is_written_and_taken_back() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products/windows-11-pro?tab=keys").await;
    browser.click(".key-row:nth-child(2) .key-about").await;
    browser.fill("#note", "For the lab image").await;
    browser.fill("#message", "found in the binder").await;
    browser.click("//button[.='Save']").await;
    browser.see("[data-undo]").await;
    // The offer leaves the address, so that a reload doesn't make it again.
    browser
        .until("a plain address", super::page::SOON, async || (!browser.path().await.contains('?')).then_some(()))
        .await;
    browser
        .see_text(".history", |text| text.contains("For the lab image") && text.contains("found in the binder"))
        .await;
    browser.click("[data-undo] button").await;
    browser.see_text(".banner.good", |text| text.contains("Taken back.")).await;
    assert_eq!(browser.find("#note").await.value().await.unwrap().unwrap_or_default(), "");
    browser.reload().await;
    browser.see_no(".banner.good").await;
    journey.end(&[]).await;
}

/// Five keys are pasted, one of them bad: shown line by line, and the four are written.
#[tokio::test]
async fn pasted_keys_are_checked_line_by_line() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204").await;
    browser.click("//aside//a[contains(., 'Add keys')]").await;
    browser.fill("#product", "Windows 11 Pro").await;
    let keys = ["2", "3", "4", "5"].map(|last| format!("QX3TJ-7WKPD-9HMCV-2BRFG-84YN{last}"));
    let typed = [keys[0].as_str(), &keys[1], "QX3TJ-7WKPD", &keys[2], &keys[3]].join("\n");
    browser.fill("#keys", &typed).await;
    browser.click("//button[.='Check these keys']").await;
    browser.see("//button[contains(., 'Import 4 rows')]").await;
    let rows = browser.text("main table").await;
    assert!(
        rows.contains("Left out, this is no product key: has 2 groups, needs 5") && !rows.contains("7WKPD"),
        "{rows}"
    );
    browser.click("//button[contains(., 'Import 4 rows')]").await;
    browser.see_no("//button[contains(., 'Import 4 rows')]").await;
    browser.open("/products?q=84YN3").await;
    browser.see("//a[.='Windows 11 Pro']").await;
    journey.end(&[]).await;
}

/// A License ID goes into the archive and comes back, without a script.
#[tokio::test]
async fn a_license_id_is_put_away_and_brought_back_without_a_script() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671311").await;
    browser.click("//aside//a[.='Edit']").await;
    browser.click("//button[.='Archive']").await;
    browser.see("[data-undo]").await;
    browser.open("/contracts").await;
    browser.see("//a[.='8671204']").await;
    assert_eq!(browser.count("//a[.='8671311']").await, 0);
    browser.open("/archive").await;
    browser.click("//button[contains(., 'Restore')]").await;
    browser.see("[data-undo]").await;
    browser.open("/contracts").await;
    browser.see("//a[.='8671311']").await;
    journey.end(&[]).await;
}

/// Ticked keys get a place at once; one click takes it back from all.
#[tokio::test]
async fn ticked_keys_are_edited_at_once() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204?tab=keys").await;
    for row in [1, 2, 3] {
        browser.click(&format!(".key-row:nth-child({row}) .tick")).await;
    }
    browser.click("//button[contains(., 'the selected keys')]").await;
    browser.see_text("h1", |text| text == "Edit 3 keys").await;
    browser.fill("#place", "Cluster 7").await;
    browser.click("//label[contains(., 'Place of deployment')]//input").await;
    browser.click("//button[.='Save for all']").await;
    browser.see_text("[data-undo]", |text| text.contains("Changed 3 things.")).await;
    browser.click(".key-row:nth-child(1) .key-about").await;
    browser.see_text(".facts", |text| text.contains("Cluster 7")).await;
    browser.open("/changes").await;
    browser.click("//a[contains(@href, '/changes/')]").await;
    browser.click("//button[contains(., 'Take this back')]").await;
    browser.see_text(".banner.good", |text| text.contains("Taken back.")).await;
    journey.end(&[]).await;
}

/// An agreement is put under an MBSA; its License IDs show where they stand.
#[tokio::test]
async fn an_agreement_is_put_under_an_mbsa() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/organizations?kind=agreements").await;
    browser.click("//tbody//a[.='4C22017']").await;
    browser.fill("#mbsa_id", "4E61138").await;
    browser.click("//button[.='Save']").await;
    browser.see("//p[contains(., 'That agreement stands under an MBSA itself.')]").await;
    browser.fill("#mbsa_id", "U6140877").await;
    browser.click("//button[.='Save']").await;
    browser.see_text(".history", |text| text.contains("Under MBSA") && text.contains("U6140877")).await;
    browser.open("/contracts/5133027").await;
    browser.click("//summary[starts-with(., 'Ownership: MBSA U6140877, agreement 4C22017')]").await;
    browser.see_text(".tree", |text| text.contains("5133419")).await;
    browser.click("//*[contains(@class, 'tree')]//a[.='U6140877']").await;
    browser.at("/contracts?q=U6140877&expired=shown").await;
    browser.see_text("[data-pager-range]", |text| text.ends_with("of 8")).await;
    journey.end(&["status of 422"]).await;
}
