//! `/people`: who holds which role on which License ID.
use askama::Template;

use crate::web::page::{Shell, Tone};
use crate::web::view::{Address, Chip, Choice, Columns, Empty, Field, Offered, Pager, When, count, number};

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

/// What the list has to show of a person.
pub(super) const COLUMNS: [Offered; 3] =
    [Offered::new("person", "Person"), Offered::new("status", "Status"), Offered::new("roles", "Roles")];

/// A role on a License ID.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The id in `/people/grants/{id}/revoke`.
    pub id: String,
    /// The role's name.
    pub role: String,
    /// The License ID it holds on, the first where there are more; empty for a site role.
    pub license_id: String,
    /// On how many License IDs: more than one where a rule gives it on many.
    pub license_ids: u64,
    /// Where it comes from, when not given directly: "agreement 4E61138".
    pub via: String,
    /// When it ends by itself.
    pub until: Option<When>,
    /// Whether this person may take it away here; an inherited one is taken away at its source.
    pub revocable: bool,
}

impl GrantRow {
    fn many(&self) -> String {
        count(self.license_ids, "License ID", "License IDs")
    }
}

/// A person and their roles.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Their page.
    pub href: String,
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// The state of the account.
    pub status: PersonStatus,
    /// Their roles, cut to the License IDs that the reader administers.
    pub grants: Vec<GrantRow>,
    /// How many more there are than these.
    pub more: u64,
}

impl PersonRow {
    fn more_words(&self) -> String {
        ["and ", &count(self.more, "more role", "more roles"), ": filter by License ID to see them"].concat()
    }
}

/// License IDs that want a look: the first of them, and how many in all.
#[derive(Clone, Debug, Default)]
pub struct Wanting {
    /// The first of them.
    pub license_ids: Vec<String>,
    /// How many in all.
    pub total: u64,
}

impl Wanting {
    fn title(&self, what: &str) -> String {
        [count(self.total, "License ID has", "License IDs have").as_str(), " ", what].concat()
    }

    fn more(&self) -> String {
        let shown = u64::try_from(self.license_ids.len()).unwrap_or(u64::MAX);
        match self.total.saturating_sub(shown) {
            0 => String::new(),
            more => [" and ", &number(more), " more"].concat(),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "people/list.html")]
pub struct PeoplePage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `license_id`, `role`, `page`, `columns`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// The people on this page.
    pub rows: Vec<PersonRow>,
    /// Which page.
    pub pager: Pager,
    /// The roles to filter by, "All" with the value "" first.
    pub roles: Vec<Choice>,
    /// License IDs with one administrator only.
    pub single_administrator: Wanting,
    /// License IDs with none; told to site operators, who name one.
    pub no_administrator: Wanting,
    /// Whether the reader administers something: then roles can be copied and handed over.
    pub administers: bool,
    /// Whether the reader is a site operator, who chooses what is told about Administrators.
    pub operator: bool,
    /// The form's fields, in order: `email`, `role` with its choices, `license_id`, `until`.
    pub grant_fields: Vec<Field>,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl PeoplePage {
    fn chips(&self) -> Vec<Chip> {
        let parts = [("q", "Search: "), ("license_id", "License ID: "), ("role", "Role: ")];
        // A role by its name, the others as they are.
        Chip::active(&self.address, &parts, |part, value| {
            let role = self.roles.iter().find(|choice| part == "role" && choice.value == value);
            role.map_or(value, |choice| &choice.label).to_owned()
        })
    }

    fn form_open(&self) -> bool {
        Field::any_wrong(&self.grant_fields) || self.rows.is_empty()
    }
}

#[cfg(test)]
impl PeoplePage {
    /// Three people.
    pub fn sample() -> Self {
        use time::macros::date;
        let address = Address::new("/people");
        let grant = |id: &str, role: &str, license: &str, via: &str, until: Option<time::Date>| GrantRow {
            id: id.into(),
            role: role.into(),
            license_id: license.into(),
            license_ids: if via.contains("organisation") { 12 } else { 1 },
            via: via.into(),
            until: until.map(|day| When::day(day, date!(2026 - 11 - 22))),
            revocable: via.is_empty(),
        };
        let person = |name: &str, email: &str, status, grants| PersonRow {
            href: "/people/1".into(),
            name: name.into(),
            email: email.into(),
            status,
            grants,
            more: 0,
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
                    vec![
                        grant("5", "License position reader", "8671204", "the organisation Northwind", None),
                        grant("4", "Product keys reader", "8671204", "", Some(date!(2026 - 12 - 31))),
                    ],
                ),
                person("Jo Ashby", "jo.ashby@northwind.example", PersonStatus::Disabled, vec![]),
            ],
            pager: Pager::new(&address, "page", 1, 50, 3),
            roles: vec![Choice::new("", "All", ""), Choice::new("administrator", "Administrator", "")],
            single_administrator: Wanting { license_ids: vec!["7740032".into(), "V6219388".into()], total: 2 },
            no_administrator: Wanting { license_ids: vec!["S4471902".into()], total: 41 },
            administers: true,
            operator: true,
            grant_fields: vec![
                Field::new("email", "email", "Email"),
                Field::new("text", "role", "Role").choices(choices.collect()),
                Field::new("text", "license_id", "License ID"),
                Field::new("date", "until", "Ends by itself on").optional(),
            ],
            empty: Empty::new(crate::web::view::EmptyKind::NothingMatches, "Nobody matches", "Take a filter off."),
            columns: Columns::parse(&COLUMNS, &[]),
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
        assert!(html.contains("12 License IDs"));
    }

    #[test]
    fn a_single_administrator_is_a_warning() {
        let html = PeoplePage::sample().render().expect("renders");
        assert!(html.contains("2 License IDs have a single administrator"));
        assert!(html.contains("41 License IDs have no administrator") && html.contains("and 40 more"));
        let sample = PeoplePage { single_administrator: Wanting::default(), ..PeoplePage::sample() };
        let html = sample.render().expect("renders");
        assert!(!html.contains("single administrator"));
    }
}
