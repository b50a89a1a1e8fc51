//! `POST /exports/contracts`: the list of License IDs as a file, without any key.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use time::{Date, macros::format_description};

use super::{
    CONTRACT_COLUMNS, Format, TextFormat, XlsxSheet, append_row, header_bytes,
    keys::{attachment, still_as_shown},
};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    contracts::{
        self,
        model::{Contract, Expired, Filter, Sort},
    },
    error::{Error, Result},
    web::form::Pairs,
};

/// Writes the ticked License IDs; without a tick, all that the filter shows.
///
/// # Errors
/// 400 for an unknown format.
pub async fn post(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let format: Format =
        form.one("format").parse().map_err(|unknown: super::UnknownFormat| Error::Malformed(unknown.to_string()))?;
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
    person.record(&state, &mut tx, event).await?;
    tx.commit().await?;
    let bytes = write(format, &rows)?;
    Ok((attachment(format, "contracts", state.clock().now())?, bytes).into_response())
}

/// The whole file; a list of License IDs is small.
///
/// # Errors
/// When the spreadsheet can't be written.
pub fn write(format: Format, rows: &[Contract]) -> Result<Vec<u8>> {
    match format.text() {
        Some(format) => Ok(text(format, rows)),
        None => sheet(rows).map_err(Error::Internal),
    }
}

fn text(format: TextFormat, rows: &[Contract]) -> Vec<u8> {
    let mut out = header_bytes(format, &CONTRACT_COLUMNS);
    for row in rows {
        let dates = [iso(row.starts_on), iso(row.ends_on)];
        append_row(&mut out, format, &cells(row, &dates));
    }
    out
}

fn sheet(rows: &[Contract]) -> anyhow::Result<Vec<u8>> {
    let mut sheet = XlsxSheet::new(&CONTRACT_COLUMNS)?;
    for row in rows {
        let dates = [iso(row.starts_on), iso(row.ends_on)];
        sheet.row(&cells(row, &dates))?;
    }
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut sheet.finish()?, &mut bytes)?;
    Ok(bytes)
}

fn cells<'a>(row: &'a Contract, dates: &'a [String; 2]) -> [&'a str; 12] {
    [
        &row.license_id,
        &row.organization,
        row.parents.first().map_or("", String::as_str),
        &row.location,
        &row.program,
        &row.agreement_type,
        &row.agreement,
        &row.authorization_number,
        &row.purchase_account_number,
        &dates[0],
        &dates[1],
        &row.status,
    ]
}

fn iso(day: Option<Date>) -> String {
    day.and_then(|day| day.format(format_description!("[year]-[month]-[day]")).ok()).unwrap_or_default()
}
