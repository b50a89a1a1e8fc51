//! Product keys without their secrets, read in a person's scope.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::model::{Filling, KeyHead, KeyRow, Of, Standing};
use crate::{auth::roles::Permission, postgres::Scoped};

/// One key, where the person holds the permission on its License ID; else as if it weren't there.
///
/// # Errors
/// When the database fails.
pub async fn head(tx: &mut Scoped, id: Uuid, permission: Permission) -> sqlx::Result<Option<KeyHead>> {
    sqlx::query_as(
        "SELECT k.id, k.contract_id, c.license_id, p.name AS product, p.slug, k.kind, k.last_five
         FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
         WHERE k.id = $1 AND k.archived_at IS NULL AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2))",
    )
    .bind(id)
    .bind(permission.roles())
    .fetch_optional(&mut **tx)
    .await
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    key: KeyRow,
    all: i64,
}

/// A page of keys and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Scoped, of: Of<'_>, limit: i64, offset: i64) -> sqlx::Result<(Vec<KeyRow>, i64)> {
    let (id, permission, statement) = match of {
        // Known and in scope by now: neither name nor address is looked up again.
        Of::Product(product, standing) => (
            product.id,
            Permission::ReadProductKeys,
            statement(
                "k.product_id",
                standing.map_or("true", Standing::condition),
                "SELECT $1 AS id, $5 AS product, $6 AS slug, $7 AS usable_from",
                "k.first_license_id, k.same_as, k.license_id",
                SAME_KEY,
            ),
        ),
        Of::Contract(id) => (
            id,
            Permission::ReadKeys,
            statement(
                "k.contract_id",
                "true",
                "SELECT id, name AS product, slug, usable_from FROM products WHERE $7::date IS NULL AND id IN (SELECT product_id FROM keys)",
                "lower(p.product)",
                EACH_KEY,
            ),
        ),
    };
    let (name, slug, usable_from) = match of {
        Of::Product(product, _) => (product.name.as_str(), product.slug.as_str(), product.usable_from),
        Of::Contract(_) => ("", "", None),
    };
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(id)
        .bind(permission.roles())
        .bind(limit)
        .bind(offset)
        .bind(name)
        .bind(slug)
        .bind(usable_from)
        .fetch_all(&mut **tx)
        .await?;
    let all = rows.first().map_or(0, |row| row.all);
    Ok((rows.into_iter().map(|row| row.key).collect(), all))
}

/// One key under several License IDs is one key with several places: they stand together, at the first.
const SAME_KEY: &str = "
    SELECT k.*, c.license_id, c.organization_id, first_value(k.id) OVER same AS same_as, first_value(c.license_id) OVER same AS first_license_id
    FROM keys k JOIN contracts c ON c.id = k.contract_id
    WINDOW same AS (PARTITION BY coalesce(k.fingerprint, uuid_send(k.id)) ORDER BY c.license_id, k.id)";
/// On one License ID each key stands for itself.
const EACH_KEY: &str = "
    SELECT k.*, c.license_id, c.organization_id, k.id AS same_as FROM keys k JOIN contracts c ON c.id = k.contract_id";

/// Step by step, each on as few rows as there are by then: the keys in scope, the names to sort them by, the
/// page, and only for its rows the rest. A day of the key's own goes before the product's.
fn statement(column: &str, condition: &str, names: &str, order: &str, placed: &str) -> String {
    format!(
        "WITH keys AS MATERIALIZED (
            SELECT k.id, k.contract_id, k.product_id, k.fingerprint, k.kind, k.last_five, k.used, k.total, k.seats, k.osa_status, k.read_at,
                   k.usable_from AS own_day, k.blocked_at, k.superseded_at, k.no_key_text
            FROM (SELECT DISTINCT contract_id FROM app_grants() WHERE role = ANY($2)) mine JOIN product_keys k ON k.contract_id = mine.contract_id
            WHERE {column} = $1 AND k.archived_at IS NULL AND {condition}),
         names AS MATERIALIZED ({names}),
         page AS MATERIALIZED (
            SELECT k.*, p.product, p.slug, coalesce(k.own_day, p.usable_from) AS usable_from, count(*) OVER () AS all,
                   row_number() OVER (ORDER BY {order}, k.kind, k.last_five, k.id) AS place
            FROM ({placed}) k JOIN names p ON p.id = k.product_id ORDER BY place LIMIT $3 OFFSET $4)
         SELECT k.*, o.name AS organization,
                ARRAY(SELECT DISTINCT c2.license_id FROM product_keys k2 JOIN contracts c2 ON c2.id = k2.contract_id
                      WHERE k2.fingerprint = k.fingerprint AND k2.contract_id <> k.contract_id AND k2.archived_at IS NULL
                        AND (k2.contract_id IN (SELECT app_keys_read())) IS TRUE ORDER BY 1) AS shared_with
         FROM page k JOIN organizations o ON o.id = k.organization_id ORDER BY k.place"
    )
}

/// License IDs of a product that the person sees without the right to its keys there.
///
/// # Errors
/// When the database fails.
pub async fn locked_on(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    sqlx::query_as(
        "SELECT c.id, c.license_id
         FROM (SELECT contract_id FROM app_grants() GROUP BY contract_id HAVING NOT bool_or(role = ANY($2))) closed
              JOIN contract_products cp ON cp.contract_id = closed.contract_id JOIN contracts c ON c.id = cp.contract_id
         WHERE cp.product_id = $1 AND cp.keys > 0 ORDER BY c.license_id",
    )
    .bind(product)
    .bind(Permission::ReadProductKeys.roles())
    .fetch_all(&mut **tx)
    .await
}

/// Whether the person may read keys anywhere.
///
/// # Errors
/// When the database fails.
pub async fn reads_any(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM app_grants() WHERE role = ANY($1))")
        .bind(Permission::ReadKeys.roles())
        .fetch_one(&mut **tx)
        .await
}

/// For the overview: how many keys of each [`Standing`] the person may read, in the order of [`Standing::ALL`].
///
/// # Errors
/// When the database fails.
pub async fn standings(tx: &mut Scoped) -> sqlx::Result<[i64; 4]> {
    let [any, used_up, low, not_yet] = Standing::ALL.map(Standing::condition);
    let (any, used_up, low, not_yet) = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT count(*) FILTER (WHERE {any}), count(*) FILTER (WHERE {used_up}), count(*) FILTER (WHERE {low}), count(*) FILTER (WHERE {not_yet})
         FROM product_keys k WHERE k.archived_at IS NULL AND k.product_id NOT IN (SELECT app_archived_products()) AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))"
    )))
    .bind(Permission::ReadKeys.roles())
    .fetch_one(&mut **tx)
    .await?;
    Ok([any, used_up, low, not_yet])
}

/// The fullest of the MAKs that the person may read, from 80 % on; at most `limit`, those of which nothing is left after
/// the others. The condition is that of the index `product_keys_filling`: an estate may hold a million keys.
///
/// # Errors
/// When the database fails.
pub async fn fullest(tx: &mut Scoped, limit: i64) -> sqlx::Result<Vec<Filling>> {
    sqlx::query_as(
        "WITH fullest AS MATERIALIZED (
            SELECT k.contract_id, k.product_id, k.last_five, k.used, k.total
            FROM product_keys k
            WHERE k.kind = 'MAK' AND k.archived_at IS NULL AND k.total > 0 AND k.used * 5 >= k.total * 4
              AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))
            ORDER BY k.used >= k.total, k.used::float8 / k.total DESC, k.total DESC, k.last_five LIMIT $2)
         SELECT c.license_id, p.name AS product, p.slug, coalesce(k.last_five, '') AS last_five, k.used, k.total
         FROM fullest k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
         ORDER BY k.used >= k.total, k.used::float8 / k.total DESC, k.total DESC, k.last_five",
    )
    .bind(Permission::ReadKeys.roles())
    .bind(limit)
    .fetch_all(&mut **tx)
    .await
}
