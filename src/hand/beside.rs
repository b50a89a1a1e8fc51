//! What other slices' lists show of the archive: a box beside their rows, or a list of it alone.

use time::{Date, OffsetDateTime, macros::format_description};

use super::{
    db::resting::{self, Archived as Found, Order, Resting},
    model::Thing,
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        paging::{PAGE, page_of},
        view::{Address, Archive, Archived, ArchivedCell, ArchivedRow, ArchivedTable, Column, Pager, When, number},
    },
};

/// Rows of a box at most.
const BOX: i64 = 10;

/// How a fact is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// A text that gives way where there is little room, as numbers and days do.
    Aside,
    Number,
    LicenseId,
    Day,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::LicenseId => "mono",
            Self::Number => "num less",
            Self::Aside | Self::Day => "less",
        }
    }
}

/// A column of a list of the archive: a fact under the name that its list gives it.
type Fact = (&'static str, &'static str, Kind);

const LICENSE_ID: Fact = ("license_id", "License ID", Kind::LicenseId);

/// What the lists call the name of a thing: for the sort, and as a heading.
const fn lead(thing: Thing) -> (&'static str, &'static str) {
    match thing {
        Thing::Contract => ("license_id", "License ID"),
        Thing::Order => ("description", "Description"),
        Thing::Product | Thing::Key => ("name", "Product"),
        Thing::Contact | Thing::Organization => ("name", "Name"),
        Thing::Agreement => ("name", "Number"),
    }
}

/// What stands beside it.
const fn facts(thing: Thing) -> &'static [Fact] {
    match thing {
        Thing::Contract => &[
            ("organization", "Organization", Kind::Text),
            ("program", "Parent Program", Kind::Aside),
            ("end", "End date", Kind::Day),
            ("status", "Status", Kind::Aside),
        ],
        Thing::Order => &[("quantity", "Quantity", Kind::Number), LICENSE_ID, ("ordered_on", "Ordered on", Kind::Day)],
        Thing::Key | Thing::Contact => &[LICENSE_ID],
        Thing::Product => &[("category", "Category", Kind::Text)],
        Thing::Organization | Thing::Agreement => &[],
    }
}

/// The rows of a list that rest in the archive, as far as its address asks for them and the person may bring them back.
///
/// # Errors
/// When the database fails.
pub async fn archived(
    tx: &mut Scoped,
    thing: Thing,
    address: &Address,
    part: &'static str,
    of: Resting<'_>,
) -> Result<Archived> {
    let archived = Archived::of(address, part);
    let paged = if part == Archive::KEYS { "keys_page" } else { "page" };
    let (limit, page) = match archived.show {
        Archive::Hidden => return Ok(archived),
        Archive::Shown => (BOX, 1),
        Archive::Only => (PAGE, page_of(address.get(paged))),
    };
    let of = Resting { thing: thing.code(), ..of };
    let (found, total) = resting::list(tx, &of, Order::At(true), limit, (page - 1) * limit).await?;
    Ok(Archived {
        pager: Pager::new(address, paged, page.unsigned_abs(), limit.unsigned_abs(), total.unsigned_abs()),
        table: table(thing, found, tx.now(), headings(thing, None), address.href()),
        ..archived
    })
}

/// How many rows a list shows with those of the archive that its address asks for; `live` counts its own.
///
/// # Errors
/// When the database fails.
pub async fn counted(
    tx: &mut Scoped,
    thing: Thing,
    (show, live): (Archive, Option<i64>),
    of: Resting<'_>,
) -> sqlx::Result<Option<i64>> {
    if show == Archive::Hidden {
        return Ok(live);
    }
    let resting = resting::count(tx, &Resting { thing: thing.code(), ..of }).await?;
    Ok(match live {
        Some(live) if show == Archive::Shown => Some(live + resting),
        // Whoever has nothing in force may have all of it in the archive.
        None if show == Archive::Shown && resting == 0 => None,
        _ => Some(resting),
    })
}

/// A page of the archive's rows of one kind, in the order that the list's address names.
pub(super) async fn page(
    tx: &mut Scoped,
    thing: Thing,
    address: &Address,
    of: &Resting<'_>,
) -> Result<(ArchivedTable, Pager)> {
    let page = page_of(address.get("page"));
    let (found, total) = resting::list(tx, of, order(thing, address.get("sort")), PAGE, (page - 1) * PAGE).await?;
    let table = table(thing, found, tx.now(), headings(thing, Some(address)), address.href());
    Ok((table, Pager::new(address, "page", page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs())))
}

/// What was put away last comes first, unless the address asks for something that the list shows.
fn order(thing: Thing, sort: &str) -> Order {
    let (name, descending) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    if name == lead(thing).0 {
        return Order::Name(descending);
    }
    if name == "archived" {
        return Order::At(descending);
    }
    let fact = facts(thing).iter().find(|(fact, ..)| *fact == name);
    fact.map_or(Order::At(true), |(fact, ..)| Order::Fact(fact, descending))
}

/// The headings, sorting the list at an address or nothing.
fn headings(thing: Thing, sorts: Option<&Address>) -> Vec<Column> {
    let heading = |key, label| sorts.map_or(Column::plain(label), |address| Column::sortable(label, key, address));
    let (key, label) = lead(thing);
    let facts = facts(thing).iter().map(|(key, label, kind)| {
        let column = Column { class: if kind.class().ends_with("less") { "less" } else { "" }, ..heading(key, label) };
        if *kind == Kind::Number { column.numeric() } else { column }
    });
    std::iter::once(heading(key, label))
        .chain(facts)
        .chain([heading("archived", "Archived"), Column::plain("Why")])
        .collect()
}

fn table(thing: Thing, found: Vec<Found>, now: OffsetDateTime, headings: Vec<Column>, back: String) -> ArchivedTable {
    let rows = found.into_iter().map(|found| {
        let cells = facts(thing).iter().map(|fact| cell(*fact, &found, now.date())).collect();
        row(thing, found, cells, now)
    });
    ArchivedTable { headings, rows: rows.collect(), back }
}

/// A row with these cells beside its name.
pub(super) fn row(thing: Thing, found: Found, cells: Vec<ArchivedCell>, now: OffsetDateTime) -> ArchivedRow {
    ArchivedRow {
        thing: thing.code(),
        id: found.id.to_string(),
        // A line without a description is known by what else there is of it.
        name: if found.name.is_empty() { found.about.clone() } else { found.name },
        about: found.about,
        license_id: found.license_id,
        cells,
        at: When::moment(found.archived_at, now),
        who: found.who,
        why: found.why,
    }
}

fn cell((key, label, kind): Fact, found: &Found, today: Date) -> ArchivedCell {
    let value = found.facts.get(key);
    let text = value.and_then(|value| value.as_str()).unwrap_or_default();
    let text = match kind {
        Kind::Text | Kind::Aside | Kind::LicenseId => text.to_owned(),
        Kind::Number => value.and_then(serde_json::Value::as_i64).map(number).unwrap_or_default(),
        Kind::Day => {
            let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
            day.map(|day| When::day(day, today).exact).unwrap_or_default()
        }
    };
    ArchivedCell { label, text, class: kind.class() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_the_archive_sorts_by_what_it_shows_and_by_nothing_else() {
        assert_eq!(order(Thing::Order, ""), Order::At(true));
        assert_eq!(order(Thing::Order, "archived"), Order::At(false));
        assert_eq!(order(Thing::Order, "-description"), Order::Name(true));
        assert_eq!(order(Thing::Order, "quantity"), Order::Fact("quantity", false));
        assert_eq!(order(Thing::Contract, "license_id"), Order::Name(false));
        assert_eq!(order(Thing::Contract, "x' ; DROP TABLE changes --"), Order::At(true));
        let address = Address::new("/orders").with("archived", "only");
        let columns = headings(Thing::Order, Some(&address));
        assert_eq!(columns.len(), facts(Thing::Order).len() + 3);
        assert_eq!(columns[1].href.as_deref(), Some("/orders?archived=only&sort=quantity"));
        assert!(headings(Thing::Order, None).iter().all(|column| column.href.is_none()));
    }
}
