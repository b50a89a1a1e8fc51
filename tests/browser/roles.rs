//! Roles: given step by step, handed over and taken back, asked for with one click.

use super::{
    driver::Scripts,
    portal::{Journey, Person},
};

async fn become_(journey: &Journey, person: Person) {
    journey.browser.driver().delete_all_cookies().await.unwrap();
    journey.sign_in(person).await;
}

/// Two people, a whole organisation, a search that keeps what is ticked, a step back, and the newcomer sees it.
async fn wizard(scripts: Scripts) {
    let journey = Journey::of(Person::Admin, scripts).await;
    let browser = &journey.browser;
    browser.open("/people").await;
    browser.click("//a[.='Give roles']").await;
    browser.fill("#emails", "newcomer@northwind.example").await;
    browser.fill("#people_q", "help").await;
    browser.click("//button[.='Search']").await;
    browser.click("//li[contains(., 'Help Desk')]//input").await;
    browser.fill("#people_q", "second").await;
    browser.click("//button[.='Search']").await;
    browser.see("//li[contains(., 'Help Desk')]//input[@checked]").await;
    browser.click("//button[starts-with(., 'Go on')]").await;
    browser.see_text(".wizard [aria-current]", |text| text.contains("License IDs")).await;
    browser.fill("#numbers", "8671204").await;
    browser.click("//li[contains(., '8671311')]//input").await;
    browser.see_text("//li[contains(., '8671311')]", |text| text.contains("Help Desk: Product keys reader")).await;
    browser.click("//button[starts-with(., 'Go on')]").await;
    browser.see_text(".meta", |text| text == "Chosen so far: 2 people, 2 License IDs.").await;
    browser.click("//button[starts-with(., 'Go on')]").await;
    browser.see_text(".banner.bad", |text| text.contains("Choose at least one role.")).await;
    browser.click("//button[.='Back']").await;
    browser.see("//li[contains(., '8671311')]//input[@checked]").await;
    browser.click("//button[starts-with(., 'Go on')]").await;
    browser.click("//li[contains(., 'Product keys reader')]//input").await;
    browser.click("//button[starts-with(., 'Go on')]").await;
    browser.see_text("h1", |text| text == "Check and save").await;
    browser.see("//tr[contains(., 'Newcomer')][contains(., 'New')][contains(., '8671204, 8671311')]").await;
    browser.see("//tr[contains(., 'Help Desk')][contains(., 'Held already')]").await;
    browser.click("//button[.='Save 2 roles']").await;
    browser.see_text(".banner.undo", |text| text.contains("2 roles were given")).await;
    become_(&journey, Person::Newcomer).await;
    browser.open("/contracts").await;
    browser.see("//a[contains(., '8671311')]").await;
    journey.end(&["status of 422"]).await;
}

#[tokio::test]
async fn roles_are_given_step_by_step() {
    wizard(Scripts::On).await;
}

#[tokio::test]
async fn the_wizard_works_without_scripts() {
    wizard(Scripts::Off).await;
}

#[tokio::test]
async fn a_leaver_hands_over_and_it_is_taken_back() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/people").await;
    browser.click("//tbody//a[.='Help Desk']").await;
    browser.see("//tr[contains(., '8671204')][contains(., 'Given here on the command line')]").await;
    browser.click("//a[.='Hand over']").await;
    browser.fill("#to", "newcomer@northwind.example").await;
    browser.click("//button[.='Show what would happen']").await;
    browser.see("//tr[contains(., 'Help Desk')][contains(., 'Taken away')]").await;
    browser.click("//button[.='Hand over to Newcomer']").await;
    browser.see_text(".banner.undo", |text| text.contains("Help Desk has handed over to Newcomer")).await;
    browser.see("//tr[contains(., 'Newcomer')][contains(., '8671311')]").await;
    browser.click("//button[.='Undo']").await;
    browser.see_text(".banner", |text| text.starts_with("Taken back:")).await;
    browser.see("//tr[contains(., 'Help Desk')][contains(., '8671311')]").await;
    journey.end(&[]).await;
}

/// Locked, not dead: one click asks, an Administrator approves, and the page opens.
#[tokio::test]
async fn what_is_locked_is_asked_for_with_one_click_and_opens() {
    let journey = Journey::of(Person::HelpDesk, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204?tab=offerings").await;
    browser.see_text(".locked", |text| text.contains("You lack the role License position reader")).await;
    browser.click(".locked button").await;
    browser.see_text(".banner.good", |text| text.starts_with("Asked.")).await;
    let request = browser.path().await.split('?').next().unwrap().to_owned();
    browser.open("/contracts/8671204?tab=offerings").await;
    browser.see_text(".locked", |text| text.contains("Asked for 8671204")).await;
    become_(&journey, Person::Second).await;
    browser.open(&request).await;
    browser.click("[value='approve']").await;
    browser.see_text(".banner.good", |text| text.contains("holds the role now")).await;
    become_(&journey, Person::HelpDesk).await;
    browser.open("/contracts/8671204?tab=offerings").await;
    browser.see(".panel table").await;
    assert_eq!(browser.count(".locked").await, 0);
    journey.end(&[]).await;
}

/// Both ways: from the key to its readers, from a reader to what they see, and what they took.
#[tokio::test]
async fn from_a_key_to_its_readers_and_what_they_really_took() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts/8671204?tab=keys").await;
    browser.click(".key-row [data-reveal]").await;
    browser.see_text(".key-row [data-key-text]", |text| !text.contains('•')).await;
    let product = browser.text(".key-row .key-place a").await;
    browser.click("//a[starts-with(., 'Who can see this key')]").await;
    browser
        .see("//tr[contains(., 'Second Administrator')][contains(., 'Through the organisation Northwind Holding AG')]")
        .await;
    browser.see("//tr[contains(., 'Help Desk')][contains(., 'Product keys reader')]").await;
    browser.click("//tbody//a[.='Licence Administrator']").await;
    browser.see("//tr[contains(., '8671204')][contains(., 'Through a role on all License IDs')]").await;
    browser.click("//nav//a[.='Leaver sheet']").await;
    let row = format!("//tr[contains(., '{product}')][contains(., 'revealed once')]");
    browser.see(&row).await;
    browser.click("//button[.='Sheet as CSV']").await;
    let (name, bytes) = browser.downloaded().await;
    assert_eq!(name, "keyward-leaver.csv");
    assert!(String::from_utf8(bytes).unwrap().contains(&product));
    journey.end(&[]).await;
}
