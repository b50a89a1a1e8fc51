//! `/archive`: what was put away, and the way back. `POST /archive` puts away.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    beside,
    db::{
        self,
        resting::{self, Archived, Order, Resting},
    },
    input,
    model::Thing,
    rights::Allowed,
    undo, write,
};
use crate::{
    app::AppState,
    auth::proof::{OperatorOrAdministrator, SignedIn, Site},
    error::{Error, Result},
    postgres::{Scope, Scoped},
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, ArchivedCell, ArchivedTable, Chip, Choice, Column, Empty, EmptyKind, Pager},
    },
};

/// The page.
#[derive(Template)]
#[template(path = "hand/archive.html")]
pub struct ArchivePage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `thing`, `page`.
    pub address: Address,
    /// What was searched.
    pub q: String,
    /// The kinds to filter by.
    pub things: Vec<Choice>,
    /// What is on this page.
    pub table: ArchivedTable,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl ArchivePage {
    fn chips(&self) -> Vec<Chip> {
        chips(&self.address, &[("q", "Search: "), ("thing", "")])
    }
}

/// Chips for these parts of an address; a kind of thing by its name.
pub(super) fn chips(address: &Address, parts: &[(&'static str, &'static str)]) -> Vec<Chip> {
    Chip::active(address, parts, |part, value| match Thing::parse(value) {
        Some(thing) if part == "thing" => thing.label().to_owned(),
        _ => value.to_owned(),
    })
}

/// The kinds as a filter.
pub(super) fn things(current: &str) -> Vec<Choice> {
    let each = Thing::ALL.into_iter().map(|thing| Choice::new(thing.code(), thing.label(), current));
    std::iter::once(Choice::new("", "All", current)).chain(each).collect()
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    ["q", "thing", "page"]
        .into_iter()
        .fold(Address::new("/archive"), |address, part| address.with(part, query.one(part).trim()))
}

/// How many things the archive at this query shows on all its pages.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<i64> {
    let address = address(query);
    resting::count(tx, &Resting { thing: address.get("thing"), q: address.get("q"), ..Resting::default() }).await
}

/// The archive.
///
/// # Errors
/// When the database fails.
pub async fn get(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    query: RawQuery,
) -> Result<Response> {
    let query = undo::query(query);
    let address = address(&query);
    let page = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let (q, thing) = (address.get("q").to_owned(), address.get("thing").to_owned());
    let of = Resting { thing: &thing, q: &q, ..Resting::default() };
    let (rows, total) = resting::list(&mut tx, &of, Order::At(true), PAGE, (page - 1) * PAGE).await?;
    let now = tx.now();
    let empty = if q.is_empty() && thing.is_empty() {
        Empty::new(
            EmptyKind::NothingYet,
            "Nothing is in the archive",
            "What you archive leaves lists, counts and exports, and waits here until it is restored.",
        )
    } else {
        Empty::new(EmptyKind::NothingMatches, "Nothing matches", "Try fewer words.").action("Clear filters", "/archive")
    };
    Ok(Html(ArchivePage {
        shell: person.visitor().shell(&state),
        things: things(&thing),
        q,
        table: table(rows, now, address.href()),
        pager: Pager::new(&address, "page", page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty,
        address,
    })
    .into_response())
}

fn table(found: Vec<Archived>, now: time::OffsetDateTime, back: String) -> ArchivedTable {
    let cell = |label, text: &str, class| ArchivedCell { label, text: text.to_owned(), class };
    let rows = found.into_iter().filter_map(|found| {
        let thing = Thing::parse(&found.thing)?;
        let cells = vec![cell("Kind", thing.label(), ""), cell("License ID", &found.license_id, "mono")];
        Some(beside::row(thing, found, cells, now))
    });
    let headings = ["Name", "Kind", "License ID", "Archived", "Why"].map(Column::plain);
    ArchivedTable { headings: headings.to_vec(), rows: rows.collect(), back }
}

/// Puts a thing away.
///
/// # Errors
/// [`Error::NotFound`] where it isn't the person's to correct; [`Error::Conflict`] where something hangs on it,
/// [`Error::Malformed`] for a reason that is too long or a product key.
pub async fn put_away(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    moved(&state, &person, &form, true).await
}

/// Brings a thing back.
///
/// # Errors
/// [`Error::NotFound`] where it isn't the person's to correct.
pub async fn restore(
    person: Site<OperatorOrAdministrator>,
    State(state): State<AppState>,
    form: Pairs,
) -> Result<Response> {
    moved(&state, &person, &form, false).await
}

async fn moved(state: &AppState, person: &SignedIn, form: &Pairs, away: bool) -> Result<Response> {
    let thing = Thing::parse(form.one("thing")).ok_or(Error::NotFound)?;
    let id: Uuid = form.one("id").parse().map_err(|_| Error::NotFound)?;
    // System scope: what is in the archive is out of its Administrator's sight. The right is asked here, in the
    // transaction that writes, and `Set::archive` holds it against the row.
    let mut tx = state.db.begin(Scope::System).await?;
    let contract = db::contract_of(&mut tx, thing, id).await?.ok_or(Error::NotFound)?;
    let allowed = Allowed::on(&mut tx, person.person().id, contract).await?;
    let Some(allowed) = allowed.filter(|allowed| allowed.may(thing, contract)) else { return Err(Error::NotFound) };
    if away {
        is_free(&mut tx, thing, id).await?;
    }
    if let Some(fault) = input::message(form).error {
        return Err(Error::Malformed(["Why: ", &fault].concat()));
    }
    let mut set = write::Set::new(person.person().id, form.one("message"));
    let moved = set.archive(&mut tx, allowed, thing, id, away).await?;
    let word = if away { "archived" } else { "restored" };
    let back = form.one("back");
    // The page of what was put away is gone with it; the License ID's form stays.
    let back = if back.is_empty() { "/archive" } else { back };
    undo::finish(state, person.visitor(), tx, set, usize::from(moved), word, back).await
}

/// Nothing is put away from under something that stays.
pub(super) async fn is_free(tx: &mut Scoped, thing: Thing, id: Uuid) -> Result<()> {
    let (statement, sentence) = match thing {
        Thing::Contract => (
            "SELECT count(*) FROM applications WHERE contract_id = $1 AND closed_at IS NULL",
            "Machines of an own application are activated under this License ID. Close the application first.",
        ),
        Thing::Product => (
            "SELECT (SELECT count(*) FROM product_keys WHERE product_id = $1 AND archived_at IS NULL)
                  + (SELECT count(*) FROM skus WHERE product_id = $1)",
            "There are keys or own editions of this product. Its keys are archived first, by the Administrators of their License IDs; then it can go.",
        ),
        Thing::Organization => (
            "SELECT (SELECT count(*) FROM contracts WHERE organization_id = $1 AND archived_at IS NULL)
                  + (SELECT count(*) FROM organizations WHERE parent_id = $1 AND archived_at IS NULL)",
            "License IDs or other organisations stand under this one. Move or archive them first.",
        ),
        Thing::Agreement => (
            "SELECT (SELECT count(*) FROM contracts WHERE agreement_id = $1 AND archived_at IS NULL)
                  + (SELECT count(*) FROM agreements WHERE mbsa_id = $1 AND archived_at IS NULL)",
            "License IDs or other agreements stand under this agreement. Move or archive them first.",
        ),
        Thing::Key | Thing::Order | Thing::Contact => return Ok(()),
    };
    let hanging: i64 = sqlx::query_scalar(statement).bind(id).fetch_one(&mut **tx).await?;
    if hanging == 0 { Ok(()) } else { Err(Error::Conflict(sentence.to_owned())) }
}

#[cfg(test)]
impl ArchivePage {
    /// A key and a License ID.
    pub fn sample() -> Self {
        let now = time::macros::datetime!(2026-11-22 14:13 UTC);
        let found = |thing: &str, name: &str, about: &str, license_id: &str| Archived {
            thing: thing.into(),
            id: Uuid::from_u128(7),
            name: name.into(),
            about: about.into(),
            license_id: license_id.into(),
            archived_at: time::macros::datetime!(2026-11-20 09:00 UTC),
            facts: sqlx::types::Json::default(),
            who: "Mara Lindqvist".into(),
            why: String::new(),
        };
        let address = Address::new("/archive").with("thing", "key");
        let rows =
            vec![found("key", "Windows 11 Pro", "…AB12C", "8671204"), found("contract", "68403177", "", "68403177")];
        Self {
            shell: Shell::sample("/archive"),
            q: String::new(),
            things: things("key"),
            table: table(rows, now, address.href()),
            pager: Pager::new(&address, "page", 1, 50, 2),
            empty: Empty::new(EmptyKind::NothingYet, "Nothing is in the archive", "It waits here."),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_the_archive_can_be_brought_back() {
        let html = ArchivePage::sample().render().expect("renders");
        assert_eq!(html.matches("action=\"/archive/restore\"").count(), 2);
        assert!(html.contains("Product key<span class=\"vh\">, take this filter off"), "{html}");
    }
}
