//! `/`: the volume licensing overview, a card for each part a person may open.
use askama::Template;

use super::page::{Shell, Tone};
use super::view::Empty;

/// A line on a card: a number that matters and where to see it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// How much it matters.
    pub tone: Tone,
    /// The words.
    pub text: String,
    /// The list, filtered to exactly that.
    pub href: Option<String>,
}

/// A part of the portal.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its name.
    pub title: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The number that matters most, with separators.
    pub number: String,
    /// What is counted.
    pub caption: String,
    /// What else to know.
    pub details: Vec<Detail>,
}

/// The overview.
#[derive(Template)]
#[template(path = "web/overview.html")]
pub struct OverviewPage {
    /// The frame.
    pub shell: Shell,
    /// The parts this person may open.
    pub cards: Vec<Card>,
    /// For a person without any grant: what is missing and whom to ask, nothing about what exists.
    pub empty: Option<Empty>,
}

impl OverviewPage {
    /// What a person without any grant sees in place of cards.
    #[must_use]
    pub fn nothing_granted() -> Empty {
        Empty::new(
            super::view::EmptyKind::NotAllowed,
            "You hold no role yet",
            "Contracts, products and keys show once somebody gives you a role on a License ID. \
             Ask whoever looks after licences in your organisation, and tell them the License ID you need.",
        )
    }
}

#[cfg(test)]
impl OverviewPage {
    /// Six cards.
    pub fn sample() -> Self {
        let card = |title, href, icon, number: &str, caption: &str, details| Card {
            title,
            href,
            icon,
            number: number.into(),
            caption: caption.into(),
            details,
        };
        let detail = |tone, text: &str, href: &str| Detail { tone, text: text.into(), href: Some(href.into()) };
        let cards = vec![
            card(
                "Contracts",
                "/contracts",
                "file",
                "11",
                "active License IDs",
                vec![detail(Tone::Warn, "3 end within 90 days", "/contracts?ending=90")],
            ),
            card(
                "Products and services",
                "/products",
                "box",
                "474",
                "product keys of 27 products",
                vec![
                    detail(Tone::Bad, "6 MAKs used up", "/products?q=used-up"),
                    detail(Tone::Warn, "14 MAKs running low", "/products?q=low"),
                ],
            ),
            card("Orders", "/orders", "cart", "180", "order lines", vec![]),
            card(
                "Imports",
                "/imports",
                "upload",
                "5",
                "files imported",
                vec![detail(Tone::Good, "Last one 2 hours ago", "/imports")],
            ),
            card(
                "Role assignments",
                "/people",
                "people",
                "9",
                "people with a role",
                vec![detail(Tone::Warn, "2 License IDs have a single administrator", "/people?single=1")],
            ),
            card(
                "Audit",
                "/audit",
                "history",
                "1,932",
                "events recorded",
                vec![detail(Tone::Good, "The chain is whole", "/audit")],
            ),
        ];
        Self { shell: Shell::sample("/"), cards, empty: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_card_leads_to_its_part() {
        let html = OverviewPage::sample().render().expect("renders");
        for href in ["/contracts", "/products", "/orders", "/imports", "/people", "/audit"] {
            assert!(html.contains(&format!("href=\"{href}\"")), "{href}");
        }
    }

    #[test]
    fn without_a_grant_nothing_is_told_about_what_exists() {
        let empty = Some(OverviewPage::nothing_granted());
        let html = OverviewPage { empty, cards: vec![], ..OverviewPage::sample() }.render().expect("renders");
        assert!(html.contains("You hold no role yet"));
        assert!(!html.contains("474"));
    }
}
