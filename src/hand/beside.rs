//! What other slices' lists show of the archive.

use super::{
    db::{self, Resting},
    model::Thing,
};
use crate::{
    error::Result,
    postgres::Scoped,
    web::{
        paging::PAGE,
        view::{Address, Archived, ArchivedRow, When},
    },
};

/// The rows of a list that rest in the archive, as far as its address asks for them and the person may bring them back:
/// the search narrows them, filters of what only the list knows don't. What is hidden isn't looked for.
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
    if !archived.shown() {
        return Ok(archived);
    }
    let found = db::resting(tx, thing, of, PAGE).await?;
    let total = found.first().map_or(0, |row| row.total).unsigned_abs();
    let now = tx.now();
    let rows = found.into_iter().map(|row| ArchivedRow {
        thing: thing.code(),
        id: row.id.to_string(),
        name: row.name,
        about: row.about,
        license_id: row.license_id,
        at: When::moment(row.archived_at, now),
    });
    let all = Address::new("/archive").with("thing", thing.code()).href();
    Ok(Archived { rows: rows.collect(), total, all, ..archived })
}
