//! `GET /changes`: everything that was changed by hand, or what is newer than the last import.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};

use super::{
    archive,
    db::{self, Filter},
    history::HistoryRow,
    undo,
};
use crate::{
    app::AppState,
    auth::proof::{OperatorOrAdministrator, Site},
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::{Html, Shell},
        paging::{PAGE, page_of},
        view::{Address, Chip, Choice, Columns, Empty, EmptyKind, Offered, Pager},
    },
};

/// What the list has to show of a change.
const COLUMNS: [Offered; 7] = [
    Offered::new("what", "What"),
    Offered::new("change", "Change"),
    Offered::new("why", "Why").gives_way("less"),
    Offered::new("who", "Who"),
    Offered::new("when", "When"),
    Offered::new("license_id", "License ID").more(),
    Offered::new("risk", "Next import").more(),
];

/// The page.
#[derive(Template)]
#[template(path = "hand/changes.html")]
pub struct ChangesPage {
    /// The frame.
    pub shell: Shell,
    /// The list's address: `q`, `thing`, `since`, `page`, `columns`.
    pub address: Address,
    /// Which columns are shown.
    pub columns: Columns,
    /// What was searched.
    pub q: String,
    /// The kinds to filter by.
    pub things: Vec<Choice>,
    /// Since when.
    pub since: Vec<Choice>,
    /// The changes on this page, the latest first.
    pub rows: Vec<HistoryRow>,
    /// Which page.
    pub pager: Pager,
    /// What to show when there is no row.
    pub empty: Empty,
}

impl ChangesPage {
    fn chips(&self) -> Vec<Chip> {
        let mut chips = archive::chips(&self.address, &[("q", "Search: "), ("thing", "")]);
        if self.since_import() {
            let without = self.address.clone().without("since").without("page");
            chips.push(Chip::new("Changed since the last import", without.href()));
        }
        chips
    }

    fn since_import(&self) -> bool {
        self.address.get("since") == "import"
    }
}

/// The list.
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
    let filter = filter(&address);
    let page = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let (rows, total) = db::list(&mut tx, &filter, PAGE, (page - 1) * PAGE).await?;
    let now = tx.now();
    Ok(Html(ChangesPage {
        shell: person.visitor().shell(&state),
        things: archive::things(&filter.thing),
        since: vec![
            Choice::new("", "Ever", address.get("since")),
            Choice::new("import", "Since the last import", address.get("since")),
        ],
        rows: rows.into_iter().map(|change| HistoryRow::of(change, now)).collect(),
        pager: Pager::new(&address, "page", page.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty: empty(&filter),
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        q: filter.q,
        address,
    })
    .into_response())
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    let since = if query.one("since") == "import" { "import" } else { "" };
    ["q", "thing", "page"]
        .into_iter()
        .fold(Address::new("/changes"), |address, part| address.with(part, query.one(part).trim()))
        .with("since", since)
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

fn filter(address: &Address) -> Filter {
    Filter {
        q: address.get("q").to_owned(),
        thing: address.get("thing").to_owned(),
        since_import: address.get("since") == "import",
    }
}

/// How many changes the list at this query shows on all its pages.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<i64> {
    Ok(db::list(tx, &filter(&address(query)), 1, 0).await?.1)
}

fn empty(filter: &Filter) -> Empty {
    if filter.q.is_empty() && filter.thing.is_empty() && !filter.since_import {
        return Empty::new(
            EmptyKind::NothingYet,
            "Nothing was changed by hand",
            "What you add or correct yourself stands here, with what was there before.",
        );
    }
    let text = "Nothing by hand is newer than the last import, or your words leave nothing.";
    Empty::new(EmptyKind::NothingMatches, "No change matches", text).action("Clear filters", "/changes")
}

#[cfg(test)]
impl ChangesPage {
    /// One change.
    pub fn sample() -> Self {
        let address = Address::new("/changes").with("since", "import");
        Self {
            shell: Shell::sample("/changes"),
            q: String::new(),
            things: archive::things(""),
            since: vec![Choice::new("", "Ever", "import"), Choice::new("import", "Since the last import", "import")],
            rows: vec![HistoryRow::sample()],
            pager: Pager::new(&address, "page", 1, 50, 1),
            empty: empty(&Filter::default()),
            columns: Columns::parse(&COLUMNS, &[]),
            address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_newer_than_an_import_says_what_the_next_would_overwrite() {
        let html = ChangesPage::sample().render().expect("renders");
        assert!(html.contains("The next import may overwrite: End date"), "{html}");
        assert!(html.contains("Changed since the last import"));
    }

    #[test]
    fn its_columns_are_chosen() {
        let query = Pairs::parse(b"columns=license_id.risk.when");
        let columns = Columns::parse(&COLUMNS, &query.all("columns"));
        assert_eq!(address(&query).href(), "/changes?columns=what.when.license_id.risk");
        let html = ChangesPage { columns, ..ChangesPage::sample() }.render().expect("renders");
        for label in ["When", "License ID", "Next import"] {
            assert!(html.contains(&format!("data-label=\"{label}\"")), "{label}");
        }
        for label in ["Change", "Why", "Who"] {
            assert!(!html.contains(&format!("data-label=\"{label}\"")), "{label}");
        }
        let html = ChangesPage::sample().render().expect("renders");
        assert!(!html.contains("data-label=\"License ID\""));
    }
}
