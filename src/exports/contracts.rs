//! `POST /exports/contracts`: the list of License IDs as a file, without any key.

use std::borrow::Cow;

use axum::{extract::State, response::Response};

use super::{
    CONTRACT_COLUMNS, Format,
    keys::still_as_shown,
    table::{self, iso},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    contracts::{
        self,
        model::{Contract, Expired, Filter, Sort},
    },
    error::Result,
    web::form::Pairs,
};

/// Writes the ticked License IDs; without a tick, all that the filter shows.
///
/// # Errors
/// 400 for an unknown format.
pub async fn post(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let format = table::format(&form)?;
    let ticked = form.all("license_id");
    let filter = if ticked.is_empty() {
        contracts::filter(&form)
    } else {
        Filter { expired: Expired::Shown, ..Filter::default() }
    };
    let mut tx = person.begin(&state).await?;
    let today = tx.today();
    let (mut rows, found) = contracts::db::list(&mut tx, &filter, today, (Sort::End, false), 0, 0).await?;
    if ticked.is_empty() {
        still_as_shown(&form, found)?;
    } else {
        rows.retain(|contract| ticked.contains(&contract.license_id));
    }
    let event = Event::done("contracts.export", format!("{} License IDs", rows.len()))
        .with(serde_json::json!({ "format": format.to_string() }));
    table::send(&person, &state, (tx, event), (format, "contracts"), columns(&rows), rows.iter().map(cells)).await
}

/// The columns that a list has: where no agreement stands under an MBSA, the file is as ever.
fn columns(rows: &[Contract]) -> &'static [&'static str] {
    let [usual @ .., _mbsa] = &CONTRACT_COLUMNS;
    if rows.iter().any(|row| !row.mbsa.is_empty()) { &CONTRACT_COLUMNS } else { usual }
}

/// The whole file; a list of License IDs is small.
///
/// # Errors
/// When the spreadsheet can't be written.
pub fn write(format: Format, rows: &[Contract]) -> Result<Vec<u8>> {
    table::write(format, columns(rows), rows.iter().map(cells))
}

fn cells(row: &Contract) -> [Cow<'_, str>; CONTRACT_COLUMNS.len()] {
    let text = Cow::<str>::Borrowed;
    [
        text(&row.license_id),
        text(&row.organization),
        text(row.parents.first().map_or("", String::as_str)),
        text(&row.location),
        text(&row.program),
        text(&row.agreement_type),
        text(&row.agreement),
        text(&row.authorization_number),
        text(&row.purchase_account_number),
        iso(row.starts_on).into(),
        iso(row.ends_on).into(),
        text(&row.status),
        text(&row.mbsa),
    ]
}
