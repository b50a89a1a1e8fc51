//! Help and reference: found as one types, copied, and all of it without a script as well.

use super::{
    driver::Scripts,
    panel::{allow_clipboard, clipboard},
    portal::{Journey, Person, column, keys},
};

const LINES: &str = "tbody .command code";

/// Typing is searching; the address goes along, Copy copies the whole line.
#[tokio::test]
async fn setup_keys_are_found_as_one_types_and_copied() {
    let journey = Journey::of(Person::Newcomer, Scripts::On).await;
    let browser = &journey.browser;
    allow_clipboard(&journey).await;
    browser.click(".nav a[href='/setup-keys']").await;
    browser.see_text("[role=status].meta", |text| text == "159 editions, newest first").await;
    browser.press("/").await;
    browser.press("server 2022 data").await;
    browser.see_text("[role=status].meta", |text| text == "2 editions of 159").await;
    browser.at("/setup-keys?q=server+2022+data").await;
    assert_eq!(browser.text(LINES).await, "slmgr /ipk WX4NM-KYWYW-QJJR4-XV3QB-6VM33");
    browser.click("tbody tr:first-child [data-copy-text]").await;
    browser.see_text(".toast", |text| text == "Copied.").await;
    assert_eq!(clipboard(browser).await, "slmgr /ipk WX4NM-KYWYW-QJJR4-XV3QB-6VM33");

    browser.click("#product option[value='Windows Server 2022']").await;
    browser.at("/setup-keys?q=server+2022+data&product=Windows+Server+2022").await;
    browser.reload().await;
    browser.see_text("[role=status].meta", |text| text == "2 editions of 159").await;
    browser.click("//a[contains(@class, 'chip')][contains(., 'Search')]").await;
    browser.at("/setup-keys?product=Windows+Server+2022").await;
    browser.see_text("[role=status].meta", |text| text == "3 editions of 159").await;
    journey.end(&[]).await;
}

/// S002's table: which published key a wrong one was copied from, and what differs.
#[tokio::test]
async fn a_wrong_setup_key_is_told_what_differs() {
    let journey = Journey::of(Person::Newcomer, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/setup-keys").await;
    browser.fill("#q", "W269N-WFGWX-YVC9B-4J6C9-T83GV").await;
    browser.see_text("#near-title", |text| text.contains("Windows 11 Pro and Windows 10 Pro")).await;
    assert_eq!(browser.texts(".compare mark").await, ["V", "X"]);
    browser.see("//li[.='Group 5: T83GV was typed, T83GX is published (character 5).']").await;
    assert_eq!(browser.count(LINES).await, 2);
    journey.end(&[]).await;
}

/// One's own key stays in nobody's history.
#[tokio::test]
async fn a_secret_key_typed_there_leaves_the_address_at_once() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let key = &keys(|row| row[column::PRODUCT] == "Exchange Server 2019 Standard")[0][column::KEY];
    browser.open("/setup-keys").await;
    browser.fill("#q", key).await;
    browser.click(&format!("//a[contains(., 'ends in {}')]", &key[24..])).await;
    browser.at(&format!("/products?q={}", &key[24..])).await;
    browser.back().await;
    browser.at(&format!("/setup-keys?unknown=1&last_five={}", &key[24..])).await;
    journey.end(&[]).await;
}

/// A paste, a code of it, its guide.
#[tokio::test]
async fn an_error_is_looked_up_by_paste() {
    let journey = Journey::of(Person::Newcomer, Scripts::On).await;
    let browser = &journey.browser;
    browser.click(".nav a[href='/error-codes']").await;
    browser.see_text("[role=status].meta", |text| text == "40 codes").await;
    browser.fill("#q", "Error: 0xC004F074 see the log\nInfo: 0x0,0x04000000,0,0,12,120,10080,2026/11/22 9:05").await;
    browser.see("//h2/a[.='No KMS host could be used']").await;
    browser.see("//p[.='Event 12289']").await;
    browser.see("//dt[.='Host’s count']/following-sibling::dd[.='12']").await;
    browser.click("//h2/a[.='No KMS host could be used']").await;
    browser.at("/error-codes/0xC004F074").await;
    browser.click("//a[contains(., 'Publish and check the KMS records in DNS')]").await;
    browser.at("/guides/srv-records").await;
    browser.see(".nav a[href='/guides'][aria-current]").await;
    journey.end(&[]).await;
}

/// Answers lead to other answers; the key is masked and leads to where it can be read.
#[tokio::test]
async fn which_key_answers_as_one_chooses() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products/windows-11-pro?tab=about").await;
    browser.click("//a[.='Which key do I need?']").await;
    browser.at("/products/which-key?edition=Windows+11+Pro").await;
    browser.see(".nav a[href='/products/which-key'][aria-current]").await;
    assert_eq!(browser.count(".nav [aria-current]").await, 1);
    browser.see("//p[.='Say how many machines there are.']").await;
    browser.fill("#machines", "40").await;
    browser.see_text("#way-title", |text| text == "Setup key, once a KMS host is set up").await;
    browser.click("//label[input[@name='host'][@value='yes']]").await;
    browser.see_text("#way-title", |text| text == "Setup key and your KMS host").await;
    browser.see("//code[.='slmgr /ipk W269N-WFGWX-YVC9B-4J6C9-T83GX']").await;
    browser.click("//label[input[@name='network'][@value='isolated']]").await;
    browser.fill("#machines", "4").await;
    browser.see_text("#way-title", |text| text == "MAK through a proxy").await;
    browser.reload().await;
    browser.see_text("#way-title", |text| text == "MAK through a proxy").await;
    browser.click(".fitting a").await;
    browser.at("/products/windows-11-pro?tab=keys").await;

    browser.open("/products/which-key").await;
    browser.click("#product option[value='SQL Server']").await;
    browser.see("#edition option[value='SQL Server 2019 or older']").await;
    browser.click("#edition option[value='SQL Server 2019 or older']").await;
    browser.see_text("#way-title", |text| text == "No key needed").await;
    journey.end(&[]).await;
}

/// The same with forms alone.
#[tokio::test]
async fn help_and_reference_work_without_scripts() {
    let journey = Journey::of(Person::Admin, Scripts::Off).await;
    let browser = &journey.browser;
    browser.open("/setup-keys").await;
    browser.fill("#q", "WMDGN-G9PQG-XVJG6-GM7RQ-QXM6G\n").await;
    browser.see_text("#near-title", |text| text.contains("Windows Server 2019 Datacenter")).await;
    browser.see_no(".js").await;

    browser.open("/error-codes").await;
    browser.fill("#q", "-1073418184").await;
    browser.click("//button[.='Look up']").await;
    browser.at("/error-codes?q=-1073418184").await;
    browser.see("//h2/a[.='Too few machines have asked the KMS host']").await;

    browser.open("/products/which-key").await;
    browser.click("#product option[value='Windows Server 2022']").await;
    browser.click("//button[.='Show the way']").await;
    browser.click("#edition option[value='Windows Server 2022 Standard']").await;
    browser.fill("#machines", "many\n").await;
    browser.see_text("#machines-error", |text| text.starts_with("Give a whole number")).await;
    browser.fill("#machines", "5\n").await;
    browser.see_text("#way-title", |text| text == "Setup key, once a KMS host is set up").await;
    browser.at("/products/which-key?product=Windows+Server+2022&edition=Windows+Server+2022+Standard&network=online&machines=5&host=no&program=").await;

    browser.click(".nav a[href='/guides']").await;
    browser.click("//h2/a[.='Activate Remote Desktop Services']").await;
    browser.fill("#q", "68403177\n").await;
    browser.see("//tr[.//a='68403177']//code[.='64460732ZZE0543']").await;
    journey.end(&["status of 422"]).await;
}
