//! The pages of the portal by their names and by the words that people have for them.

use super::model::{Found, Kind};
use crate::web::page::{NavItem, Shell};

/// Pages that no navigation names, and words under which one looks for those that it does.
const ALSO: [(&str, &str, &str); 12] = [
    ("Account and sessions", "/account", "password sign out devices"),
    ("Notices", "/notices", "bell mail alerts reminders"),
    ("Ask for more activations", "/requests/new", "new request limit increase mak kms raise"),
    ("Set up a KMS host", "/guides/kms-host", "guide slmgr skms server"),
    ("Publish SRV records", "/guides/srv-records", "guide dns vlmcs"),
    ("What consumes an activation", "/guides/mak-activations", "guide reimage reinstall"),
    ("MAK, KMS or ADBA", "/guides/choosing", "guide compare choose"),
    ("Setup keys", "/setup-keys", "gvlk generic slmgr ipk client key"),
    ("Error codes", "/error-codes", "0xc004 hresult slmgr event message"),
    ("Role assignments", "/people", "users grants permissions access rights"),
    ("Products and services", "/products", "keys downloads software"),
    ("Contracts", "/contracts", "license ids agreements enrollment licence"),
];

/// At most so many pages.
const MOST: usize = 5;

/// Pages whose name or other words hold all words of `q`, those first whose name begins with it. `nav` is what this
/// person may open.
pub fn find(nav: &[NavItem], q: &str) -> Vec<Found> {
    let wanted = q.to_lowercase();
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let mut found: Vec<(bool, &str, &str)> = Vec::new();
    let own = Shell::NAV.iter().map(|item| item.href);
    let hidden: Vec<&str> = own.filter(|href| !nav.iter().any(|item| item.href == *href)).collect();
    let named = nav.iter().chain(Shell::HELP.iter()).map(|item| (item.label, item.href, ""));
    for (label, href, also) in named.chain(ALSO) {
        let text = [label, " ", also].concat().to_lowercase();
        let known = found.iter().any(|(_, _, before)| *before == href);
        if !known && !hidden.contains(&href) && words.iter().all(|word| text.contains(word)) {
            found.push((!label.to_lowercase().starts_with(&wanted), label, href));
        }
    }
    found.sort_by_key(|(later, ..)| *later);
    let page = |(_, label, href): (bool, &str, &str)| Found {
        kind: Kind::Page,
        title: label.to_owned(),
        detail: String::new(),
        href: href.to_owned(),
    };
    found.into_iter().take(MOST).map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hrefs(nav: &[NavItem], q: &str) -> Vec<String> {
        find(nav, q).into_iter().map(|found| found.href).collect()
    }

    #[test]
    fn pages_are_found_by_their_names_and_by_other_words() {
        assert_eq!(hrefs(&Shell::NAV, "contr"), ["/contracts"]);
        assert_eq!(hrefs(&Shell::NAV, "gvlk"), ["/setup-keys"]);
        assert_eq!(hrefs(&Shell::NAV, "KMS guide"), ["/guides/kms-host", "/guides/choosing"]);
        assert!(hrefs(&Shell::NAV, "no such page").is_empty());
    }

    #[test]
    fn a_page_that_one_may_not_open_is_not_found_by_any_word() {
        let nav: Vec<NavItem> = Shell::NAV.into_iter().filter(|item| item.href != "/people").collect();
        assert!(hrefs(&nav, "role").is_empty() && hrefs(&nav, "permissions").is_empty());
        assert_eq!(hrefs(&Shell::NAV, "permissions"), ["/people"]);
    }
}
