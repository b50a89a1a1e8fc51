//! `POST /exports/summary`: a licence summary as a file. With a line for each License ID it has the columns of the
//! file that is imported, and imports again unchanged.

use axum::{extract::State, response::Response};

use super::{keys::still_as_shown, table};
use crate::{
    app::AppState,
    audit::Event,
    auth::proof::SignedIn,
    contracts::{
        Asked,
        db::summary::lines,
        model::{Summarized, SummarySort},
    },
    error::Result,
    imports::SUMMARY_COLUMNS,
    web::form::Pairs,
};

/// Writes the summary of the License IDs named; where none is, of all that the filter shows.
///
/// # Errors
/// 400 for an unknown format, 409 where other License IDs match than were shown.
pub async fn post(person: SignedIn, State(state): State<AppState>, form: Pairs) -> Result<Response> {
    let format = table::format(&form)?;
    let asked = Asked::parse(&form);
    let mut tx = person.begin(&state).await?;
    let choice = asked.choose(&mut tx).await?;
    if asked.license_ids.is_empty() {
        still_as_shown(&form, choice.found)?;
    }
    let sort = if asked.apart { SummarySort::LicenseId } else { SummarySort::Family };
    let (rows, count) = lines(&mut tx, &choice.contracts, asked.apart, (sort, false), 0, 0).await?;
    let detail = serde_json::json!({ "format": format.to_string(), "lines": count, "per_license_id": asked.apart });
    let event = Event::done("summary.export", format!("{} License IDs", choice.contracts.len())).with(detail);
    let (left, file) = ((tx, event), (format, "licence-summary"));
    if asked.apart {
        table::send(&person, &state, left, file, &SUMMARY_COLUMNS, rows.into_iter().map(apart)).await
    } else {
        table::send(&person, &state, left, file, &SUMMARY_COLUMNS[1..], rows.into_iter().map(together)).await
    }
}

fn apart(line: Summarized) -> [String; 7] {
    let license_id = line.license_id.clone();
    let [family, version, pool, kind, effective, assured] = together(line);
    [license_id, family, version, pool, kind, effective, assured]
}

fn together(line: Summarized) -> [String; 6] {
    let (effective, assured) = (line.effective.to_string(), line.assured.to_string());
    [line.product_family, line.version, line.product_pool, line.r#type, effective, assured]
}
