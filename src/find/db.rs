//! What one may see, by a few characters of it. Each part joins the person's grants as the lists do; row-level
//! security is the second wall.

use crate::{
    auth::roles::Permission,
    postgres::{Scoped, like},
};

/// Of each kind at most so many: whoever wants more goes to the list.
const MOST: i64 = 6;

/// A row: the kind's code, title, detail, and what its address is made of.
#[derive(Debug, sqlx::FromRow)]
pub struct Hit {
    /// [`super::model::Kind::code`].
    pub kind: String,
    /// Its name.
    pub title: String,
    /// What tells it from others.
    pub detail: String,
    /// Slug, License ID, number, address or id.
    pub key: String,
}

/// Finds `q`, which isn't empty; people only for those who may open the list of them.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Scoped, q: &str, people: bool) -> sqlx::Result<Vec<Hit>> {
    sqlx::query_as(
        "WITH mine AS MATERIALIZED (
             SELECT contract_id, bool_or(role = ANY($3)) AS reads, bool_or(role = ANY($4)) AS position FROM app_grants() GROUP BY contract_id)
         (SELECT 'product' AS kind, p.name AS title, p.category AS detail, p.slug AS key FROM products p
          WHERE p.name ILIKE '%' || $2 || '%'
            AND EXISTS (SELECT 1 FROM contract_products cp JOIN mine m ON m.contract_id = cp.contract_id WHERE cp.product_id = p.id)
          ORDER BY p.name NOT ILIKE $2 || '%', lower(p.name) LIMIT $5)
         UNION ALL
         (SELECT 'contract', c.license_id, concat_ws(', ', nullif(c.program, ''), o.name), c.license_id
          FROM mine m JOIN contracts c ON c.id = m.contract_id JOIN organizations o ON o.id = c.organization_id
          WHERE c.license_id ILIKE '%' || $2 || '%' OR o.name ILIKE '%' || $2 || '%'
          ORDER BY c.license_id NOT ILIKE $2 || '%', c.license_id LIMIT $5)
         UNION ALL
         (SELECT 'key', p.name, concat_ws(', ', k.kind || ' ending in ' || k.last_five, c.license_id), k.id::text
          FROM product_keys k JOIN mine m ON m.contract_id = k.contract_id AND m.reads
               JOIN products p ON p.id = k.product_id JOIN contracts c ON c.id = k.contract_id
          WHERE length($1) = 5 AND k.last_five = upper($1) AND k.archived_at IS NULL ORDER BY p.name, c.license_id, k.id LIMIT $5)
         UNION ALL
         (SELECT DISTINCT 'order', r.reseller_order_no, concat_ws(', ', r.license_id, r.reseller), r.reseller_order_no
          FROM (SELECT o.reseller_order_no, c.license_id, o.reseller FROM orders o JOIN mine m ON m.contract_id = o.contract_id AND m.position
                     JOIN contracts c ON c.id = o.contract_id
                WHERE o.reseller_order_no ILIKE $2 || '%' OR o.customer_order_no ILIKE $2 || '%' OR o.part_number ILIKE $2 || '%'
                ORDER BY o.ordered_on DESC NULLS LAST LIMIT 100) r LIMIT $5)
         UNION ALL
         (SELECT 'person', p.name, p.email, p.email FROM people p
          WHERE $6 AND (p.name ILIKE '%' || $2 || '%' OR p.email ILIKE $2 || '%')
          ORDER BY p.name NOT ILIKE $2 || '%', lower(p.name), p.email LIMIT $5)",
    )
    .bind(q)
    .bind(like(q))
    .bind(Permission::ReadKeys.roles())
    .bind(Permission::ReadPosition.roles())
    .bind(MOST)
    .bind(people)
    .fetch_all(&mut **tx)
    .await
}
