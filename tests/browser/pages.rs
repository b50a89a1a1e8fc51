//! Every page, for what looks at all of them.

use std::collections::BTreeSet;

use keyward::app;
use reqwest::Method;

use super::{
    page::{Browser, SOON},
    portal::Person,
};

/// A page in a state that is worth a look.
pub struct Page {
    /// What it is called.
    pub name: &'static str,
    /// Who looks; nobody for the pages of strangers.
    pub person: Option<Person>,
    /// Where it is.
    pub path: &'static str,
    /// Files that are sent from there; what comes of them is the page.
    pub uploaded: &'static [&'static str],
    /// What is clicked before one looks.
    pub clicked: &'static [&'static str],
}

impl Page {
    /// Opens it, clicks, and waits until nothing moves or loads any more.
    pub async fn show(&self, browser: &Browser) {
        browser.open(self.path).await;
        if !self.uploaded.is_empty() {
            let files: Vec<String> =
                self.uploaded.iter().map(|file| [env!("CARGO_MANIFEST_DIR"), "/", file].concat()).collect();
            browser.find("#files").await.send_keys(files.join("\n")).await.unwrap();
            browser.click("//form[@action='/imports']//button").await;
            browser.see(".files, .banner.bad").await;
        }
        for selector in self.clicked {
            browser.click(selector).await;
        }
        settled(browser).await;
    }
}

/// Waits until nothing on the page moves or loads, but for the ring beside a revealed key.
pub async fn settled(browser: &Browser) {
    let rest = "return document.readyState === 'complete' && document.fonts.status === 'loaded'
        && !document.querySelector('[aria-busy=true]')
        && document.getAnimations().every((one) => one.playState !== 'running' || one.animationName === 'run-out')";
    browser.until("a page at rest", SOON, async || (browser.js(rest).await == true).then_some(())).await;
}

const fn page(name: &'static str, path: &'static str) -> Page {
    Page { name, person: Some(Person::Admin), path, uploaded: &[], clicked: &[] }
}

const fn clicked(name: &'static str, path: &'static str, clicked: &'static [&'static str]) -> Page {
    Page { name, person: Some(Person::Admin), path, uploaded: &[], clicked }
}

const fn uploaded(name: &'static str, uploaded: &'static [&'static str]) -> Page {
    Page { name, person: Some(Person::Admin), path: "/imports", uploaded, clicked: &[] }
}

const fn seen_by(person: Person, name: &'static str, path: &'static str) -> Page {
    Page { name, person: Some(person), path, uploaded: &[], clicked: &[] }
}

/// An event of a host, a code with a digit too many, and one of which only a title is known.
const PASTED: &str = "/error-codes?q=0xC004CF038+0xC004E002+0xC004D302%0D%0A0xC004F06C%2C5%2Cpc-17%2C0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0%2C2010%2F9%2F29+21%3A46%2C1%2C2%2C41520%2C68531fb9-5511-4989-97be-d11a0f55633f";

/// Something new, something held, something with another end.
const GIVE_CHECK: &str = "/people/give?step=check&emails=helpdesk%40northwind.example+newcomer%40northwind.example+second%40northwind.example&numbers=8671204+8671311+7740032&role=administrator&role=product-keys-reader&until=2027-03-31";

/// Tabs of an own application.
const MACHINES: &str = "//main//nav//a[.='Machines']";
/// The same.
const KEYS: &str = "//main//nav//a[.='Keys']";

/// All of them, by person, so that few sign-ins are needed.
pub const PAGES: &[Page] = &[
    Page { name: "sign-in", person: None, path: "/sign-in", uploaded: &[], clicked: &[] },
    Page {
        name: "sign-in-wrong",
        person: None,
        path: "/sign-in",
        uploaded: &[],
        clicked: &["form[action='/sign-in'] button"],
    },
    page("overview", "/"),
    clicked("account-menu", "/", &["summary.account"]),
    clicked("shortcuts", "/products", &["[data-help]"]),
    page("products", "/products"),
    page("products-filtered", "/products?q=windows&category=Windows&sort=-keys"),
    page("products-none", "/products?q=nothing+like+it"),
    clicked("products-export", "/products", &["[data-menu].export summary"]),
    page("product-about", "/products/windows-11-pro?tab=about"),
    page("product-downloads", "/products/windows-11-pro?tab=downloads"),
    page("product-esu", "/products/windows-10-esu-year-1?tab=about"),
    page("product-downloads-none", "/products/windows-server-2025-remote-desktop-services-cal?tab=downloads"),
    page("products-used-up", "/products?keys=used-up"),
    page("esu", "/products/esu"),
    page("people-alone", "/people/alone"),
    page("product-keys", "/products/windows-11-pro?tab=keys"),
    clicked(
        "product-keys-ticked",
        "/products/office-ltsc-professional-plus-2024?tab=keys",
        &[".key-row:nth-child(2) .tick", ".key-row:nth-child(3) .tick", ".panel [data-menu].export summary"],
    ),
    clicked("product-key-revealed", "/products/windows-10-esu-year-2?tab=keys", &[".key-row [data-reveal]"]),
    clicked("product-key-copied", "/products/windows-10-esu-year-3?tab=keys", &[".key-row [data-copy]"]),
    page("product-keys-osa", "/products/dynamics-365-business-central-on-premises?tab=keys"),
    page("product-no-key", "/products/sql-server-2019-standard?tab=keys"),
    page("views-none", "/views"),
    page("contracts", "/contracts"),
    page("contracts-chosen", "/contracts?columns=organization.end.agreement.agreement_type.authorization.start.roles"),
    page("contracts-one-column", "/contracts?columns=license_id"),
    clicked("contracts-columns", "/contracts?columns=end.status", &["//summary[contains(., 'Columns')]"]),
    clicked("contracts-views", "/contracts?status=Active", &["//summary[contains(., 'Views')]"]),
    page("contracts-all", "/contracts?expired=shown&sort=-end"),
    page("contracts-none", "/contracts?q=nothing+like+it"),
    clicked("contracts-more", "/contracts", &["tbody tr:nth-child(2) .menu-cell summary"]),
    clicked("contracts-ticked", "/contracts", &["thead .tick"]),
    page("contract-offerings", "/contracts/8671204?tab=offerings"),
    page("contract-keys", "/contracts/8671204?tab=keys"),
    page("contract-contacts", "/contracts/8671204?tab=contacts"),
    page("contract-not-approved", "/contracts/9020011?tab=keys"),
    clicked("contract-used", "/contracts/8671204?tab=keys", &[".panel .plot-fold > summary"]),
    clicked("contract-ownership", "/contracts/8671204", &["//summary[starts-with(., 'Ownership')]"]),
    clicked("contracts-ends", "/contracts", &[".plot-fold .fold summary"]),
    page("summary", "/contracts/summary"),
    page("summary-apart", "/contracts/summary?license_id=8671204&license_id=0005512873&by=license_id"),
    page("summary-none", "/contracts/summary?license_id=0005512873"),
    clicked("key-by-hand", "/products/windows-11-pro?tab=keys", &[".key-row:nth-child(2) .key-about"]),
    page("contract-edit", "/contracts/8671204/edit"),
    page("keys-typed", "/keys/new?license_id=8671204"),
    clicked(
        "keys-bulk",
        "/contracts/8671204?tab=keys",
        &[".key-row:nth-child(1) .tick", "//button[contains(., 'the selected keys')]"],
    ),
    page("order-add", "/orders/new"),
    clicked("order-edit", "/orders", &["tbody .above[href$='/edit']"]),
    page("contract-add", "/contracts/new"),
    page("contact-add", "/contacts/new?license_id=8671204"),
    clicked("contact-edit", "/contracts/8671204?tab=contacts", &[".people a[href$='/edit']"]),
    page("product-add", "/products/new"),
    page("product-edit", "/products/windows-11-pro/edit"),
    page("organization-add", "/organizations/new"),
    clicked("organization-edit", "/organizations", &["tbody .row-link"]),
    page("agreement-add", "/agreements/new"),
    clicked("agreement-edit", "/organizations?kind=agreements", &["tbody .row-link"]),
    page("changes", "/changes"),
    page("changes-since-import", "/changes?since=import"),
    page("archive", "/archive"),
    page("organizations", "/organizations"),
    page("structure-products", "/organizations?kind=products"),
    clicked("accounts", "/accounts", &["//summary[contains(., 'Add an account')]"]),
    page("find", "/find?q=windows"),
    page("find-none", "/find?q=nothing+like+it"),
    clicked("palette", "/orders", &["[data-palette-open]"]),
    page("orders", "/orders"),
    page("orders-page", "/orders?page=3"),
    page("orders-esu", "/orders?q=esu"),
    page("orders-esu-none", "/orders?q=esu+nowhere&from=yesterday"),
    clicked("orders-ticked", "/orders", &["thead .tick"]),
    clicked("order", "/orders?q=esu", &["tbody .row-link"]),
    page("requests", "/requests"),
    page("requests-all", "/requests?state=all&sort=due"),
    page("requests-none", "/requests?q=nothing+like+it"),
    page("request-sent", "/requests/1"),
    page("request-decide", "/requests/2"),
    clicked("request-folds", "/requests/4", &["//summary[.='Comment']", "//summary[.='Change the day']"]),
    page("request-declined", "/requests/5"),
    page("request-access", "/requests/6"),
    page("request-packet", "/requests/1/packet"),
    page("request-packet-kms", "/requests/4/packet"),
    page("request-new", "/requests/new"),
    page("request-new-mak", "/requests/new?license_id=8671204&kind=mak-limit"),
    clicked("request-new-wrong", "/requests/new?license_id=8671204&kind=kms-hosts", &["form.narrow .btn.primary"]),
    page("request-new-exception", "/requests/new?license_id=V6219054&kind=kms-exception"),
    page("request-new-closed", "/requests/new?license_id=68403177&kind=kms-exception"),
    page("people", "/people"),
    clicked("people-form", "/people", &["details.fold summary"]),
    page("give-people", "/people/give"),
    page("give-license-ids", "/people/give?step=license-ids&emails=helpdesk%40northwind.example&license_q=86"),
    page("give-wrong", "/people/give?step=roles&emails=nobody%40northwind.example"),
    page("give-roles", "/people/give?step=roles&emails=helpdesk%40northwind.example&numbers=8671204"),
    page("give-check", GIVE_CHECK),
    page("copy", "/people/copy"),
    page("copy-wrong", "/people/copy?from=newcomer%40northwind.example&to=who"),
    page("hand-over-check", "/people/hand-over?from=helpdesk%40northwind.example&to=newcomer%40northwind.example"),
    page("whom-to-ask", "/people/settings"),
    clicked("person", "/people", &["//tbody//a[.='Help Desk']"]),
    clicked("person-none", "/people", &["//tbody//a[.='Newcomer']"]),
    clicked("leaver", "/people", &["//tbody//a[.='Licence Administrator']", "//nav//a[.='Leaver sheet']"]),
    clicked("key-access", "/contracts/8671204?tab=keys", &["//a[starts-with(., 'Who can see this key')]"]),
    page("imports", "/imports"),
    uploaded("import-preview", &["tests/data/good/lf-other-order.csv", "demo/estate/orders.csv"]),
    uploaded("import-refused", &["tests/data/bad/malformed-count.csv", "tests/data/bad/unknown-header.csv"]),
    page("notices", "/notices"),
    clicked("notices-snooze", "/notices", &["tbody tr:first-child details.fold summary"]),
    page("notices-settings", "/notices/settings"),
    page("activation", "/activation?domain=corp.northwind.example"),
    clicked("activation-form", "/activation", &["details.fold summary"]),
    clicked("application", "/activation", &["//li[contains(., 'Plotter')]//a"]),
    clicked("edition", "/activation", &["//li[contains(., 'Plotter')]//a", "tbody .row-link"]),
    clicked("machines", "/activation", &["//li[contains(., 'Plotter')]//a", MACHINES]),
    clicked("machine", "/activation", &["//li[contains(., 'Plotter')]//a", MACHINES, "tbody .row-link"]),
    clicked("application-keys", "/activation", &["//li[contains(., 'Plotter')]//a", KEYS]),
    clicked("application-key", "/activation", &["//li[contains(., 'Plotter')]//a", KEYS, "tbody .row-link"]),
    clicked("devices", "/activation", &["//li[contains(., 'Dock Scheduler')]//a", "//main//nav//a[.='Devices']"]),
    page("offline", "/activation/offline"),
    page("setup-keys", "/setup-keys?q=datacenter"),
    page("setup-keys-near", "/setup-keys?q=WX4NM-KYWYW-QJJCY-PF3GW-KHQST"),
    page("setup-keys-published", "/setup-keys?q=W269N-WFGWX-YVC9B-4J6C9-T83GX"),
    page("setup-keys-unknown", "/setup-keys?unknown=1&last_five=84YNX&product=Office+2016"),
    page("setup-keys-none", "/setup-keys?q=nothing+like+it"),
    page("error-codes", "/error-codes"),
    page("error-codes-paste", PASTED),
    page("error-codes-none", "/error-codes?q=nothing+like+it"),
    page("error-code", "/error-codes/0xC004F038"),
    page("error-code-weak", "/error-codes/0xC004E002"),
    page("guides", "/guides"),
    page("guide-choosing", "/guides/choosing"),
    page("guide-kms-host", "/guides/kms-host"),
    page("guide-srv-records", "/guides/srv-records"),
    page("guide-mak-activations", "/guides/mak-activations"),
    page("guide-troubleshooting", "/guides/troubleshooting"),
    page("which-key", "/products/which-key"),
    page("which-key-kms", "/products/which-key?edition=Windows+Server+2022+Datacenter&machines=60&host=yes"),
    page("which-key-mak", "/products/which-key?edition=Windows+11+Pro&machines=4&network=isolated"),
    page("which-key-wrong", "/products/which-key?edition=Windows+11+Pro&machines=many"),
    page("which-key-rds", "/products/which-key?product=Remote+Desktop+Services"),
    page("rds", "/products/rds"),
    page("rds-none", "/products/rds?q=nothing+like+it"),
    page("account", "/account"),
    page("confirm", "/confirm"),
    page("absent", "/contracts/1234567"),
    // From here on something is in the archive: each look puts one more order line away.
    clicked("order-archived", "/orders", &["tbody .above[href$='/edit']", "//button[.='Archive']"]),
    page("archive-filled", "/archive?thing=order"),
    page("orders-archived", "/orders?archived=shown&q=windows"),
    page("orders-only-archived", "/orders?archived=only"),
    page("contracts-only-archived", "/contracts?archived=only"),
    page("products-only-archived", "/products?archived=only&category=Servers"),
    page("organizations-archived", "/organizations?archived=shown"),
    page("organizations-only-archived", "/organizations?archived=only"),
    page("changes-columns", "/changes?columns=what.when.license_id.risk"),
    page("keys-archived", "/contracts/8671204?tab=keys&keys_archived=shown"),
    clicked("change", "/changes", &["tbody .row-link"]),
    seen_by(Person::Second, "audit", "/audit"),
    seen_by(Person::Second, "audit-none", "/audit?key=ZZZZZ&action=key.reveal"),
    Page {
        name: "audit-export",
        person: Some(Person::Second),
        path: "/audit?check=1",
        uploaded: &[],
        clicked: &["[data-menu].export summary"],
    },
    seen_by(Person::Second, "overview-second", "/"),
    seen_by(Person::HelpDesk, "overview-help-desk", "/"),
    seen_by(Person::HelpDesk, "activation-help-desk", "/activation"),
    seen_by(Person::HelpDesk, "contracts-help-desk", "/contracts"),
    seen_by(Person::HelpDesk, "contract-help-desk", "/contracts/8671204?tab=offerings"),
    seen_by(Person::HelpDesk, "summary-help-desk", "/contracts/summary"),
    seen_by(Person::HelpDesk, "orders-help-desk", "/orders"),
    seen_by(Person::HelpDesk, "people-help-desk", "/people"),
    seen_by(Person::Newcomer, "notices-newcomer", "/notices"),
    seen_by(Person::HelpDesk, "which-key-help-desk", "/products/which-key?edition=Windows+11+Enterprise&machines=4"),
    seen_by(Person::HelpDesk, "requests-help-desk", "/requests"),
    seen_by(Person::HelpDesk, "request-answer", "/requests/3"),
    seen_by(Person::HelpDesk, "request-blind", "/requests/6"),
    seen_by(Person::Newcomer, "overview-newcomer", "/"),
    seen_by(Person::Newcomer, "requests-newcomer", "/requests"),
    seen_by(Person::Newcomer, "request-new-newcomer", "/requests/new"),
    seen_by(Person::Newcomer, "products-newcomer", "/products"),
    seen_by(Person::Newcomer, "contracts-newcomer", "/contracts"),
    seen_by(Person::Newcomer, "orders-newcomer", "/orders"),
    seen_by(Person::Newcomer, "rds-newcomer", "/products/rds"),
];

/// Pages of the registry that are looked at by no entry of [`PAGES`], each with the reason.
pub const NO_PAGES: &[(&str, &str)] = &[
    ("/healthz", "a word for machines"),
    ("/readyz", "a word for machines"),
    ("/static/{*path}", "files that pages are made of"),
    ("/downloads/{id}", "a file"),
    ("/requests/{number}/files/{id}", "a file"),
    ("/requests/{number}/edit", "the form of /requests/new over a draft, which nobody has in the demo"),
];

/// The pages of the registry that none of these addresses is, nor [`NO_PAGES`] excuses; and excuses that excuse nothing.
pub fn unseen(addresses: &BTreeSet<String>) -> Vec<String> {
    let routes: Vec<&str> =
        app::routes().list().iter().filter(|route| route.method == Method::GET).map(|route| route.path).collect();
    let seen: BTreeSet<&str> = addresses.iter().filter_map(|address| route_of(&routes, address)).collect();
    let excused = |path: &str| NO_PAGES.iter().any(|(known, _)| *known == path);
    let nobody = routes.iter().filter(|path| !seen.contains(*path) && !excused(path));
    let nobody =
        nobody.map(|path| format!("nobody looked at GET {path}: add it to PAGES, or to NO_PAGES with the reason"));
    let idle = NO_PAGES.iter().filter(|(path, _)| seen.contains(path) || !routes.contains(path));
    nobody.chain(idle.map(|(path, _)| format!("{path} needs no excuse in NO_PAGES"))).collect()
}

/// The route that an address is of: of those that fit, the one that says most of it itself.
fn route_of<'a>(routes: &[&'a str], address: &str) -> Option<&'a str> {
    let path: Vec<&str> = address.split('?').next()?.split('/').collect();
    let fits = |route: &&&str| {
        let parts: Vec<&str> = route.split('/').collect();
        parts.len() == path.len() && parts.iter().zip(&path).all(|(part, word)| part.starts_with('{') || part == word)
    };
    routes.iter().filter(fits).min_by_key(|route| route.matches('{').count()).copied()
}
