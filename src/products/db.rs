//! Products, read in a person's scope: those on some License ID that the person sees.

use sqlx::AssertSqlSafe;

use super::model::{Filter, Listed, Product, Sort};
use crate::{auth::roles::Permission, contracts::db::like, postgres::Scoped};

/// One product; `None` when it is absent or on none of the person's License IDs.
///
/// # Errors
/// When the database fails.
pub async fn by_slug(tx: &mut Scoped, slug: &str) -> sqlx::Result<Option<Product>> {
    sqlx::query_as(
        "SELECT id, slug, name, estate, category, family, version, edition, needs_key, no_key_reason FROM products p
         WHERE slug = $1 AND EXISTS (SELECT 1 FROM contract_products cp WHERE cp.product_id = p.id AND cp.contract_id IN (SELECT contract_id FROM app_grants()))",
    )
    .bind(slug)
    .fetch_optional(&mut **tx)
    .await
}

/// What the person's License IDs offer, with counts: License IDs, and keys where keys may be read.
const OFFERED: &str = "
    WITH mine AS (SELECT contract_id, bool_or(role = ANY($1)) AS reads FROM app_grants() GROUP BY contract_id),
    offered AS (
        SELECT cp.product_id, count(*) AS license_ids, coalesce(sum(cp.keys) FILTER (WHERE m.reads), 0)::bigint AS keys
        FROM mine m JOIN contract_products cp ON cp.contract_id = m.contract_id GROUP BY cp.product_id),
    matching AS (
        SELECT p.slug, p.name, p.category, p.needs_key, o.license_ids, o.keys
        FROM offered o JOIN products p ON p.id = o.product_id
        WHERE $2 = '' OR p.name ILIKE '%' || $3 || '%'
           OR p.id IN (SELECT k.product_id FROM product_keys k WHERE k.last_five = upper($2) AND k.contract_id IN (SELECT contract_id FROM mine WHERE reads)))";

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    product: Listed,
    total: i64,
}

/// A page of products and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    filter: &Filter,
    sort: (Sort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Listed>, i64)> {
    let column = match sort.0 {
        Sort::Name => "lower(name)",
        Sort::Category => "category",
        Sort::LicenseIds => "license_ids",
        Sort::Keys => "keys",
    };
    let direction = if sort.1 { "DESC" } else { "ASC" };
    let statement = format!(
        "{OFFERED} SELECT *, count(*) OVER () AS total FROM matching WHERE $4 = '' OR category = $4 ORDER BY {column} {direction}, lower(name) LIMIT $5 OFFSET $6"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(Permission::ReadKeys.roles())
        .bind(&filter.q)
        .bind(like(&filter.q))
        .bind(&filter.category)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.product).collect(), total))
}

/// The categories of what matches the search, with counts.
///
/// # Errors
/// When the database fails.
pub async fn categories(tx: &mut Scoped, q: &str) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "{OFFERED} SELECT category, count(*) FROM matching GROUP BY category ORDER BY category"
    )))
    .bind(Permission::ReadKeys.roles())
    .bind(q)
    .bind(like(q))
    .fetch_all(&mut **tx)
    .await
}

/// For the overview: products and keys in sight, MAKs used up, MAKs from 80 % on.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<(i64, i64, i64, i64)> {
    sqlx::query_as(
        "SELECT (SELECT count(DISTINCT cp.product_id) FROM contract_products cp WHERE cp.contract_id IN (SELECT contract_id FROM app_grants())),
                count(*) FILTER (WHERE kind <> 'NONE'),
                count(*) FILTER (WHERE kind = 'MAK' AND used >= total),
                count(*) FILTER (WHERE kind = 'MAK' AND used < total AND used * 5 >= total * 4)
         FROM product_keys WHERE archived_at IS NULL AND contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))",
    )
    .bind(Permission::ReadKeys.roles())
    .fetch_one(&mut **tx)
    .await
}
