//! `/people`: who holds which role on which License ID.
use askama::Template;

use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Chip, Empty, Field, Pager, When, count};

/// The state of a person's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonStatus {
    /// Can sign in.
    Active,
    /// Can't sign in any more.
    Disabled,
}

impl PersonStatus {
    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Disabled => "Disabled",
        }
    }

    /// How it is marked.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Active => Tone::Good,
            Self::Disabled => Tone::Info,
        }
    }
}

/// A role on a License ID.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The id in `/people/grants/{id}/revoke`.
    pub id: String,
    /// The role's name.
    pub role: String,
    /// The License ID it holds on; empty for a site role.
    pub license_id: String,
    /// Where it comes from, when not given directly: "agreement 4E61138".
    pub via: String,
    /// When it ends by itself.
    pub until: Option<When>,
    /// Whether this person may take it away here; an inherited one is taken away at its source.
    pub revocable: bool,
}

/// A person and their roles.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// The state of the account.
    pub status: PersonStatus,
    /// Their roles, cut to the License IDs that the reader administers.
    pub grants: Vec<GrantRow>,
}

/// The page.
#[derive(Template)]
#[template(path = "people/list.html")]
pub struct PeoplePage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `license_id`, `role`, `page`.
    pub address: Address,
    /// What was searched.
    pub q: String,
    /// The people on this page.
    pub rows: Vec<PersonRow>,
    /// Which page.
    pub pager: Pager,
    /// License IDs with one administrator only.
    pub single_administrator: Vec<String>,
    /// The form's fields, in order: `email`, `role` with its choices, `license_id`, `until`; empty for who may not grant.
    pub grant_fields: Vec<Field>,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl PeoplePage {
    fn chips(&self) -> Vec<Chip> {
        let parts = [("q", "Search: "), ("license_id", "License ID: "), ("role", "Role: ")];
        let active = parts.iter().filter(|(part, _)| !self.address.get(part).is_empty());
        active
            .map(|(part, lead)| {
                let without = self.address.clone().without(part).without("page");
                Chip::new([lead, self.address.get(part)].concat(), without.href())
            })
            .collect()
    }

    fn single_title(&self) -> String {
        let ids = u64::try_from(self.single_administrator.len()).unwrap_or(u64::MAX);
        [&count(ids, "License ID has", "License IDs have"), " a single administrator"].concat()
    }

    fn form_open(&self) -> bool {
        Field::any_wrong(&self.grant_fields) || self.rows.is_empty()
    }
}

#[cfg(test)]
impl PeoplePage {
    /// Three people.
    pub fn sample() -> Self {
        use crate::web::view::Choice;
        use time::macros::date;
        let address = Address::new("/people");
        let grant = |id: &str, role: &str, license: &str, via: &str, until: Option<time::Date>| GrantRow {
            id: id.into(),
            role: role.into(),
            license_id: license.into(),
            via: via.into(),
            until: until.map(|day| When::day(day, date!(2026 - 11 - 22))),
            revocable: via.is_empty(),
        };
        let person = |name: &str, email: &str, status, grants| PersonRow {
            name: name.into(),
            email: email.into(),
            status,
            grants,
        };
        let roles = ["administrator", "product-keys-reader", "license-position-reader", "product-download-manager"];
        let labels = ["Administrator", "Product keys reader", "License position reader", "Product download manager"];
        let choices = roles.iter().zip(labels).map(|(role, label)| Choice::new(*role, label, "product-keys-reader"));
        Self {
            shell: Shell::sample("/people"),
            q: String::new(),
            rows: vec![
                person(
                    "Mara Lindqvist",
                    "mara.lindqvist@northwind.example",
                    PersonStatus::Active,
                    vec![
                        grant("1", "Administrator", "8671204", "", None),
                        grant("2", "Administrator", "8671311", "agreement 4E61138", None),
                        grant("3", "Auditor", "", "", None),
                    ],
                ),
                person(
                    "Ilya Petrov",
                    "ilya.petrov@northwind.example",
                    PersonStatus::Active,
                    vec![grant("4", "Product keys reader", "8671204", "", Some(date!(2026 - 12 - 31)))],
                ),
                person("Jo Ashby", "jo.ashby@northwind.example", PersonStatus::Disabled, vec![]),
            ],
            pager: Pager::new(&address, "page", 1, 50, 3),
            single_administrator: vec!["7740032".into(), "V6219388".into()],
            grant_fields: vec![
                Field::new("email", "email", "Email"),
                Field::new("text", "role", "Role").choices(choices.collect()),
                Field::new("text", "license_id", "License ID"),
                Field::new("date", "until", "Ends by itself on").optional(),
            ],
            empty: Empty::new(crate::web::view::EmptyKind::NothingMatches, "Nobody matches", "Take a filter off."),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_direct_grant_can_be_revoked_here() {
        let html = PeoplePage::sample().render().expect("renders");
        assert!(html.contains("action=\"/people/grants/1/revoke\""));
        assert!(!html.contains("action=\"/people/grants/2/revoke\""));
        assert!(html.contains("through agreement 4E61138"));
    }

    #[test]
    fn a_single_administrator_is_a_warning() {
        let html = PeoplePage::sample().render().expect("renders");
        assert!(html.contains("2 License IDs have a single administrator"));
        let html = PeoplePage { single_administrator: vec![], ..PeoplePage::sample() }.render().expect("renders");
        assert!(!html.contains("single administrator"));
    }
}
