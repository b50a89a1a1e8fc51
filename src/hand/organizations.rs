//! `/organizations`: organisations and parent agreements, for site operators.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{archive, away::Away, beside, db::resting::Resting, model::Thing, undo};
use crate::{
    app::AppState,
    auth::proof::{Operator, Site},
    error::Result,
    postgres::{Scope, Scoped, like},
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, Archive, Archived, Chip, Empty, EmptyKind, Pager, Tab, contract_path, number, product_path},
        visitor::Person,
    },
};

/// Which list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Organizations,
    Agreements,
    Products,
    Contracts,
}

impl List {
    const ALL: [Self; 4] = [Self::Organizations, Self::Agreements, Self::Products, Self::Contracts];

    fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|list| list.code() == text).unwrap_or(Self::Organizations)
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Organizations => "",
            Self::Agreements => "agreements",
            Self::Products => "products",
            Self::Contracts => "contracts",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Organizations => "Organisations",
            Self::Agreements => "Parent agreements",
            Self::Products => "Products",
            Self::Contracts => "License IDs",
        }
    }

    /// What the button says that adds one, and where it leads.
    const fn add(self) -> (&'static str, &'static str) {
        match self {
            Self::Organizations => ("Add an organisation", "/organizations/new"),
            Self::Agreements => ("Add an agreement", "/agreements/new"),
            Self::Products => ("Add a product", "/products/new"),
            Self::Contracts => ("Add a License ID", "/contracts/new"),
        }
    }

    /// Id, name, what stands beside it, how many hang on it.
    const fn statement(self) -> &'static str {
        match self {
            Self::Organizations => {
                "SELECT t.id, '' AS address, t.name, coalesce(p.name, '') AS beside,
                        (SELECT count(*) FROM contracts c WHERE c.organization_id = t.id AND c.archived_at IS NULL) AS hanging
                 FROM organizations t LEFT JOIN organizations p ON p.id = t.parent_id WHERE t.archived_at IS NULL"
            }
            Self::Agreements => {
                "SELECT t.id, '' AS address, t.number AS name, coalesce(m.number, '') AS beside,
                        (SELECT count(*) FROM contracts c WHERE c.agreement_id = t.id AND c.archived_at IS NULL)
                        + (SELECT count(*) FROM agreements b JOIN contracts c ON c.agreement_id = b.id
                           WHERE b.mbsa_id = t.id AND c.archived_at IS NULL) AS hanging
                 FROM agreements t LEFT JOIN agreements m ON m.id = t.mbsa_id WHERE t.archived_at IS NULL"
            }
            Self::Products => {
                "SELECT t.id, t.slug AS address, t.name, t.category AS beside,
                        (SELECT count(*) FROM contract_products cp JOIN contracts c ON c.id = cp.contract_id
                         WHERE cp.product_id = t.id AND c.archived_at IS NULL) AS hanging
                 FROM products t WHERE t.archived_at IS NULL"
            }
            Self::Contracts => {
                "SELECT t.id, t.license_id AS address, t.license_id AS name, o.name AS beside, NULL::bigint AS hanging
                 FROM contracts t JOIN organizations o ON o.id = t.organization_id WHERE t.archived_at IS NULL"
            }
        }
    }

    /// What its archive is called.
    const fn archived(self) -> &'static str {
        match self {
            Self::Organizations => "Archived organisations",
            Self::Agreements => "Archived parent agreements",
            Self::Products => "Archived products",
            Self::Contracts => "Archived License IDs",
        }
    }

    const fn thing(self) -> Thing {
        match self {
            Self::Organizations => Thing::Organization,
            Self::Agreements => Thing::Agreement,
            Self::Products => Thing::Product,
            Self::Contracts => Thing::Contract,
        }
    }

    fn href(self, row: &Found) -> String {
        match self {
            Self::Organizations => format!("/organizations/{}/edit", row.id),
            Self::Agreements => format!("/agreements/{}/edit", row.id),
            Self::Products => format!("{}/edit", product_path(&row.address)),
            Self::Contracts => format!("{}/edit", contract_path(&row.address)),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Found {
    id: Uuid,
    address: String,
    name: String,
    beside: String,
    hanging: Option<i64>,
    total: i64,
}

/// A row of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its form.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it belongs to.
    pub beside: String,
    /// How many License IDs hang on it.
    pub hanging: String,
}

/// The page.
#[derive(Template)]
#[template(path = "hand/organizations.html")]
pub struct OrganizationsPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `kind`, `q`, `archived`, `sort` (of what is archived), `page`.
    pub address: Address,
    /// What was searched.
    pub q: String,
    /// The lists.
    pub pills: Vec<Tab>,
    /// What the button says that adds one, and where it leads.
    pub add: (&'static str, &'static str),
    /// The heading over what stands beside a name; empty for none.
    pub beside: &'static str,
    /// Whether License IDs are counted.
    pub counted: bool,
    /// The rows on this page.
    pub rows: Vec<Row>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
    /// Those that rest in the archive.
    pub archived: Archived,
}

impl OrganizationsPage {
    fn chips(&self) -> Vec<Chip> {
        let mut chips = archive::chips(&self.address, &[("q", "Search: ")]);
        chips.push(self.archived.chip.clone());
        chips
    }

    /// Without the search; nowhere where there is none.
    fn clear(&self) -> String {
        let address = self.address.clone().without("q").without("page");
        if self.q.is_empty() { String::new() } else { address.href() }
    }
}

/// What the list is called that an address names by `kind`.
#[must_use]
pub fn kind_in_words(kind: &str) -> &'static str {
    List::parse(kind).label()
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    ["kind", "q", Archive::LIST, "sort", "page"]
        .into_iter()
        .fold(Address::new("/organizations"), |address, part| address.with(part, query.one(part).trim()))
}

/// How many rows the list at this query shows on all its pages; `None` for whoever isn't a site operator.
///
/// # Errors
/// When the database fails.
pub async fn count(state: &AppState, own: &mut Scoped, person: &Person, query: &Pairs) -> Result<Option<i64>> {
    if !person.site_operator {
        return Ok(None);
    }
    let address = address(query);
    let (list, q) = (List::parse(address.get("kind")), address.get("q"));
    let live = found(state, list, q, (1, 0)).await?.first().map_or(0, |row| row.total);
    let resting = Resting { q, ..Resting::default() };
    let show = Archive::of(&address, Archive::LIST);
    Ok(beside::counted(own, list.thing(), (show, Some(live)), resting).await?)
}

/// A page of a list: so many rows, after so many.
async fn found(state: &AppState, list: List, q: &str, (limit, offset): (i64, i64)) -> Result<Vec<Found>> {
    // System scope: a site operator keeps the structure of the whole site and sees none of it by a role. Whoever calls
    // has made sure that it is one; names and numbers are read here, nothing that a role opens.
    let mut tx = state.db.begin(Scope::System).await?;
    let statement = format!(
        "SELECT x.*, count(*) OVER () AS total FROM ({}) x
         WHERE $1 = '' OR concat_ws(E'\\n', x.name, x.beside) ILIKE '%' || $1 || '%' ORDER BY lower(x.name), x.id LIMIT $2 OFFSET $3",
        list.statement()
    );
    let rows =
        sqlx::query_as(AssertSqlSafe(statement)).bind(like(q)).bind(limit).bind(offset).fetch_all(&mut *tx).await?;
    Ok(rows)
}

/// The list of the archive alone.
async fn away(tx: &mut Scoped, shell: Shell, list: List, address: Address) -> Result<Response> {
    let q = address.get("q").to_owned();
    let asked = Away {
        thing: list.thing(),
        title: list.archived(),
        placeholder: "Name or number",
        of: Resting { q: &q, ..Resting::default() },
        tabs: pills(list, "only"),
        fields: Vec::new(),
        chips: archive::chips(&address, &[("q", "Search: ")]),
        address,
    };
    Ok(Html(asked.page(shell, tx).await?).into_response())
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(person: Site<Operator>, State(state): State<AppState>, query: RawQuery) -> Result<Response> {
    let query = undo::query(query);
    let address = address(&query);
    let list = List::parse(address.get("kind"));
    // What may be brought back is the person's to ask.
    let mut own = person.begin(&state).await?;
    if Archive::of(&address, Archive::LIST) == Archive::Only {
        return away(&mut own, person.visitor().shell(&state), list, address).await;
    }
    let (q, page) = (address.get("q").to_owned(), page_of(query.one("page")));
    let found = found(&state, list, &q, (PAGE, (page - 1) * PAGE)).await?;
    let total = found.first().map_or(0, |row| row.total);
    let resting = Resting { q: &q, ..Resting::default() };
    let archived = beside::archived(&mut own, list.thing(), &address, Archive::LIST, resting).await?;
    Ok(Html(OrganizationsPage {
        shell: person.visitor().shell(&state),
        pills: pills(list, ""),
        add: list.add(),
        beside: match list {
            List::Organizations => "Parent organisation",
            List::Agreements => "Under MBSA",
            List::Products => "Category",
            List::Contracts => "Organization",
        },
        counted: list != List::Contracts,
        rows: found.iter().map(|row| self::row(list, row)).collect(),
        pager: Pager::new(&address, "page", page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty: empty(&q),
        archived,
        q,
        address,
    })
    .into_response())
}

/// The lists beside each other; `archived` as the address of each shall have it.
fn pills(current: List, archived: &str) -> Vec<Tab> {
    let pill = |list: List| Tab {
        label: list.label(),
        count: None,
        href: Address::new("/organizations").with("kind", list.code()).with(Archive::LIST, archived).href(),
        current: list == current,
    };
    List::ALL.into_iter().map(pill).collect()
}

fn row(list: List, found: &Found) -> Row {
    Row {
        href: list.href(found),
        name: found.name.clone(),
        beside: found.beside.clone(),
        hanging: found.hanging.map(number).unwrap_or_default(),
    }
}

fn empty(q: &str) -> Empty {
    if q.is_empty() {
        return Empty::new(
            EmptyKind::NothingYet,
            "Nothing here yet",
            "Add the first one, or import a file of contracts.",
        );
    }
    Empty::new(EmptyKind::NothingMatches, "Nothing matches", "Try fewer words.")
        .action("Clear filters", "/organizations")
}

#[cfg(test)]
impl OrganizationsPage {
    /// Two organisations.
    pub fn sample() -> Self {
        let address = Address::new("/organizations");
        let row = |name: &str, beside: &str, hanging: &str| Row {
            href: "/organizations/7/edit".into(),
            name: name.into(),
            beside: beside.into(),
            hanging: hanging.into(),
        };
        Self {
            shell: Shell::sample("/organizations"),
            q: String::new(),
            pills: pills(List::Organizations, ""),
            add: List::Organizations.add(),
            beside: "Parent organisation",
            counted: true,
            rows: vec![
                row("Northwind Holding AG", "", "4"),
                row("Northwind Logistics GmbH", "Northwind Holding AG", "2"),
            ],
            pager: Pager::new(&address, "page", 1, 50, 2),
            empty: empty(""),
            archived: Archived::sample(&address),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_to_its_form() {
        let html = OrganizationsPage::sample().render().expect("renders");
        assert!(html.contains("href=\"/organizations/7/edit\"") && html.contains("href=\"/organizations/new\""));
        assert_eq!(html.matches("aria-current=\"true\"").count(), 1);
    }
}
