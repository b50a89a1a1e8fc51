//! A list with `archived=only`: its archived rows alone, in place of those in force, with its search and filters.

use askama::Template;

use super::{
    beside,
    db::resting::{self, Resting},
    model::Thing,
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        page::Shell,
        view::{Address, Archive, ArchivedTable, Chip, Choice, Empty, EmptyKind, Field, Pager, Tab},
    },
};

/// What a list says of itself, so that the archive is shown in its way.
pub struct Away<'a> {
    /// What it is a list of.
    pub thing: Thing,
    /// What this page is called.
    pub title: &'static str,
    /// The list's address.
    pub address: Address,
    /// What is searched.
    pub placeholder: &'static str,
    /// What the address asks for.
    pub of: Resting<'a>,
    /// The filters that are offered ready-made, or the lists beside this one.
    pub tabs: Vec<Tab>,
    /// The other filters; those with choices are selects.
    pub fields: Vec<Field>,
    /// The filters that narrow it now.
    pub chips: Vec<Chip>,
}

/// The page.
#[derive(Template)]
#[template(path = "hand/away.html")]
pub struct AwayPage {
    /// The frame.
    pub shell: Shell,
    /// What it is called.
    pub title: &'static str,
    /// The list's address, with `archived=only`.
    pub address: Address,
    /// What is searched.
    pub placeholder: &'static str,
    /// The filters that are offered ready-made.
    pub tabs: Vec<Tab>,
    /// The other filters.
    pub fields: Vec<Field>,
    /// The filters that narrow it now.
    pub narrowing: Vec<Chip>,
    /// What is on this page.
    pub table: ArchivedTable,
    /// Which page.
    pub pager: Pager,
    /// Whether anything is left out.
    pub narrowed: bool,
}

impl AwayPage {
    /// The list of what is in force.
    fn live(&self) -> String {
        self.address.clone().without(Archive::LIST).without("page").without("sort").href()
    }

    fn chips(&self) -> Vec<Chip> {
        let only = Chip::new("Only archived", self.live());
        self.narrowing.iter().cloned().chain([only]).collect()
    }

    /// The archive of this list without any filter; nowhere where there is none.
    fn clear(&self) -> String {
        if self.narrowing.is_empty() { String::new() } else { self.cleared() }
    }

    fn cleared(&self) -> String {
        let kept = [Archive::LIST, "kind", "sort", "columns"];
        let bare = Address::new(self.address.path());
        kept.into_iter().fold(bare, |bare, part| bare.with(part, self.address.get(part))).href()
    }

    /// What the form of the filters keeps without showing it.
    fn hidden(&self) -> Vec<(&str, &str)> {
        let mut hidden = self.address.filters();
        hidden.retain(|(name, _)| self.fields.iter().all(|field| field.name != *name));
        hidden
    }

    fn empty(&self) -> Empty {
        if self.narrowed || !self.address.get("page").is_empty() {
            return Empty::new(
                EmptyKind::NothingMatches,
                "Nothing archived matches",
                "Try fewer words or fewer filters.",
            )
            .action("Clear filters", self.cleared());
        }
        Empty::new(
            EmptyKind::NothingYet,
            "Nothing of this list is archived",
            "What you archive leaves the list, its counts and exports, and waits here until it is restored.",
        )
        .action("Those in force", self.live())
    }
}

impl Away<'_> {
    /// Reads the page that the list's address names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page(self, shell: Shell, tx: &mut Scoped) -> Result<AwayPage> {
        let of = Resting { thing: self.thing.code(), ..self.of };
        let (table, pager) = beside::page(tx, self.thing, &self.address, &of).await?;
        Ok(AwayPage {
            shell,
            title: self.title,
            placeholder: self.placeholder,
            tabs: self.tabs,
            fields: self.fields,
            narrowing: self.chips,
            table,
            pager,
            narrowed: of.narrows(),
            address: self.address,
        })
    }
}

/// A select over what a fact is among everything of one kind in the archive: all of it first.
///
/// # Errors
/// When the database fails.
pub async fn choices(tx: &mut Scoped, thing: Thing, fact: &str, current: &str) -> Result<Vec<Choice>> {
    let values = resting::values(tx, &Resting { thing: thing.code(), ..Resting::default() }, fact).await?;
    let each = values.into_iter().map(|value| Choice::new(value.clone(), value, current));
    Ok(std::iter::once(Choice::new("", "All", current)).chain(each).collect())
}

#[cfg(test)]
impl AwayPage {
    /// One order line.
    pub fn sample() -> Self {
        let address = Address::new("/orders").with("archived", "only").with("reseller", "Bechtle").with("q", "esu");
        let all = |current| vec![Choice::new("", "All", current), Choice::new("Bechtle", "Bechtle", current)];
        Self {
            shell: Shell::sample("/orders"),
            title: "Archived orders",
            placeholder: "Product or number",
            tabs: vec![Tab { label: "ESU", count: Some(1), href: "/orders?only=esu".into(), current: false }],
            fields: vec![
                Field::new("text", "reseller", "Reseller").choices(all("Bechtle")),
                Field::new("date", "from", "Ordered from").error(Some("That isn’t a day.".into())),
            ],
            narrowing: vec![Chip::new("Search: esu", "/orders?archived=only")],
            table: ArchivedTable::sample("/orders?archived=only"),
            pager: Pager::new(&address, "page", 1, 50, 1),
            narrowed: true,
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archived_rows_alone_have_their_filters_and_nothing_to_do_but_restore() {
        let html = AwayPage::sample().render().expect("renders");
        for part in [
            "<h1>Archived orders</h1>",
            "action=\"/archive/restore\"",
            "by Mara Lindqvist",
            "Ordered &#60;twice&#62;",
            "name=\"archived\" value=\"only\"",
            "<option value=\"Bechtle\" selected>",
            "Only archived",
            "That isn’t a day.",
            "1–1 of 1",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        for part in ["/exports/", "data-select", "class=\"tick\"", "class=\"plot"] {
            assert!(!html.contains(part), "{part}");
        }
    }

    #[test]
    fn it_says_why_it_is_empty() {
        let none = |narrowed| AwayPage {
            table: ArchivedTable::default(),
            pager: Pager::default(),
            narrowed,
            ..AwayPage::sample()
        };
        let html = none(true).render().expect("renders");
        assert!(
            html.contains("Nothing archived matches") && html.contains("href=\"/orders?archived=only\">Clear filters")
        );
        let html = none(false).render().expect("renders");
        assert!(html.contains("Nothing of this list is archived") && html.contains("Those in force"));
    }
}
