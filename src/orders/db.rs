//! Order lines, read in a person's scope. `app_grants()` is the first wall, row-level security the
//! second.

use sqlx::AssertSqlSafe;

use super::model::{Filter, Order, Sort};
use crate::{auth::roles::Permission, contracts::db::like, postgres::Scoped};

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

/// Whether the person may read orders anywhere.
///
/// # Errors
/// When the database fails.
pub async fn reads_any(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM app_grants() WHERE role = ANY($1))")
        .bind(Permission::ReadPosition.roles())
        .fetch_one(&mut **tx)
        .await
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    order: Order,
    total: i64,
}

/// A page of order lines and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    filter: &Filter,
    sort: (Sort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Order>, i64)> {
    let order = order_by(sort);
    let statement = format!(
        "SELECT o.id, o.contract_id IN (SELECT app_administered()) AS administered, c.license_id, o.reseller_order_no, o.customer_order_no, o.ordered_on, o.usage_starts_on, o.reseller,
                o.part_number, o.description, o.quantity, o.country, count(*) OVER () AS total
         FROM orders o JOIN contracts c ON c.id = o.contract_id
         WHERE o.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))
           AND ($2 = '' OR c.license_id = $2)
           AND ($3 = '' OR concat_ws(E'\\n', o.description, o.part_number, o.reseller_order_no, o.customer_order_no, c.license_id, o.reseller) ILIKE '%' || $3 || '%')
         ORDER BY {order}, o.id LIMIT $4 OFFSET $5"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(Permission::ReadPosition.roles())
        .bind(&filter.license_id)
        .bind(like(&filter.q))
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.order).collect(), total))
}

/// The columns are ours, not the request's: nothing of a request gets into a statement's text.
fn order_by((sort, descending): (Sort, bool)) -> String {
    let column = match sort {
        Sort::Description => "lower(o.description)",
        Sort::Quantity => "o.quantity",
        Sort::LicenseId => "c.license_id",
        Sort::OrderedOn => "o.ordered_on",
        Sort::UsageStart => "o.usage_starts_on",
        Sort::CustomerNumber => "o.customer_order_no",
        Sort::Reseller => "lower(o.reseller)",
        Sort::Country => "lower(o.country)",
    };
    // Among equals the newest first: the line that one has just imported.
    format!("{column} {} NULLS LAST, o.ordered_on DESC NULLS LAST", if descending { "DESC" } else { "ASC" })
}
