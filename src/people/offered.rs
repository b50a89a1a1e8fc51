//! What the wizard offers to choose from: people, License IDs, organisations and agreements within the reach of whoever
//! gives.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    db,
    model::Named,
    plan::{PLACE, Place},
};
use crate::postgres::{Scoped, like};

/// Rows of a step's list to tick.
const LISTED: i64 = 30;

/// People by their ids, as far as the reader knows them.
///
/// # Errors
/// When the database fails.
pub async fn known(tx: &mut Scoped, ids: &[Uuid]) -> sqlx::Result<Vec<Named>> {
    sqlx::query_as(
        "SELECT p.id, p.email, p.name, p.disabled_at IS NOT NULL AS disabled, p.added_by FROM people p
         WHERE p.id = ANY($1) AND p.id IN (SELECT app_known_people()) ORDER BY lower(p.name), p.email",
    )
    .bind(ids)
    .fetch_all(&mut **tx)
    .await
}

/// People to tick: those the reader knows, who can sign in and whose name or address holds `q`.
///
/// # Errors
/// When the database fails.
pub async fn people_like(tx: &mut Scoped, q: &str, but: &[Uuid]) -> sqlx::Result<Vec<Named>> {
    sqlx::query_as(
        "SELECT p.id, p.email, p.name, false AS disabled, p.added_by FROM people p
         WHERE p.id IN (SELECT app_known_people()) AND p.disabled_at IS NULL AND p.id <> ALL($2)
           AND (p.name ILIKE '%' || $1 || '%' OR p.email ILIKE '%' || $1 || '%')
         ORDER BY lower(p.name), p.email LIMIT $3",
    )
    .bind(like(q))
    .bind(but)
    .bind(LISTED)
    .fetch_all(&mut **tx)
    .await
}

/// License IDs to tick: those on which the reader may give roles now and whose number or organisation holds `q`.
///
/// # Errors
/// When the database fails.
pub async fn places_like(tx: &mut Scoped, q: &str, but: &[String]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT {PLACE} FROM app_managed() m LEFT JOIN contracts c ON c.id = m.contract_id LEFT JOIN organizations o ON o.id = c.organization_id
         WHERE m.license_id <> ALL($2) AND (m.license_id ILIKE '%' || $1 || '%' OR o.name ILIKE '%' || $1 || '%')
           AND CASE WHEN m.contract_id IN (SELECT app_administered()) THEN true ELSE NOT app_has_administrator(m.contract_id) END
         ORDER BY m.license_id LIMIT $3"
    )))
    .bind(like(q))
    .bind(but)
    .bind(LISTED)
    .fetch_all(&mut **tx)
    .await
}

/// Organisations with the number of License IDs that the reader administers there and below, the first 500.
///
/// # Errors
/// When the database fails.
pub async fn organizations(tx: &mut Scoped) -> sqlx::Result<Vec<(Uuid, String, i64)>> {
    sqlx::query_as(
        "WITH RECURSIVE own AS (
            SELECT organization_id, count(*) AS n FROM contracts WHERE id IN (SELECT app_administered()) GROUP BY organization_id),
         above AS (
            SELECT organization_id AS id, n, 1 AS depth FROM own
            UNION ALL SELECT o.parent_id, above.n, above.depth + 1 FROM above JOIN organizations o ON o.id = above.id
            WHERE o.parent_id IS NOT NULL AND above.depth < 20)
         SELECT o.id, o.name, sum(above.n)::bigint FROM above JOIN organizations o ON o.id = above.id
         GROUP BY o.id, o.name ORDER BY lower(o.name) LIMIT 500",
    )
    .fetch_all(&mut **tx)
    .await
}

/// Parent agreements, and the MBSAs above them, with whether it is one and the number of License IDs under it that the
/// reader administers, the first 500.
///
/// # Errors
/// When the database fails.
pub async fn agreements(tx: &mut Scoped) -> sqlx::Result<Vec<(String, bool, i64)>> {
    sqlx::query_as(
        "WITH own AS (
            SELECT a.id, a.number, a.mbsa_id, count(*) AS n FROM agreements a JOIN contracts c ON c.agreement_id = a.id
            WHERE c.id IN (SELECT app_administered()) GROUP BY a.id, a.number, a.mbsa_id),
         above AS (
            SELECT id, number, false AS mbsa, n FROM own
            UNION ALL SELECT m.id, m.number, true, own.n FROM own JOIN agreements m ON m.id = own.mbsa_id)
         SELECT number, bool_or(mbsa), sum(n)::bigint FROM above GROUP BY id, number ORDER BY 2 DESC, 1 LIMIT 500",
    )
    .fetch_all(&mut **tx)
    .await
}

/// How many License IDs the reader administers, and, for a site operator, how many nobody administers.
///
/// # Errors
/// When the database fails.
pub async fn every(tx: &mut Scoped, operator: bool) -> sqlx::Result<(i64, i64)> {
    let administered =
        sqlx::query_scalar("SELECT count(DISTINCT id) FROM app_administered() AS a (id)").fetch_one(&mut **tx).await?;
    let without = if operator { db::with_administrators(tx, 0).await?.total } else { 0 };
    Ok((administered, without))
}
