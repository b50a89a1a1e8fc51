//! From the sign-in to the lists: filter, search, sort and page, all in the address.

use std::collections::BTreeSet;

use super::{
    driver::Scripts,
    page::{Browser, same},
    portal::{Journey, OWN_PRODUCTS, Person, column, keys},
};

const NAMES: &str = "tbody .row-link";

fn products(wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let vendors = keys(|_| true).into_iter().map(|row| row[column::PRODUCT].clone());
    let all: BTreeSet<String> = vendors.chain(OWN_PRODUCTS.map(str::to_owned)).collect();
    all.into_iter().filter(|name| wanted(name)).collect()
}

async fn shown(browser: &Browser) -> Vec<String> {
    let mut names = browser.texts(NAMES).await;
    names.sort();
    names
}

async fn see_rows(browser: &Browser, count: usize) {
    let what = format!("{count} rows");
    browser.until(&what, super::page::SOON, async || (browser.count(NAMES).await == count).then_some(())).await;
}

async fn numbers(browser: &Browser) -> Vec<u32> {
    let texts = browser.texts("tbody td[data-label='Keys']").await;
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A stranger is sent to the sign-in and comes back to where they wanted to go; the overview leads on.
#[tokio::test]
async fn signing_in_leads_back_and_the_overview_leads_on() {
    let journey = Journey::begin(Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/contracts?expired=only").await;
    browser.see("form[action='/sign-in']").await;
    journey.fill_in_sign_in(Person::Admin).await;
    browser.at("/contracts?expired=only").await;
    browser.click(".brand").await;
    browser.at("/").await;
    let tiles = browser.texts(".tile h2").await;
    for part in ["Contracts", "Products and services", "Orders", "Role assignments"] {
        assert!(tiles.iter().any(|tile| tile == part), "{part} in {tiles:?}");
    }
    browser.click("//h2/a[.='Products and services']").await;
    browser.at("/products").await;
    journey.end(&[]).await;
}

/// The products: category, search and sort one after the other; Back and reload.
#[tokio::test]
async fn products_are_filtered_searched_and_sorted() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products").await;
    same("products", &shown(browser).await, &products(|_| true));

    browser.click("//nav[@aria-label='Category']//a[starts-with(., 'Windows Server')]").await;
    browser.at("/products?category=Windows+Server").await;
    let servers = |name: &str| name.starts_with("Windows Server") && !name.contains("ESU") && !name.contains("CAL");
    same("servers", &shown(browser).await, &products(servers));

    browser.fill("#q", "2022\n").await;
    browser.at("/products?q=2022&category=Windows+Server").await;
    same("servers of 2022", &shown(browser).await, &products(|name| servers(name) && name.contains("2022")));
    browser.reload().await;
    same("after a reload", &shown(browser).await, &products(|name| servers(name) && name.contains("2022")));

    browser.click("//a[contains(@class, 'chip')][contains(., 'Search')]").await;
    browser.at("/products?category=Windows+Server").await;
    browser.click("//th/a[.='Keys']").await;
    browser.at("/products?category=Windows+Server&sort=keys").await;
    assert!(numbers(browser).await.is_sorted(), "upwards: {:?}", numbers(browser).await);
    browser.click("//th/a[.='Keys']").await;
    browser.at("/products?category=Windows+Server&sort=-keys").await;
    browser.see("th[aria-sort='descending']").await;
    assert!(numbers(browser).await.is_sorted_by(|a, b| a >= b), "downwards: {:?}", numbers(browser).await);

    browser.back().await;
    browser.at("/products?category=Windows+Server&sort=keys").await;
    browser.back().await;
    browser.back().await;
    browser.at("/products?q=2022&category=Windows+Server").await;
    same("back again", &shown(browser).await, &products(|name| servers(name) && name.contains("2022")));
    journey.end(&[]).await;
}

/// The last five characters of a key find its product.
#[tokio::test]
async fn the_end_of_a_key_finds_its_product() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let key = keys(|row| row[column::PRODUCT] == "Exchange Server 2019 Standard").remove(0);
    browser.open("/products").await;
    browser.fill("#q", &key[column::KEY][24..]).await;
    browser.press("\n").await;
    see_rows(browser, 1).await;
    assert_eq!(browser.text(NAMES).await, "Exchange Server 2019 Standard");
    // a whole key pasted must not stay in the address
    browser.fill("#q", &key[column::KEY]).await;
    browser.press("\n").await;
    browser.at(&format!("/products?q={}", &key[column::KEY][24..])).await;
    assert!(!browser.driver().source().await.unwrap().contains(&key[column::KEY]));
    journey.end(&[]).await;
}

/// A list longer than a page.
#[tokio::test]
async fn orders_are_paged() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/orders?sort=quantity").await;
    browser.see_text("[data-pager-range]", |text| text == "1–50 of 180").await;
    browser.click("a[rel=next]").await;
    browser.at("/orders?sort=quantity&page=2").await;
    browser.see_text("[data-pager-range]", |text| text == "51–100 of 180").await;
    browser.reload().await;
    browser.see_text("[data-pager-range]", |text| text == "51–100 of 180").await;
    browser.back().await;
    browser.see_text("[data-pager-range]", |text| text == "1–50 of 180").await;
    journey.end(&[]).await;
}
