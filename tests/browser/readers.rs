//! What people with few roles or none see.

use super::{
    driver::Scripts,
    files::export,
    page::{SOON, same},
    portal::{Journey, Person, column, keys},
};

const OWN: [&str; 2] = ["8671204", "8671311"];

/// The help desk sees its two License IDs and nothing of the others.
#[tokio::test]
async fn the_help_desk_sees_its_two_license_ids() {
    let journey = Journey::of(Person::HelpDesk, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts?expired=shown&sort=license_id").await;
    assert_eq!(browser.texts("tbody .row-link").await, OWN);
    for closed in ["/people", "/imports", "/audit"] {
        assert_eq!(browser.count(&format!(".nav a[href='{closed}']")).await, 0, "{closed}");
    }
    browser.open("/products/windows-11-pro").await;
    browser.see(".panel .key-row").await;
    let places =
        browser.js("return [...document.querySelectorAll('.key-place a')].map((a) => a.lastChild.textContent)").await;
    let places: Vec<String> = serde_json::from_value(places).unwrap();
    assert!(!places.is_empty() && places.iter().all(|place| OWN.contains(&place.as_str())), "{places:?}");

    browser.click("[data-panel-close]").await;
    let own = |row: &[String]| OWN.contains(&row[column::LICENSE_ID].as_str());
    same("the help desk's export", &export(browser, "Export all keys", "csv").await, &keys(own));

    // another's License ID and one that doesn't exist read the same
    let mut pages = Vec::new();
    for license_id in ["7740032", "1234567"] {
        browser.open(&format!("/contracts/{license_id}?tab=keys")).await;
        assert_eq!(browser.text("h1").await, "Nothing here for you");
        pages.push(browser.text("main").await);
    }
    assert_eq!(pages[0], pages[1]);
    browser.open("/contracts/8671204?tab=offerings").await;
    let locked = browser.text(".panel .banner").await;
    assert!(locked.contains("License position reader") && locked.contains("Licence Administrator"), "{locked}");
    journey.end(&["status of 404"]).await;
}

/// Somebody without a role is told what to do, everywhere, and nothing else.
#[tokio::test]
async fn a_newcomer_is_told_whom_to_ask() {
    let journey = Journey::of(Person::Newcomer, Scripts::On).await;
    let browser = &journey.browser;
    for path in ["/", "/products", "/contracts", "/orders"] {
        browser.open(path).await;
        assert_eq!(browser.text(".empty-title").await, "You hold no role yet", "{path}");
        assert_eq!(browser.count("tbody, .tile, .export, .search, .filters, .chips").await, 0, "{path}");
        let text = browser.text("main").await;
        assert!(!text.contains("Northwind") && !text.contains("27"), "{path} tells what exists: {text}");
    }
    journey.end(&[]).await;
}

/// A role given by an Administrator acts on the next click; the page names who gives it.
#[tokio::test]
async fn a_role_given_acts_at_once() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/people").await;
    browser.click("details.fold summary").await;
    browser.fill("#email", "newcomer@northwind.example").await;
    browser.fill("#license_id", "8671377").await;
    browser.click("//button[.='Give this role']").await;
    browser
        .until("the role in the list", SOON, async || {
            let text = browser.driver().source().await.ok()?;
            (text.matches("8671377").count() > 0 && browser.count(".banner[role=status]").await == 1).then_some(())
        })
        .await;
    browser.driver().delete_all_cookies().await.unwrap();
    journey.sign_in(Person::Newcomer).await;
    browser.open("/contracts").await;
    assert_eq!(browser.texts("tbody .row-link").await, ["8671377"]);
    journey.end(&[]).await;
}
