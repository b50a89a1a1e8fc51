//! Requests from the first click to the new number.

use std::fs;

use keyward::postgres::Scope;
use uuid::Uuid;

use super::{
    driver::Scripts,
    portal::{Journey, Person, column, keys},
};

async fn run(journey: &Journey, statement: &'static str) {
    let mut tx = journey.app.state.db.begin(Scope::System).await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn become_(journey: &Journey, person: Person) {
    journey.browser.driver().delete_all_cookies().await.unwrap();
    journey.sign_in(person).await;
}

/// A reader asks, an Administrator approves, and the own product's limit has risen.
async fn own_limit(scripts: Scripts) {
    let journey = Journey::begin(scripts).await;
    let browser = &journey.browser;
    run(&journey, "UPDATE products SET estate = 'own' WHERE slug = 'visio-ltsc-professional-2024'").await;
    journey.sign_in(Person::HelpDesk).await;
    browser.open("/contracts/8671311?tab=keys").await;
    let row = "//li[contains(@class, 'key-row')][.//a[.='Visio LTSC Professional 2024']][.//span[.='721 of 5,000']]";
    browser.click(&format!("{row}//a[starts-with(., 'Request more')]")).await;
    browser.see_text("h1", |text| text == "More MAK activations").await;
    browser.see_text(".banner", |text| text.contains("another Administrator decides")).await;
    browser.fill("#quantity", "250").await;
    browser.fill("#justification", "The planning office draws everything anew.").await;
    browser.click("//button[.='Ask for more']").await;
    browser.see_text(".banner.good", |text| text.contains("Asked.")).await;
    let page = browser.path().await.split('?').next().unwrap().to_owned();
    assert_eq!(browser.count("[value='approve']").await, 0, "a reader decides nothing");

    become_(&journey, Person::Second).await;
    browser.open("/requests?who=decide").await;
    browser.click(&format!("a[href='{page}']")).await;
    browser.fill("#decision-comment", "Until the spring.").await;
    browser.click("[value='approve']").await;
    browser.see_text(".banner.good", |text| text == "Approved: the limit has risen.").await;
    browser.open("/contracts/8671311?tab=keys").await;
    let risen = row.replace("721 of 5,000", "721 of 5,250");
    browser.see(&risen).await;
    journey.end(&[]).await;
}

#[tokio::test]
async fn a_reader_asks_an_administrator_approves_and_the_limit_has_risen() {
    own_limit(Scripts::On).await;
}

#[tokio::test]
async fn the_same_without_scripts() {
    own_limit(Scripts::Off).await;
}

/// A vendor request, its packet, and an import with the new total that closes it.
#[tokio::test]
async fn an_import_with_the_new_total_closes_a_vendor_request() {
    let journey = Journey::of(Person::HelpDesk, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/requests").await;
    browser.click("//a[starts-with(., '100 more activations of Windows 10 ESU Year 1')]").await;
    browser.see_text("h1", |text| text.starts_with("100 more")).await;
    let page = browser.path().await;
    browser.fill("#reference", "CASE-4711").await;
    browser.click("//button[.='Note as sent']").await;
    browser.see_text(".request-state", |text| text.contains("With the vendor")).await;
    browser.click("//a[contains(., 'What the vendor’s form asks')]").await;
    let key = keys(|row| {
        row[column::LICENSE_ID] == "8671311"
            && row[column::PRODUCT] == "Windows 10 ESU Year 1"
            && row[column::USED] == "214/250"
    })
    .remove(0);
    let five = key[column::KEY].rsplit('-').next().unwrap();
    let sheet = browser.text(".packet").await;
    for part in
        ["8671311", "4E61138", five, "100 activations more, which makes 350 in all", "Hamburg keeps 90 machines"]
    {
        assert!(sheet.contains(part), "{part}\n{sheet}");
    }
    assert!(!browser.driver().source().await.unwrap().contains(&key[column::KEY]), "never the key");
    browser.see("svg[role='img'] polyline").await;
    browser.click("[data-copy-text='packet-1']").await;
    browser.see_text("[data-toasts]", |text| text.contains("Copied") || text.contains("copy it yourself")).await;

    become_(&journey, Person::Admin).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new-total.csv");
    let header = "License ID,Product,Product Key,Type,MAK Activations-Used/Available\r\n";
    let row = format!("8671311,Windows 10 ESU Year 1,{},MAK,215/350\r\n", key[column::KEY]);
    fs::write(&file, [header, &row].concat()).unwrap();
    browser.open("/imports").await;
    browser.find("#files").await.send_keys(file.to_str().unwrap()).await.unwrap();
    browser.click("//form[@action='/imports']//button").await;
    browser.click("//form[contains(@action, '/apply')]/button").await;
    browser.see_text("h1", |text| text == "What changed").await;
    browser.open(&page).await;
    browser.see_text(".request-state", |text| text.contains("Done")).await;
    browser.see_text(".steps-done", |text| text.contains("An import brought the new total.")).await;
    journey.end(&[]).await;
}

/// Of two deciders the slower one reads who decided, and what.
#[tokio::test]
async fn the_slower_of_two_deciders_is_told() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/requests?who=decide&kind=mak-limit").await;
    browser.click("//a[starts-with(., '100 more activations')]").await;
    browser.see("[value='decline']").await;
    let page = browser.path().await;
    let mut tx = journey.app.state.db.begin(Scope::System).await.unwrap();
    let second: Uuid = sqlx::query_scalar("SELECT id FROM people WHERE email = 'second@northwind.example'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    drop(tx);
    journey.app.sign_in(second).await;
    let answer = journey.app.post(&format!("{page}/decision"), Some(second), &[("decision", "approve")]).await;
    assert_eq!(answer.status(), 303);
    browser.fill("#decision-comment", "Not this year.").await;
    browser.click("[value='decline']").await;
    browser.see_text("main", |text| text.contains("Second Administrator approved request")).await;
    assert!(browser.text("main").await.contains("nothing was changed"));
    browser.open(&page).await;
    browser.see_text(".request-state", |text| text.contains("Approved, to be sent")).await;
    journey.end(&["status of 409"]).await;
}
