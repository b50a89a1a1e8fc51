//! `GET /people/{id}`: what one person can see, License ID by License ID, and by which way.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::OffsetDateTime;

use super::{
    model::{last_day, role_label},
    paths::{self, Path, PersonHead},
    rules::{self, Rule},
};
use crate::{
    app::AppState,
    auth::{
        proof::{OnPerson, OperatorOrAdministrator},
        roles::Role,
    },
    error::Result,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, Empty, EmptyKind, Pager, Tab, When, count},
    },
};

/// A grant and its way.
#[derive(Clone, Debug)]
pub struct PathRow {
    /// The grant's id, where the reader may take it away here.
    pub revoke: Option<String>,
    /// Display name of who holds it.
    pub person: String,
    /// Their address.
    pub email: String,
    /// Their page.
    pub href: String,
    /// The License ID.
    pub license_id: String,
    /// Its organisation.
    pub organization: String,
    /// The role's name.
    pub role: String,
    /// What it opens, in words.
    pub opens: String,
    /// How the person comes to it.
    pub way: String,
    /// When it ends by itself.
    pub until: Option<When>,
    /// Why it opens nothing now; empty where it does.
    pub closed: &'static str,
}

/// A grant as a row.
pub(super) fn row(path: Path, now: OffsetDateTime) -> PathRow {
    let role = path.role.parse::<Role>().ok();
    PathRow {
        revoke: path.revocable.then(|| path.id.to_string()),
        way: path.words(),
        href: format!("/people/{}", path.person_id),
        role: role_label(&path.role),
        opens: role.map_or("", Role::opens).to_owned(),
        closed: if path.approved || role == Some(Role::Administrator) {
            ""
        } else {
            "Hidden: the organisation isn’t approved, so only Administrators see this License ID."
        },
        until: path.ends_at.map(|end| When::day(last_day(end), now.date())),
        person: path.name,
        email: path.email,
        license_id: path.license_id,
        organization: path.organization,
    }
}

/// A rule that they hold.
#[derive(Clone, Debug)]
pub struct RuleRow {
    /// The rule's id, where the reader may end it.
    pub end: Option<String>,
    /// The role's name.
    pub role: String,
    /// What it covers.
    pub place: String,
    /// On how many License IDs it gives the role now.
    pub now: String,
    /// When it ends by itself.
    pub until: Option<When>,
}

fn rule_row(rule: Rule, now: OffsetDateTime) -> RuleRow {
    RuleRow {
        role: role_label(&rule.role),
        place: rule.place(),
        now: count(rule.license_ids.unsigned_abs(), "License ID", "License IDs"),
        until: rule.ends_at.map(|end| When::day(last_day(end), now.date())),
        end: rule.endable.then(|| rule.id.to_string()),
    }
}

/// The head of a person's pages.
#[derive(Clone, Debug)]
pub struct Head {
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Whether the account is closed, and since when.
    pub disabled: Option<When>,
    /// Site roles, where the reader is to know of them.
    pub site_roles: Vec<&'static str>,
    /// The two pages.
    pub tabs: Vec<Tab>,
    /// Where roles are given to this person, copied from, handed over; nothing for who may not.
    pub actions: Option<[String; 3]>,
}

impl Head {
    /// The head, on the page that `sheet` says.
    pub(super) fn new(
        person: &PersonHead,
        reader: &crate::web::visitor::Person,
        sheet: bool,
        now: OffsetDateTime,
    ) -> Self {
        let here = format!("/people/{}", person.id);
        let site = [(person.site_operator, "Site operator"), (person.auditor, "Auditor")];
        let mut tabs = Vec::new();
        if reader.site_operator || reader.administers {
            tabs.push(Tab { label: "What this person can see", count: None, href: here.clone(), current: !sheet });
        }
        if reader.auditor || reader.administers {
            tabs.push(Tab { label: "Leaver sheet", count: None, href: [&here, "/leaver"].concat(), current: sheet });
        }
        let with = |path: &str, name: &str, value: &str| Address::new(path).with(name, value).href();
        Self {
            name: person.name.clone(),
            email: person.email.clone(),
            disabled: person.disabled_at.map(|at| When::moment(at, now)),
            site_roles: site
                .into_iter()
                .filter(|(has, _)| *has && reader.site_operator)
                .map(|(_, role)| role)
                .collect(),
            tabs,
            actions: reader.administers.then(|| {
                [
                    with("/people/give", "person", &person.id.to_string()),
                    with("/people/copy", "from", &person.email),
                    with("/people/hand-over", "from", &person.email),
                ]
            }),
        }
    }
}

/// The page.
#[derive(Template)]
#[template(path = "people/person.html")]
pub struct PersonPage {
    /// The frame.
    pub shell: Shell,
    /// Who.
    pub head: Head,
    /// The rules that they hold within the reader's own.
    pub rules: Vec<RuleRow>,
    /// The list's address: `license_id`, `page`.
    pub address: Address,
    /// What they hold.
    pub rows: Vec<PathRow>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(
    person: OnPerson<OperatorOrAdministrator>,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let address = ["license_id", "page"]
        .into_iter()
        .fold(Address::new(format!("/people/{}", person.person.id)), |address, part| {
            address.with(part, query.one(part).trim())
        });
    let number = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let now = tx.now();
    let held =
        paths::of_person(&mut tx, person.person.id, address.get("license_id"), PAGE, (number - 1) * PAGE).await?;
    let rules = rules::of_person(&mut tx, person.person.id).await?;
    let total = held.first().map_or(0, |path| path.total);
    let page = PersonPage {
        shell: person.visitor().shell(&state),
        head: Head::new(&person.person, person.signed_in().person(), false, now),
        rules: rules.into_iter().map(|rule| rule_row(rule, now)).collect(),
        rows: held.into_iter().map(|path| row(path, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty: empty(&address),
        address,
    };
    Ok(Html(page).into_response())
}

fn empty(address: &Address) -> Empty {
    if address.get("license_id").is_empty() {
        return Empty::new(
            EmptyKind::NothingYet,
            "No role here",
            "This person holds no role on the License IDs that you look after.",
        );
    }
    Empty::new(EmptyKind::NothingMatches, "No role on this License ID", "A License ID has to be written in full.")
        .action("Clear filters", address.path())
}

#[cfg(test)]
impl PersonPage {
    /// Two grants, one of them closed.
    pub fn sample() -> Self {
        let address = Address::new("/people/1");
        let row = |revoke: Option<&str>, closed| PathRow {
            revoke: revoke.map(str::to_owned),
            person: "Jo Ashby".into(),
            email: "jo.ashby@northwind.example".into(),
            href: "/people/1".into(),
            license_id: "8671204".into(),
            organization: "Northwind Holding AG".into(),
            role: "Product keys reader".into(),
            opens: "contract and keys".into(),
            way: "Given here by Mara Lindqvist on 3 May 2026".into(),
            until: None,
            closed,
        };
        Self {
            shell: Shell::sample("/people/1"),
            head: Head {
                name: "Jo Ashby".into(),
                email: "jo.ashby@northwind.example".into(),
                disabled: None,
                site_roles: vec!["Auditor"],
                tabs: vec![Tab { label: "Leaver sheet", count: None, href: "/people/1/leaver".into(), current: false }],
                actions: Some(["/people/give?person=1".into(), "/people/copy".into(), "/people/hand-over".into()]),
            },
            rules: vec![
                RuleRow {
                    end: Some("9".into()),
                    role: "Product keys reader".into(),
                    place: "the organisation Northwind, License IDs to come included".into(),
                    now: "12 License IDs".into(),
                    until: None,
                },
                RuleRow {
                    end: None,
                    role: "Administrator".into(),
                    place: "all License IDs, those to come included".into(),
                    now: "24 License IDs".into(),
                    until: None,
                },
            ],
            rows: vec![row(Some("7"), ""), row(None, "Hidden: the organisation isn’t approved.")],
            pager: Pager::new(&address, "page", 1, 50, 2),
            empty: empty(&address),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_says_its_way_and_only_a_direct_one_is_taken_away_here() {
        let html = PersonPage::sample().render().expect("renders");
        for part in ["Given here by Mara Lindqvist", "isn’t approved", "/people/1/leaver", "/people/hand-over"] {
            assert!(html.contains(part), "{part}");
        }
        assert_eq!(html.matches("/revoke\"").count(), 1);
        assert_eq!(html.matches("action=\"/people/rules/").count(), 1, "one outlasts the reader’s own");
        let mut page = PersonPage::sample();
        page.head.disabled = Some(When::day(time::macros::date!(2026 - 11 - 20), time::macros::date!(2026 - 11 - 22)));
        assert!(page.render().expect("renders").contains("none of this opens anything"));
    }
}
