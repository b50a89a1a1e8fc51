//! Products, read in a person's scope: those on some License ID that the person sees.

use sqlx::{AssertSqlSafe, FromRow, Row, postgres::PgRow};
use uuid::Uuid;

use super::model::{Filter, Listed, Product, Sort};
use crate::{
    auth::roles::Permission,
    keys::model::Standing,
    postgres::{Scoped, like},
};

/// One product; `None` when it is absent or on none of the person's License IDs.
///
/// # Errors
/// When the database fails.
pub async fn by_slug(tx: &mut Scoped, slug: &str) -> sqlx::Result<Option<Product>> {
    sqlx::query_as(
        "SELECT id, slug, name, estate, category, family, version, edition, needs_key, no_key_reason, usable_from FROM products p
         WHERE slug = $1 AND p.archived_at IS NULL AND EXISTS (SELECT 1 FROM contract_products cp WHERE cp.product_id = p.id AND cp.contract_id IN (SELECT contract_id FROM app_grants()))",
    )
    .bind(slug)
    .fetch_optional(&mut **tx)
    .await
}

/// What a product is called, in the archive or not; of one out of the person's sight, what its address says: its name
/// with hyphens.
///
/// # Errors
/// When the database fails.
pub async fn called(tx: &mut Scoped, slug: &str) -> sqlx::Result<String> {
    let name = if slug.is_empty() {
        None
    } else {
        sqlx::query_scalar("SELECT name FROM products WHERE slug = $1").bind(slug).fetch_optional(&mut **tx).await?
    };
    Ok(name.unwrap_or_else(|| slug.replace('-', " ")))
}

/// What a list of products needs, of one look at the person's License IDs.
#[derive(Debug, Default)]
pub struct Survey {
    /// The page's products.
    pub rows: Vec<Listed>,
    /// How many there are in all; 0 on a page behind the last.
    pub total: i64,
    /// How many keys they have together.
    pub keys: i64,
    /// The categories of what matches the search, with counts.
    pub categories: Vec<(String, i64)>,
    /// Whether the person sees any License ID.
    pub sees_any: bool,
    /// Whether the person may read keys anywhere.
    pub reads_any: bool,
}

/// A page of products with all that stands around it, in one statement: the person's grants are
/// looked up and the License IDs' products counted once.
///
/// # Errors
/// When the database fails.
pub async fn survey(
    tx: &mut Scoped,
    filter: &Filter,
    sort: (Sort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<Survey> {
    let column = match sort.0 {
        Sort::Name => "lower_name",
        Sort::Category => "category",
        Sort::LicenseIds => "license_ids",
        Sort::Keys => "keys",
    };
    let direction = if sort.1 { "DESC" } else { "ASC" };
    // A search narrows the products first: counted are the License IDs of those found.
    let (found, among) = if filter.q.is_empty() {
        ("", "")
    } else {
        (
            "found AS MATERIALIZED (SELECT p.* FROM products p WHERE p.name ILIKE '%' || $3 || '%' OR p.id IN (SELECT k.product_id
                FROM product_keys k WHERE k.last_five = upper($2) AND k.contract_id IN (SELECT contract_id FROM mine WHERE reads))),",
            // IS TRUE keeps the way by the person's License IDs, however few products are found.
            "WHERE (cp.product_id IN (SELECT id FROM found)) IS TRUE",
        )
    };
    let products = if found.is_empty() { "products" } else { "found" };
    let offered = offered(filter.keys, among);
    let statement = format!(
        "WITH mine AS MATERIALIZED (SELECT contract_id, bool_or(role = ANY($1)) AS reads FROM app_grants() GROUP BY contract_id),
         {found} matching AS MATERIALIZED (
            SELECT p.slug, p.name, lower(p.name) AS lower_name, p.category, p.needs_key, o.license_ids, o.keys
            FROM ({offered}) o
            JOIN {products} p ON p.id = o.product_id WHERE p.archived_at IS NULL),
         page AS (SELECT *, row_number() OVER (ORDER BY {column} {direction}, lower_name) AS place, count(*) OVER () AS total, (sum(keys) OVER ())::bigint AS all_keys
                  FROM matching WHERE $4 = '' OR category = $4 ORDER BY place LIMIT $5 OFFSET $6)
         SELECT a.*, page.* FROM (
            SELECT EXISTS (SELECT FROM mine) AS sees_any, EXISTS (SELECT FROM mine WHERE reads) AS reads_any,
                   coalesce(array_agg(category ORDER BY category), '{{}}') AS categories, coalesce(array_agg(products ORDER BY category), '{{}}') AS counts
            FROM (SELECT category, count(*) AS products FROM matching GROUP BY category) c) a
         LEFT JOIN page ON true ORDER BY place"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(Permission::ReadKeys.roles())
        .bind(&filter.q)
        .bind(like(&filter.q))
        .bind(&filter.category)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    surveyed(&rows)
}

/// The person's products with their License IDs and keys counted. Of one standing, keys are counted themselves; else
/// their kept counts are: a product's keys on one License ID fit an integer, whose sum is quicker than that of the
/// bigint it is kept as.
fn offered(standing: Option<Standing>, among: &str) -> String {
    match standing {
        None => format!(
            "SELECT cp.product_id, count(*) AS license_ids, coalesce(sum(cp.keys::integer) FILTER (WHERE m.reads), 0) AS keys
             FROM mine m JOIN contract_products cp ON cp.contract_id = m.contract_id {among} GROUP BY cp.product_id"
        ),
        Some(standing) => format!(
            "SELECT cp.product_id, count(DISTINCT cp.contract_id) AS license_ids, count(*) AS keys
             FROM (SELECT k.product_id, k.contract_id FROM mine m JOIN product_keys k ON k.contract_id = m.contract_id
                   WHERE m.reads AND k.archived_at IS NULL AND {}) cp {among} GROUP BY cp.product_id",
            standing.condition()
        ),
    }
}

/// What stands around the page is on every row; a page without products is one row of that alone.
fn surveyed(rows: &[PgRow]) -> sqlx::Result<Survey> {
    let Some(first) = rows.first() else { return Ok(Survey::default()) };
    let (names, counts): (Vec<String>, Vec<i64>) = (first.try_get("categories")?, first.try_get("counts")?);
    let total: Option<i64> = first.try_get("total")?;
    Ok(Survey {
        rows: if total.is_some() {
            rows.iter().map(Listed::from_row).collect::<sqlx::Result<_>>()?
        } else {
            Vec::new()
        },
        total: total.unwrap_or(0),
        keys: first.try_get::<Option<i64>, _>("all_keys")?.unwrap_or(0),
        categories: names.into_iter().zip(counts).collect(),
        sees_any: first.try_get("sees_any")?,
        reads_any: first.try_get("reads_any")?,
    })
}

/// For the overview: products in sight.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(DISTINCT cp.product_id) FROM contract_products cp WHERE cp.contract_id IN (SELECT contract_id FROM app_grants())
           AND cp.product_id NOT IN (SELECT app_archived_products())",
    )
    .fetch_one(&mut **tx)
    .await
}

/// The programmes of the person's License IDs that cover a product.
///
/// # Errors
/// When the database fails.
pub async fn programs(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT DISTINCT c.program FROM contract_products cp JOIN contracts c ON c.id = cp.contract_id
         WHERE cp.product_id = $1 AND c.program <> '' AND c.id IN (SELECT contract_id FROM app_grants()) ORDER BY 1",
    )
    .bind(product)
    .fetch_all(&mut **tx)
    .await
}
