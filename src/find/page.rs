//! `/find`: what was found, by kind.
use askama::Template;

use super::model::{Found, Kind};
use crate::web::page::Shell;
use crate::web::view::{Empty, EmptyKind};

/// The page; a browser with JavaScript shows its results in a dialog.
#[derive(Template)]
#[template(path = "find/page.html")]
pub struct FindPage {
    /// The frame.
    pub shell: Shell,
    /// What was typed.
    pub q: String,
    /// What was found, kind by kind.
    pub found: Vec<Found>,
}

impl FindPage {
    fn groups(&self) -> Vec<(Kind, Vec<&Found>)> {
        let of = |kind| self.found.iter().filter(|found| found.kind == kind).collect::<Vec<_>>();
        Kind::ALL.into_iter().map(|kind| (kind, of(kind))).filter(|(_, found)| !found.is_empty()).collect()
    }

    fn empty(&self) -> Empty {
        if self.q.is_empty() {
            return Empty::new(
                EmptyKind::NothingYet,
                "Type a name or a number",
                "Pages, saved views, products, License IDs, orders, people; a key by its last five characters.",
            );
        }
        Empty::new(
            EmptyKind::NothingMatches,
            "Nothing is found",
            "Only what you hold a role on is searched. Try fewer characters; of a key the last five.",
        )
    }
}

#[cfg(test)]
impl FindPage {
    /// One of each kind.
    pub fn sample() -> Self {
        let found = |kind, title: &str, detail: &str, href: &str| Found {
            kind,
            title: title.into(),
            detail: detail.into(),
            href: href.into(),
        };
        Self {
            shell: Shell::sample("/find"),
            q: "win".into(),
            found: vec![
                found(Kind::Page, "Setup keys", "", "/setup-keys"),
                found(Kind::View, "Winter ends", "Contracts", "/contracts?month=2027-01"),
                found(Kind::Product, "Windows 11 Pro", "Windows", "/products/windows-11-pro"),
                found(Kind::Contract, "8671204", "Enterprise, Northwind", "/contracts/8671204"),
                found(Kind::Key, "Windows 11 Pro", "MAK ending in AB12C, 8671204", "/keys/1"),
                found(Kind::Order, "R-1001", "8671204, Fabrikam", "/orders?q=R-1001"),
                found(Kind::Person, "Winnie Ashby", "winnie@northwind.example", "/people?q=winnie"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_things_stand_under_their_kinds() {
        let html = FindPage::sample().render().expect("renders");
        for kind in Kind::ALL {
            assert!(html.contains(kind.heading()), "{kind:?}");
        }
        let html = FindPage { found: vec![], ..FindPage::sample() }.render().expect("renders");
        assert!(html.contains("Nothing is found"));
        let html = FindPage { found: vec![], q: String::new(), ..FindPage::sample() }.render().expect("renders");
        assert!(html.contains("Type a name or a number"));
    }
}
