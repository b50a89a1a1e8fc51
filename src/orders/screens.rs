//! `GET /orders` and `GET /orders/{id}`: from the address to the page.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::Date;

use super::{
    away, db, esu,
    filter::{self, Narrowed},
    list::{COLUMNS, OrderRow, OrdersPage},
    model::{Filter, Only, Order, Said, Sort, Vocabulary, yes_no},
    panel::OrderPanel,
};
use crate::{
    app::AppState,
    auth::proof::{OnOrder, SignedIn},
    contracts,
    error::Result,
    hand::{self, model::Thing},
    postgres::Scoped,
    products,
    web::{
        form::Pairs,
        page::Html,
        paging::{PAGE, page_of},
        view::{Address, Archive, Archived, Choice, Columns, Empty, EmptyKind, Field, Pager, Tab, When},
    },
};

/// The list.
///
/// # Errors
/// When the database fails.
pub async fn list(person: SignedIn, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = person.begin(&state).await?;
    let (shell, address) = (person.visitor().shell(&state), filter::address(&query));
    if shell.edits() && Archive::of(&address, Archive::LIST) == Archive::Only {
        return Ok(Html(away::page(&mut tx, shell, address, &filter::filter(&query)).await?).into_response());
    }
    Ok(Html(page(&state, &person, &mut tx, &query, None).await?).into_response())
}

/// The list with an order's panel open.
///
/// # Errors
/// When the database fails.
pub async fn open(order: OnOrder, State(state): State<AppState>, RawQuery(query): RawQuery) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    let mut tx = order.begin(&state).await?;
    let items = db::items(&mut tx, &order.order).await?;
    let panel = OrderPanel::of(&order.order, items, filter::address(&query), tx.today());
    Ok(Html(page(&state, &order, &mut tx, &query, Some(panel)).await?).into_response())
}

async fn page(
    state: &AppState,
    person: &SignedIn,
    tx: &mut Scoped,
    query: &Pairs,
    panel: Option<OrderPanel>,
) -> Result<OrdersPage> {
    let shell = person.visitor().shell(state);
    let address = Archived::beside(filter::address(query), shell.edits());
    let narrowed = filter::filter(query);
    let filter = &narrowed.filter;
    let number = page_of(query.one("page"));
    let today = tx.today();
    let (rows, total) = db::list(tx, filter, today, sort(address.get("sort")), PAGE, (number - 1) * PAGE).await?;
    let Vocabulary { resellers, countries, tells } = db::vocabulary(tx).await?;
    let archived =
        hand::beside::archived(tx, Thing::Order, &address, Archive::LIST, away::resting(filter, today)).await?;
    Ok(OrdersPage {
        shell,
        q: filter.q.clone(),
        product: products::db::called(tx, &filter.product).await?,
        only: only(&address),
        resellers: choices(resellers, &filter.reseller),
        countries: choices(countries, &filter.country),
        told: if tells || asks(filter) { told(&address) } else { Vec::new() },
        fields: fields(&address, &narrowed),
        esu: esu::answer(tx, filter).await?,
        rows: rows.into_iter().map(|order| row(order, today)).collect(),
        pager: Pager::new(&address, "page", number.unsigned_abs(), PAGE.unsigned_abs(), total.unsigned_abs()),
        export: OrdersPage::exported(&address),
        empty: empty(tx, person, filter).await?,
        archived,
        panel,
        columns: Columns::parse(&COLUMNS, &query.all("columns")),
        address,
    })
}

/// How many order lines the list at this query shows on all its pages; `None` for whoever reads no orders.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Scoped, query: &Pairs) -> sqlx::Result<Option<i64>> {
    let (filter, today) = (filter::filter(query).filter, tx.today());
    let live = if db::reads_any(tx).await? {
        Some(db::list(tx, &filter, today, sort(query.one("sort")), 1, 0).await?.1)
    } else {
        None
    };
    let show = Archive::parse(query.one(Archive::LIST));
    hand::beside::counted(tx, Thing::Order, (show, live), away::resting(&filter, today)).await
}

fn choices(values: Vec<String>, current: &str) -> Vec<Choice> {
    let each =
        values.into_iter().filter(|value| !value.is_empty()).map(|value| Choice::new(value.clone(), value, current));
    std::iter::once(Choice::new("", "All", current)).chain(each).collect()
}

/// The filters that are offered ready-made, "All" first.
pub(super) fn only(address: &Address) -> Vec<Tab> {
    let current = Only::parse(address.get("only"));
    let tab = |(only, word, label): (Only, &str, &'static str)| Tab {
        label,
        count: None,
        href: address.clone().without("page").with("only", word).href(),
        current: only == current,
    };
    Only::CHOICES.into_iter().map(tab).collect()
}

/// The fields of the filter that are typed.
pub(super) fn fields(address: &Address, narrowed: &Narrowed) -> [Field; 3] {
    let field = |kind, name, label| Field::new(kind, name, label).value(address.get(name)).optional();
    // A field for a day takes nothing else; what was typed stands in its error.
    let day = |name, label, read: Option<Date>, error: &Option<String>| {
        let value = if read.is_some() { address.get(name) } else { "" };
        field("date", name, label).value(value).error(error.clone())
    };
    let filter = &narrowed.filter;
    [
        field("text", "license_id", "License ID"),
        day("from", "Ordered from", filter.from, &narrowed.from_error),
        day("to", "Ordered until", filter.to, &narrowed.to_error),
    ]
}

/// Whether it asks for what only Select Plus tells: then the list has to show that it does.
pub(super) fn asks(filter: &Filter) -> bool {
    [filter.renewal, filter.step_up].into_iter().any(|said| said != Said::Anything)
}

/// The filters of what only Select Plus tells.
pub(super) fn told(address: &Address) -> Vec<Field> {
    let field = |name, label| {
        let current = Said::parse(address.get(name)).word();
        Field::new("text", name, label)
            .choices(Said::CHOICES.into_iter().map(|(_, word, label)| Choice::new(word, label, current)).collect())
    };
    vec![field("renewal", "Up for Renewal"), field("step_up", "Step-up")]
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
        "renewal" => Sort::Renewal,
        "step_up" => Sort::StepUp,
        // the latest order first
        _ => return (Sort::OrderedOn, true),
    };
    (sort, descending)
}

async fn empty(tx: &mut Scoped, person: &SignedIn, filter: &Filter) -> Result<Empty> {
    if !contracts::db::sees_any(tx).await? {
        return crate::web::overview::nothing_to_see(tx, person).await;
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
    if filter.narrows() {
        return Ok(Empty::new(EmptyKind::NothingMatches, "No order matches", "Try fewer words or fewer filters.")
            .action("Clear filters", "/orders"));
    }
    Ok(Empty::new(
        EmptyKind::NothingYet,
        "No orders yet",
        "None of your License IDs has an order line. Import an order file to see them here.",
    ))
}

pub(super) fn row(order: Order, today: Date) -> OrderRow {
    OrderRow {
        id: order.id.to_string(),
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
        renewal: yes_no(order.up_for_renewal),
        step_up: yes_no(order.step_up),
    }
}
