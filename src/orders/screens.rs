//! `GET /orders`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::Date;

use super::{
    db,
    list::{OrderRow, OrdersPage},
    model::{Filter, Order, Sort},
};
use crate::{
    app::AppState,
    auth::proof::SignedIn,
    contracts,
    error::Result,
    postgres::Scoped,
    web::{
        form::Pairs,
        page::Html,
        paging::{PAGE, page_of},
        view::{Address, Empty, EmptyKind, Pager, When},
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let address = address(&query);
    let filter = Filter { q: address.get("q").to_owned(), license_id: address.get("license_id").to_owned() };
    let number = page_of(query.one("page"));
    let mut tx = person.begin(&state).await?;
    let (rows, total) = db::list(&mut tx, &filter, sort(address.get("sort")), PAGE, (number - 1) * PAGE).await?;
    let empty = empty(&mut tx, &filter).await?;
    let today = tx.today();
    let page = OrdersPage {
        shell: person.visitor().shell(&state),
        q: filter.q,
        rows: rows.into_iter().map(|order| row(order, today)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        empty,
        address,
    };
    Ok(Html(page).into_response())
}

fn address(query: &Pairs) -> Address {
    ["q", "license_id", "sort", "page"]
        .into_iter()
        .fold(Address::new("/orders"), |address, part| address.with(part, query.one(part).trim()))
}

fn sort(text: &str) -> (Sort, bool) {
    let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
    let sort = match name {
        "description" => Sort::Description,
        "quantity" => Sort::Quantity,
        "license_id" => Sort::LicenseId,
        "ordered_on" => Sort::OrderedOn,
        "usage_start" => Sort::UsageStart,
        "customer_number" => Sort::CustomerNumber,
        "reseller" => Sort::Reseller,
        "country" => Sort::Country,
        // the latest order first
        _ => return (Sort::OrderedOn, true),
    };
    (sort, descending)
}

async fn empty(tx: &mut Scoped, filter: &Filter) -> Result<Empty> {
    if !contracts::db::sees_any(tx).await? {
        return Ok(crate::web::overview::OverviewPage::nothing_granted());
    }
    if !db::reads_any(tx).await? {
        return Ok(Empty::new(
            EmptyKind::NotAllowed,
            "None of your roles reads orders",
            "Orders need the role License position reader or Administrator on a License ID. \
             Ask an Administrator of the License ID for it.",
        )
        .action("Contracts", "/contracts"));
    }
    if !filter.q.is_empty() || !filter.license_id.is_empty() {
        return Ok(Empty::new(
            EmptyKind::NothingMatches,
            "No order matches",
            "Try fewer words, or a part, order or License ID number.",
        )
        .action("Clear filters", "/orders"));
    }
    Ok(Empty::new(
        EmptyKind::NothingYet,
        "No orders yet",
        "None of your License IDs has an order line. Import an order file to see them here.",
    ))
}

fn row(order: Order, today: Date) -> OrderRow {
    OrderRow {
        edit: order.administered.then(|| format!("/orders/{}/edit", order.id)),
        license_id: order.license_id,
        reseller_number: order.reseller_order_no,
        customer_number: order.customer_order_no,
        ordered_on: order.ordered_on.map(|day| When::day(day, today)),
        usage_start: order.usage_starts_on.map(|day| When::day(day, today)),
        reseller: order.reseller,
        part_number: order.part_number,
        description: order.description,
        quantity: order.quantity,
        country: order.country,
    }
}
