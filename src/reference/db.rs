//! Reads that only this slice needs, in a person's scope.

use time::Date;

use crate::{auth::roles::Permission, postgres::Scoped};

/// A key that fits an answer, without its secret.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Fitting {
    /// Its License ID.
    pub license_id: String,
    /// The License ID's organisation.
    pub organization: String,
    /// The last group.
    pub last_five: String,
    /// Activations used, where they are counted.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// From when it can be used.
    pub usable_from: Option<Date>,
    /// Whether the person reads it on the product's page; else on the contract's.
    pub on_product: bool,
    /// How many there are in all.
    pub all: i64,
}

/// Keys of a product and kind that the person may read somewhere, not blocked ones, those with the
/// most activations left first; of one programme, or of all where it is empty.
///
/// # Errors
/// When the database fails.
pub async fn fitting(tx: &mut Scoped, slug: &str, kind: &str, program: &str, limit: i64) -> sqlx::Result<Vec<Fitting>> {
    sqlx::query_as(
        "SELECT c.license_id, o.name AS organization, k.last_five, k.used, k.total, coalesce(k.usable_from, p.usable_from) AS usable_from, mine.on_product, count(*) OVER () AS all
         FROM (SELECT contract_id, bool_or(role = ANY($5)) AS on_product FROM app_grants() WHERE role = ANY($4) GROUP BY contract_id) mine
              JOIN product_keys k ON k.contract_id = mine.contract_id
              JOIN products p ON p.id = k.product_id
              JOIN contracts c ON c.id = k.contract_id
              JOIN organizations o ON o.id = c.organization_id
         WHERE p.slug = $1 AND k.kind = $2 AND ($3 = '' OR c.program = $3) AND k.archived_at IS NULL AND k.blocked_at IS NULL AND k.last_five IS NOT NULL
         ORDER BY k.total - k.used DESC NULLS LAST, c.license_id, k.last_five LIMIT $6",
    )
    .bind(slug)
    .bind(kind)
    .bind(program)
    .bind(Permission::ReadKeys.roles())
    .bind(Permission::ReadProductKeys.roles())
    .bind(limit)
    .fetch_all(&mut **tx)
    .await
}
