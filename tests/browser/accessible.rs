//! Every page, light and dark, without a violation that axe-core finds.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::{
    driver::Scripts,
    page::Browser,
    pages::{PAGES, settled, unseen},
    portal::{Journey, Person},
};

/// Pinned: a newer one may find more, and that is a change like any other.
const VERSION: &str = "4.14.1";

/// Two tests want the script at once: the second waits for the first to have fetched it.
static FETCH: Mutex<()> = Mutex::new(());

/// The script, fetched once into the build directory; it is no part of the repository.
fn axe() -> String {
    let _turn = FETCH.lock().unwrap_or_else(PoisonError::into_inner);
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("axe-core-{VERSION}"));
    let script = home.join("node_modules/axe-core/axe.min.js");
    if !script.is_file() {
        fs::create_dir_all(&home).unwrap();
        let install = Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"])
            .arg(&home)
            .arg(format!("axe-core@{VERSION}"))
            .output()
            .unwrap_or_else(|fault| {
                panic!("npm is missing ({fault}): install Node.js with npm, which fetches axe-core for this test")
            });
        assert!(
            install.status.success(),
            "npm can't fetch axe-core {VERSION}: {}",
            String::from_utf8_lossy(&install.stderr)
        );
    }
    fs::read_to_string(&script).unwrap()
}

/// What axe finds on the page, a line each.
async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    // the same script twice in one page is refused by none, but costs
    let run = format!(
        "const done = arguments[0];
         if (!window.axe) {{ {axe} }}
         window.axe.run(document, {{ resultTypes: ['violations'] }}).then((found) => done(found.violations.map((one) =>
            `${{one.id}}: ${{one.help}}: ${{one.nodes.slice(0, 3).map((node) => `${{node.target}} ${{node.any.map((check) => check.message)}}`).join(' | ')}}`)),
            (fault) => done([`axe failed: ${{fault}}`]));"
    );
    let found: Value = browser.js_async(&run, Vec::new()).await.unwrap();
    serde_json::from_value(found).unwrap()
}

/// All pages as all people; a page of the registry that nobody looked at is a fault too.
#[tokio::test]
async fn no_page_has_a_violation() {
    let axe = tokio::task::spawn_blocking(axe).await.unwrap();
    let journey = Journey::begin(Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/sign-in").await;
    let mut who: Option<Person> = None;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for page in PAGES {
        if let Some(person) = page.person.filter(|person| who != Some(*person)) {
            browser.driver().delete_all_cookies().await.unwrap();
            journey.sign_in(person).await;
            who = Some(person);
        }
        for theme in ["light", "dark"] {
            browser.js(&format!("localStorage.setItem('keyward.theme', '{theme}'); sessionStorage.clear()")).await;
            page.show(browser).await;
            assert_eq!(browser.js("return document.documentElement.dataset.theme").await, theme);
            for violation in violations(browser, &axe).await {
                found.push(format!("{} ({theme}): {violation}", page.name));
            }
        }
        seen.insert(browser.path().await);
    }
    found.extend(unseen(&seen));
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&["status of 403", "status of 404", "status of 422"]).await;
}

/// What was found while typing is a list of options, in both themes.
#[tokio::test]
async fn the_palette_has_no_violation() {
    let axe = tokio::task::spawn_blocking(axe).await.unwrap();
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        browser.open("/orders").await;
        browser.js(&format!("document.documentElement.dataset.theme = '{theme}'")).await;
        browser.click("[data-palette-open]").await;
        browser.press("windows").await;
        browser.see(".palette-results .found-link.at").await;
        settled(browser).await;
        found.extend(violations(browser, &axe).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&[]).await;
}

/// Saved views with their menus, and one that can't have its name.
#[tokio::test]
async fn saved_views_have_no_violation() {
    let axe = tokio::task::spawn_blocking(axe).await.unwrap();
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    super::views::save(browser, "/contracts?ending=90", "Ends soon").await;
    super::views::save(browser, "/orders?only=esu", "ESU").await;
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        for (path, clicked, sign) in [
            ("/views", "summary[aria-label='More for Ends soon']", "details[open] .menu-form"),
            ("/contracts", "//summary[contains(., 'Views')]", "[data-views-own] .menu-item"),
            ("/orders?columns=quantity.country", "//summary[contains(., 'Columns')]", "details[open] .check"),
        ] {
            browser.open(path).await;
            browser.js(&format!("document.documentElement.dataset.theme = '{theme}'")).await;
            browser.click(clicked).await;
            browser.see(sign).await;
            settled(browser).await;
            found.extend(violations(browser, &axe).await.iter().map(|one| format!("{path} ({theme}): {one}")));
        }
        super::views::save_as(browser, "/contracts?ending=90", "ends SOON").await;
        browser.see(".unsaved .field.wrong").await;
        browser.js(&format!("document.documentElement.dataset.theme = '{theme}'")).await;
        settled(browser).await;
        found.extend(violations(browser, &axe).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&["status of 422"]).await;
}

/// The dialog and the page that ask for the password again, with what waits for it.
#[tokio::test]
async fn asking_for_the_password_has_no_violation() {
    let axe = tokio::task::spawn_blocking(axe).await.unwrap();
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/products/windows-11-pro").await;
    journey.app.clock.turn(time::Duration::minutes(6));
    let mut found = Vec::new();
    for (theme, sign) in [("light", "dialog[open]"), ("dark", "dialog[open] .error:not(:empty)")] {
        browser.js(&format!("document.documentElement.dataset.theme = '{theme}'")).await;
        if theme == "light" {
            browser.click(".panel [data-reveal]").await;
        } else {
            browser.fill("#confirm-dialog-password", "not the password\n").await;
        }
        browser.see(sign).await;
        settled(browser).await;
        found.extend(violations(browser, &axe).await);
    }
    browser.open("/products").await;
    browser.click("[data-menu].export summary").await;
    browser.click("[data-menu].export .menu-item").await;
    browser.at("/confirm").await;
    browser.see(".card .banner").await;
    settled(browser).await;
    found.extend(violations(browser, &axe).await);
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&["status of 403", "status of 422"]).await;
}
