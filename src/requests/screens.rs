//! `GET /requests`: from the address to the page.

use axum::{
    extract::{RawQuery, State as Shared},
    response::{IntoResponse, Response},
};
use time::OffsetDateTime;

use super::{
    db::{self, Filter, Sort},
    list::{COLUMNS, RequestRow, RequestsPage},
    machine::{Kind, State},
    model::{Request, TURNS},
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::Html,
        paging::{PAGE, page_of},
        view::{Address, Choice, Columns, Empty, EmptyKind, Pager, When},
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, Shared(state): Shared<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let address = address(&query);
    let filter = filter(&address);
    let number = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let (rows, total) = db::list(&mut tx, &filter, sort(address.get("sort")), PAGE, (number - 1) * PAGE).await?;
    let now = tx.now();
    let page = RequestsPage {
        shell: person.visitor().shell(&state),
        q: filter.q.clone(),
        rows: rows.into_iter().map(|request| row(request, now)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        states: states(address.get("state")),
        kinds: std::iter::once(Choice::new("", "All", &filter.kind))
            .chain(Kind::ALL.into_iter().map(|kind| Choice::new(kind.code(), kind.label(), &filter.kind)))
            .collect(),
        turns: TURNS.into_iter().map(|(value, label)| Choice::new(value, label, &filter.who)).collect(),
        empty: empty(&address),
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    };
    Ok(Html(page).into_response())
}

/// The list's address.
pub fn address(query: &Pairs) -> Address {
    ["q", "state", "kind", "who", "license_id", "sort", "page"]
        .into_iter()
        .fold(Address::new("/requests"), |address, part| address.with(part, query.one(part).trim()))
        .with("columns", Columns::parse(&COLUMNS, &query.all("columns")).part())
}

fn filter(address: &Address) -> Filter {
    let part = |name| address.get(name).to_owned();
    let wanted = match address.get("state") {
        // Open ones, unless the address says otherwise; an unknown word narrows nothing.
        "" => "open",
        known if known == "closed" || known.parse::<State>().is_ok() => known,
        _ => "all",
    };
    Filter {
        q: part("q"),
        state: wanted.to_owned(),
        kind: part("kind"),
        who: part("who"),
        license_id: part("license_id"),
    }
}

/// How many requests the list at this query shows on all its pages.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<i64> {
    let address = address(query);
    Ok(db::list(tx, &filter(&address), sort(address.get("sort")), 1, 0).await?.1)
}

fn states(current: &str) -> Vec<Choice> {
    let fixed = [("", "Open"), ("all", "All"), ("closed", "Ended")];
    let fixed = fixed.into_iter().map(|(value, label)| Choice::new(value, label, current));
    fixed.chain(State::ALL.into_iter().map(|state| Choice::new(state.code(), state.label(), current))).collect()
}

fn sort(text: &str) -> (Sort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "number" => Sort::Number,
        "kind" => Sort::Kind,
        "license_id" => Sort::LicenseId,
        "due" => Sort::Due,
        "state" => Sort::State,
        // the latest first
        _ => return (Sort::Number, true),
    };
    (sort, descending)
}

fn empty(address: &Address) -> Empty {
    let narrowed = ["q", "state", "kind", "who", "license_id"].iter().any(|part| !address.get(part).is_empty());
    if narrowed {
        return Empty::new(EmptyKind::NothingMatches, "No request matches", "Try fewer words or fewer filters.")
            .action("Clear filters", "/requests?state=all");
    }
    Empty::new(
        EmptyKind::NothingYet,
        "No open requests",
        "Ask for more at a key that runs low, or ask for access to a License ID. Requests that have ended are hidden.",
    )
    .action("Show ended ones", "/requests?state=all")
}

fn row(request: Request, now: OffsetDateTime) -> RequestRow {
    let today = now.date();
    RequestRow {
        number: request.number,
        title: request.title(),
        kind: request.kind.label(),
        asker: request.asker_name,
        state: request.state,
        due: request.due_on.map(|day| When::day(day, today)),
        late: request.state.is_open() && request.due_on.is_some_and(|day| day < today),
        asked: When::moment(request.submitted_at.unwrap_or(request.created_at), now),
        license_id: request.license_id,
    }
}
