//! `POST /exports/orders`: order lines as a file that imports again unchanged.

use axum::{extract::State, response::Response};
use uuid::Uuid;

use super::{
    keys::still_as_shown,
    table::{self, iso},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    error::Result,
    imports::ORDER_COLUMNS,
    orders::{
        self,
        model::{Filter, Order, Sort, yes_no},
    },
    web::form::Pairs,
};

/// Writes the ticked order lines; without a tick, all that the filter shows.
///
/// # Errors
/// 400 for an unknown format, 409 where other lines match than were shown.
pub async fn post(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let format = table::format(&form)?;
    // An id that isn't one is left out, like one that isn't the person's.
    let ticked = form.all("order_id");
    let ids: Vec<Uuid> = ticked.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let mut tx = person.begin(&state).await?;
    let today = tx.today();
    let filter =
        if ticked.is_empty() { orders::filter(&form).filter } else { Filter { ids: Some(ids), ..Filter::default() } };
    let (rows, found) = orders::db::list(&mut tx, &filter, today, (Sort::OrderedOn, true), 0, 0).await?;
    if ticked.is_empty() {
        still_as_shown(&form, found)?;
    }
    let detail = serde_json::json!({ "format": format.to_string() });
    let event = Event::done("orders.export", format!("{found} order lines")).with(detail);
    table::send(&person, &state, (tx, event), (format, "orders"), columns(&rows), rows.into_iter().map(cells)).await
}

/// The columns that a list has: where no line says what only Select Plus tells, the file is as ever.
fn columns(rows: &[Order]) -> &'static [&'static str] {
    let [usual @ .., _renewal, _step_up] = &ORDER_COLUMNS;
    let told = rows.iter().any(|order| order.up_for_renewal.is_some() || order.step_up.is_some());
    if told { &ORDER_COLUMNS } else { usual }
}

fn cells(order: Order) -> [String; ORDER_COLUMNS.len()] {
    let [renewal, step_up] = [order.up_for_renewal, order.step_up].map(|said| yes_no(said).to_owned());
    [
        order.license_id,
        order.reseller_order_no,
        order.customer_order_no,
        iso(order.ordered_on),
        iso(order.usage_starts_on),
        order.reseller,
        order.part_number,
        order.description,
        order.quantity.to_string(),
        order.country,
        renewal,
        step_up,
    ]
}
