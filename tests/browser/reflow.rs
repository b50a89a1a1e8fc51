//! Every page at 400 % zoom and on a tablet, for people who want no motion, and on paper.

use serde_json::{Value, json};

use super::{
    driver::Scripts,
    page::Browser,
    pages::{PAGES, settled},
    portal::{Journey, Person},
};

/// WCAG 1.4.10: nothing scrolls sideways but what has a scroller of its own, and no text is cut off. A field shows part of
/// what was typed, and what is there for the ear alone is one pixel wide.
const FITS: &str = "
    const page = document.scrollingElement, faults = [];
    const called = (one) => `${one.tagName.toLowerCase()}.${one.getAttribute('class') ?? ''} “${one.textContent.trim().slice(0, 40)}”`;
    const each = [...document.querySelectorAll('body *')].filter((one) => one.getClientRects().length > 0);
    const style = (one) => getComputedStyle(one);
    if (page.scrollWidth > page.clientWidth) {
        const wide = each.filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1 && style(one).position !== 'fixed');
        faults.push(`is ${page.scrollWidth} wide: ${wide.slice(-2).map(called)}`);
    }
    const cut = each.filter((one) => ['hidden', 'clip'].includes(style(one).overflowX) && one.clientWidth > 1
        && one.scrollWidth > one.clientWidth + 1 && !one.matches('input, select, svg, .account-name'));
    return faults.concat(cut.slice(0, 2).map((one) => `cuts off ${called(one)}`));";

/// Transitions and animations that run although nobody wants them. The ring beside a revealed key tells how long it
/// still shows: that is no ornament, and it moves in six steps.
const MOVES: &str = "
    const over = (list) => list.split(',').some((time) => parseFloat(time) > 0);
    return [...document.querySelectorAll('*')].filter((one) => {
        const style = getComputedStyle(one);
        return over(style.transitionDuration) || (over(style.animationDuration) && !['none', 'run-out'].includes(style.animationName));
    }).slice(0, 2).map((one) => `moves: ${one.tagName} ${one.getAttribute('class')}`);";

/// On paper: for whom and as of when, no navigation, no key.
const PRINTED: &str = "
    const shown = (one) => one.getClientRects().length > 0 && getComputedStyle(one).visibility === 'visible';
    const faults = [...document.querySelectorAll('.top, .nav, .skip, .toasts, .menu-body, .search, .pager a')].filter(shown)
        .map((one) => `prints ${one.className}`);
    const keys = [...document.querySelectorAll('[data-key-text]')].filter(shown).filter((one) => !one.textContent.includes('•'));
    if (keys.length > 0) { faults.push('prints a key'); }
    const head = document.querySelector('.on-paper');
    if (document.querySelector('.account') && !(head && shown(head) && head.innerText.startsWith('Keyward, for '))) { faults.push('doesn’t print for whom'); }
    return faults;";

/// Every menu of a command bar, opened one after the other, lies within the window, and what it offers can be reached.
const MENUS: &str = "
    const width = document.documentElement.clientWidth, faults = [];
    for (const menu of document.querySelectorAll('main .bar details.menu')) {
        if (menu.getClientRects().length === 0) { continue; }
        menu.open = true;
        const { left, right } = menu.querySelector('.menu-body').getBoundingClientRect();
        if (left < 0 || right > width) { faults.push(`${menu.innerText.trim().split('\\n')[0]}: ${left} to ${right} of ${width}`); }
        menu.open = false;
    }
    return faults;";

/// Lists with menus in their bars, each alone and beside a panel.
const BARS: [&str; 10] = [
    "/contracts",
    "/contracts/8671204",
    "/products",
    "/products/windows-11-pro?tab=about",
    "/orders",
    "/people",
    "/requests",
    "/changes",
    "/audit",
    "/activation",
];

async fn faults(browser: &Browser, look: &str) -> Vec<String> {
    let found: Value = browser.js(look).await;
    serde_json::from_value(found).unwrap()
}

async fn media(browser: &Browser, media: &str, motion: &str) {
    let features = json!([{ "name": "prefers-reduced-motion", "value": motion }]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": media, "features": features })).await;
}

#[tokio::test]
async fn every_page_fits_narrow_windows_stands_still_and_prints() {
    let journey = Journey::begin(Scripts::On).await;
    let browser = &journey.browser;
    browser.open("/sign-in").await;
    let mut who: Option<Person> = None;
    let mut found = Vec::new();
    for page in PAGES {
        media(browser, "", "reduce").await;
        if let Some(person) = page.person.filter(|person| who != Some(*person)) {
            browser.driver().delete_all_cookies().await.unwrap();
            journey.sign_in(person).await;
            who = Some(person);
        }
        browser.js("sessionStorage.clear()").await;
        // As zooming does it: opened at its width, then made narrower.
        browser.size(1280, 1024).await;
        page.show(browser).await;
        let mut say = |at: &str, faults: Vec<String>| {
            found.extend(faults.into_iter().map(|fault| format!("{} ({at}): {fault}", page.name)));
        };
        say("reduced motion", faults(browser, MOVES).await);
        for (at, width, height) in [("768", 768, 1024), ("400 %", 320, 256)] {
            browser.size(width, height).await;
            settled(browser).await;
            say(at, faults(browser, FITS).await);
        }
        browser.size(1280, 1024).await;
        media(browser, "print", "reduce").await;
        say("on paper", faults(browser, PRINTED).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    media(browser, "", "").await;
    journey.end(&["status of 403", "status of 404", "status of 422"]).await;
}

#[tokio::test]
async fn every_menu_of_a_bar_opens_within_the_window() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let mut found = Vec::new();
    for path in BARS {
        browser.open(path).await;
        browser.see("main .bar details.menu, .panel").await;
        for width in [320, 390, 640, 768, 1024, 1280, 1440] {
            browser.size(width, 900).await;
            settled(browser).await;
            found.extend(faults(browser, MENUS).await.into_iter().map(|fault| format!("{path} ({width}): {fault}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&[]).await;
}

/// WCAG 2.4.11: a panel leaves the top bar free, and hides nothing of the list that has the keyboard.
const COVERED: &str = "
    const place = (one) => one.getBoundingClientRect(), panel = document.querySelector('.panel'), faults = [];
    if (place(panel).top < place(document.querySelector('.top')).bottom) { faults.push('covers the top bar'); }
    for (const one of document.querySelectorAll('.list :is(a, button, summary, input, select)')) {
        if (one.getClientRects().length === 0 || one.clientWidth === 1) { continue; }
        one.focus();
        if (document.activeElement === one && place(one).left >= place(panel).left) { faults.push(`covers ${one.textContent.trim()}`); }
    }
    return faults.slice(0, 3);";

#[tokio::test]
async fn a_panel_covers_neither_the_top_bar_nor_what_has_the_keyboard() {
    let journey = Journey::of(Person::Admin, Scripts::On).await;
    let browser = &journey.browser;
    let mut found = Vec::new();
    for path in ["/contracts/8671204?tab=keys", "/products/windows-11-pro?tab=about"] {
        browser.open(path).await;
        for width in [1024, 1199, 1200, 1280, 1440] {
            browser.size(width, 900).await;
            settled(browser).await;
            browser.press_key(thirtyfour::Key::Tab).await;
            found.extend(faults(browser, COVERED).await.into_iter().map(|fault| format!("{path} ({width}): {fault}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    journey.end(&[]).await;
}
