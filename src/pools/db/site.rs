//! What belongs to the site: hosts, what they did, who came by mistake, and the keys that leases are signed
//! with.

use uuid::Uuid;

use super::super::model::{Done, Foreign, Host};
use crate::{activation::wire::PublicKey, postgres::Scoped};

/// Responders seen within a day, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn hosts(tx: &mut Scoped) -> sqlx::Result<Vec<Host>> {
    sqlx::query_as(
        "SELECT host, listens, version, started_at, seen_at FROM responder_instances
         WHERE seen_at > app_now() - interval '1 day' ORDER BY seen_at DESC, id LIMIT 50",
    )
    .fetch_all(&mut **tx)
    .await
}

/// What responders did in the last hour, the most frequent first.
///
/// # Errors
/// When the database fails.
pub async fn last_hour(tx: &mut Scoped) -> sqlx::Result<Vec<Done>> {
    sqlx::query_as(
        "SELECT op, result, sum(requests)::bigint AS requests FROM responder_minutes
         WHERE minute > app_now() - interval '1 hour' GROUP BY op, result ORDER BY requests DESC, op, result",
    )
    .fetch_all(&mut **tx)
    .await
}

/// Clients of another protocol within a week, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn foreign(tx: &mut Scoped) -> sqlx::Result<Vec<Foreign>> {
    sqlx::query_as(
        "SELECT address, last_at, contacts FROM foreign_clients WHERE last_at > app_now() - interval '7 days'
         ORDER BY last_at DESC, address LIMIT 20",
    )
    .fetch_all(&mut **tx)
    .await
}

/// The site's id, which leases name; none for somebody who may not see the hosts.
///
/// # Errors
/// When the database fails.
pub async fn site(tx: &mut Scoped) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("SELECT id FROM activation_site").fetch_optional(&mut **tx).await
}

/// Public keys that leases which may still hold were signed with.
///
/// # Errors
/// When the database fails.
pub async fn lease_keys(tx: &mut Scoped) -> sqlx::Result<Vec<PublicKey>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT kid, x FROM lease_keys WHERE last_used_at > app_now() - interval '181 days' ORDER BY last_used_at DESC, kid",
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|(kid, x)| PublicKey { kid, x }).collect())
}

/// Makes an own product known on a License ID, with its category, version and edition; in the system's scope.
///
/// # Errors
/// When the database refuses.
pub async fn list_product(
    tx: &mut Scoped,
    contract: Uuid,
    product: Uuid,
    [category, version, edition]: [&str; 3],
) -> sqlx::Result<()> {
    sqlx::query("UPDATE products SET category = $2, version = $3, edition = $4 WHERE id = $1")
        .bind(product)
        .bind(category)
        .bind(version)
        .bind(edition)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO contract_products (contract_id, product_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(contract)
        .bind(product)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What carried requests were answered, in the order of time; those of License IDs that the person administers.
///
/// # Errors
/// When the database fails.
pub async fn confirmations(tx: &mut Scoped, requests: &[Uuid]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT answer FROM mak_answers WHERE request_id = ANY($1) AND application_id IN (SELECT app_applications()) ORDER BY at, request_id",
    )
    .bind(requests)
    .fetch_all(&mut **tx)
    .await
}
