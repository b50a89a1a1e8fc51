//! Order lines, read in a person's scope.

use crate::postgres::Scoped;

/// How many order lines the person may see; `None` for someone who may see none anywhere.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<Option<i64>> {
    let (may, lines): (bool, i64) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM app_position_read()), (SELECT count(*) FROM orders WHERE contract_id IN (SELECT app_position_read()))",
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(may.then_some(lines))
}
