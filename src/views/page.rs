//! `/views`: a person's saved views, each with how many rows match now.
use askama::Template;

use super::model::List;
use crate::web::{
    page::Shell,
    view::{Address, Chip, Empty, Field, number},
};

/// A saved view.
#[derive(Clone, Debug)]
pub struct ViewRow {
    /// The id in `/views/{id}/…`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The list as it was saved; `None` where the person may no longer open it.
    pub href: Option<String>,
    /// What it shows, in words.
    pub words: String,
    /// How many rows match now; `None` where the list is closed.
    pub count: Option<i64>,
    /// Whether it is the first, and the last, of its list.
    pub ends: (bool, bool),
    /// The name that was sent, and what is wrong with it.
    pub wrong: Option<(String, String)>,
}

impl ViewRow {
    fn typed(&self) -> &str {
        self.wrong.as_ref().map_or(&self.name, |(typed, _)| typed)
    }

    fn count_text(&self) -> String {
        number(self.count.unwrap_or_default())
    }
}

/// The views of one list.
#[derive(Clone, Debug)]
pub struct Group {
    /// The list.
    pub list: List,
    /// Its views.
    pub rows: Vec<ViewRow>,
}

/// A view that couldn't be saved as it was sent.
#[derive(Clone, Debug)]
pub struct Unsaved {
    /// The list.
    pub list: List,
    /// Its filter, as the list's own address has it.
    pub query: String,
    /// The same in words.
    pub words: String,
    /// The field `name`, with what is wrong.
    pub fields: Vec<Field>,
}

impl Unsaved {
    fn fields(&self) -> Vec<Field> {
        self.fields.clone()
    }
}

/// The page.
#[derive(Template)]
#[template(path = "views/list.html")]
pub struct ViewsPage {
    /// The frame.
    pub shell: Shell,
    /// The page's address: `list`.
    pub address: Address,
    /// The one list that is shown.
    pub only: Option<List>,
    /// The views, list by list.
    pub groups: Vec<Group>,
    /// What couldn't be saved.
    pub unsaved: Option<Unsaved>,
    /// What to show when there is none.
    pub empty: Empty,
}

impl ViewsPage {
    fn chips(&self) -> Vec<Chip> {
        let chip = |list: List| Chip::new(["Views of ", list.label()].concat(), self.address.cleared());
        self.only.map(chip).into_iter().collect()
    }

    fn only_name(&self) -> &str {
        self.address.get("list")
    }
}

#[cfg(test)]
impl ViewsPage {
    /// Two views of the contracts, one of a list that is closed now.
    pub fn sample() -> Self {
        let row = |name: &str, href: Option<&str>, count, ends| ViewRow {
            id: "7".into(),
            name: name.into(),
            href: href.map(str::to_owned),
            words: "Status: Active".into(),
            count,
            ends,
            wrong: None,
        };
        Self {
            shell: Shell::sample("/views"),
            address: Address::new("/views"),
            only: None,
            groups: vec![
                Group {
                    list: List::Contracts,
                    rows: vec![
                        row("Ends <soon>", Some("/contracts?ending=90"), Some(1_204), (true, false)),
                        ViewRow {
                            wrong: Some(("Typed".into(), "Give it a name.".into())),
                            ..row("Active", Some("/contracts?status=Active"), Some(0), (false, true))
                        },
                    ],
                },
                Group { list: List::People, rows: vec![row("Readers", None, None, (true, true))] },
            ],
            unsaved: None,
            empty: super::screens::empty(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_has_its_number_and_a_closed_list_has_none() {
        let html = ViewsPage::sample().render().expect("renders");
        for part in [
            "Ends &#60;soon&#62;",
            "1,204",
            "href=\"/contracts?ending=90\"",
            "Give it a name.",
            "value=\"Typed\"",
            ">Active</a>",
            "/views/7/delete",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.contains("You may no longer open this list"));
        assert!(!html.contains("href=\"/people?"));
        let html = ViewsPage { groups: vec![], ..ViewsPage::sample() }.render().expect("renders");
        assert!(html.contains("No saved views yet"));
    }

    #[test]
    fn what_could_not_be_saved_is_asked_for_again() {
        let unsaved = Unsaved {
            list: List::Contracts,
            query: "status=Active".into(),
            words: "Status: Active".into(),
            fields: vec![super::super::save::field("").error(Some("Give it a name.".into()))],
        };
        let html = ViewsPage { unsaved: Some(unsaved), ..ViewsPage::sample() }.render().expect("renders");
        assert!(
            html.contains("name=\"query\" value=\"status=Active\"")
                && html.contains("name=\"list\" value=\"/contracts\"")
        );
    }
}
