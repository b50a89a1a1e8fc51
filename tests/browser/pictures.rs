//! Pictures of the pages: two for the README, and all of them for whoever works on how they look.

use std::{fs, path::Path};

use super::{
    driver::Scripts,
    page::Browser,
    pages::{PAGES, settled},
    portal::{Journey, Person},
};

async fn picture(browser: &Browser, to: &Path) {
    settled(browser).await;
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to, browser.driver().screenshot_as_png().await.unwrap()).unwrap();
}

/// `make screenshots`: what the README shows, from the demo's estate, with no key revealed.
#[tokio::test]
#[ignore = "writes docs/screenshots, see make screenshots"]
async fn screenshots() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    browser
        .js("document.documentElement.dataset.theme = 'light'; localStorage.setItem('keyward.theme', 'light')")
        .await;
    browser.open("/").await;
    picture(browser, &docs.join("overview.png")).await;
    browser.open("/products").await;
    browser.click("//a[.='Office LTSC Professional Plus 2024']").await;
    for row in [2, 3] {
        browser.click(&format!(".panel .key-row:nth-child({row}) .tick")).await;
    }
    assert_eq!(browser.count(".key.revealed").await, 0, "no key may be on a picture");
    browser.js("document.activeElement.blur(); scrollTo(0, 0); document.querySelector('.panel').scrollTo(0, 0)").await;
    picture(browser, &docs.join("keys.png")).await;
    journey.end(&[]).await;
}

/// Every page, wide, middling and narrow, light and dark, into a directory that git doesn't see. `PICTURES` narrows it
/// to names that contain one of its words.
#[tokio::test]
#[ignore = "writes pictures of every page for people to look at"]
async fn every_page() {
    let wanted = std::env::var("PICTURES").unwrap_or_default();
    let wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|word| name.contains(word));
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    let journey = Journey::begin(Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/sign-in").await;
    let mut who = None;
    for page in PAGES.iter().filter(|page| wanted(page.name)) {
        if let Some(person) = page.person.filter(|person| who != Some(*person)) {
            browser.driver().delete_all_cookies().await.unwrap();
            journey.sign_in(person).await;
            who = Some(person);
        }
        for (width, height) in [(1440, 900), (768, 1024), (390, 844)] {
            browser.size(width, height).await;
            for theme in ["light", "dark"] {
                // ticks of the picture before must not come back
                let theme_only = format!("sessionStorage.clear(); localStorage.setItem('keyward.theme', '{theme}')");
                browser.js(&theme_only).await;
                page.show(browser).await;
                picture(browser, &to.join(format!("{}-{width}-{theme}.png", page.name))).await;
            }
        }
    }
    journey.end(&["status of"]).await;
}
