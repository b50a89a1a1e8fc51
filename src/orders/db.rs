//! Order lines, read in a person's scope. `app_grants()` is the first wall, row-level security the
//! second.

use sqlx::AssertSqlSafe;
use time::Date;
use uuid::Uuid;

use super::model::{Filter, Only, Order, OrderHead, Sight, Sort, Vocabulary};
use crate::{
    auth::roles::Permission,
    postgres::{Scoped, like},
};

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

/// How far the person's sight of orders goes.
///
/// # Errors
/// When the database fails.
pub async fn sight(tx: &mut Scoped) -> sqlx::Result<Sight> {
    sqlx::query_as(
        "WITH mine AS MATERIALIZED (SELECT contract_id, bool_or(role = ANY($1)) AS reads FROM app_grants() GROUP BY contract_id)
         SELECT (SELECT count(*) FROM mine) AS seen, (SELECT count(*) FROM mine WHERE reads) AS read,
                (SELECT max(ordered_on) FROM orders WHERE contract_id IN (SELECT contract_id FROM mine WHERE reads)) AS newest",
    )
    .bind(Permission::ReadPosition.roles())
    .fetch_one(&mut **tx)
    .await
}

/// One order line; `None` when it is absent or the person doesn't read the orders of its License ID.
///
/// # Errors
/// When the database fails.
pub async fn head(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<OrderHead>> {
    sqlx::query_as(
        "SELECT id, contract_id, reseller_order_no, customer_order_no, reseller FROM orders
         WHERE id = $1 AND contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2))",
    )
    .bind(id)
    .bind(Permission::ReadPosition.roles())
    .fetch_optional(&mut **tx)
    .await
}

/// Whether a text names Extended Security Updates: `esu` as a word, or spelled out.
const ESU: &str = r"o.description ~* '\m(esu|extended security updates?)\M'";

/// Order lines that the person reads, as a statement's beginning. Organisations and products are joined only where
/// something is asked of them: sight of each is worked out for all of them.
fn lines(organizations: bool, products: bool) -> String {
    let (organization, of) =
        if organizations { ("n.name", "JOIN organizations n ON n.id = c.organization_id") } else { ("''", "") };
    let (slug, what) =
        if products { ("coalesce(p.slug, '')", "LEFT JOIN products p ON p.id = o.product_id") } else { ("''", "") };
    format!(
        "SELECT o.*, count(*) OVER () AS total FROM (
            SELECT o.id, o.contract_id, o.contract_id IN (SELECT app_administered()) AS administered, c.license_id, {organization} AS organization, o.reseller_order_no, o.customer_order_no, o.ordered_on,
                   o.usage_starts_on, o.reseller, o.part_number, o.description, o.quantity, o.country, o.occurrence, o.up_for_renewal, o.step_up, c.program, {slug} AS slug
            FROM orders o JOIN contracts c ON c.id = o.contract_id {of} {what}) o
         WHERE o.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($1))"
    )
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    order: Order,
    total: i64,
}

/// A page of order lines and how many there are in all; `limit` 0 for all of them.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    filter: &Filter,
    today: Date,
    sort: (Sort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Order>, i64)> {
    let order = order_by(sort);
    let only = match filter.only {
        Only::All => "true".to_owned(),
        Only::Esu => ESU.to_owned(),
        Only::Ahead => "o.usage_starts_on > $9".to_owned(),
        Only::Year => "o.ordered_on > $9 - interval '1 year'".to_owned(),
    };
    // Either spelling of ESU finds both. Today is named in each shape of the statement, whose parameters so stay the
    // same.
    let begin = lines(!filter.q.is_empty(), !filter.product.is_empty());
    let (renewal, step_up) = (said("up_for_renewal"), said("step_up"));
    let statement = format!(
        "{begin}
           AND ($2 = '' OR o.license_id = $2) AND ($3 = '' OR o.slug = $3) AND ($4 = '' OR o.reseller = $4) AND ($5 = '' OR o.country = $5)
           AND ($6::date IS NULL OR o.ordered_on >= $6) AND ($7::date IS NULL OR o.ordered_on <= $7) AND ($8::uuid[] IS NULL OR o.id = ANY($8))
           AND $9::date IS NOT NULL AND {only}
           AND ($13 = '' OR {renewal} = $13) AND ($14 = '' OR {step_up} = $14)
           AND NOT EXISTS (SELECT 1 FROM unnest($10::text[]) AS word WHERE concat_ws(E'\\n', o.description, o.part_number, o.reseller_order_no,
               o.customer_order_no, o.license_id, o.organization, o.reseller, CASE WHEN {ESU} THEN 'ESU Extended Security Updates' END) NOT ILIKE '%' || word || '%')
         ORDER BY {order}, o.id LIMIT nullif($11, 0) OFFSET $12"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(Permission::ReadPosition.roles())
        .bind(&filter.license_id)
        .bind(&filter.product)
        .bind(&filter.reseller)
        .bind(&filter.country)
        .bind(filter.from)
        .bind(filter.to)
        .bind(&filter.ids)
        .bind(today)
        .bind(words(&filter.q))
        .bind(limit)
        .bind(offset)
        .bind(filter.renewal.word())
        .bind(filter.step_up.word())
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.order).collect(), total))
}

/// What a line says in a column that only Select Plus tells, as [`super::model::Said`] words it; null under another
/// programme that says nothing.
fn said(column: &str) -> String {
    format!(
        "CASE WHEN o.{column} THEN 'yes' WHEN NOT o.{column} THEN 'no' WHEN o.program ILIKE 'select plus%' THEN 'unknown' END"
    )
}

/// Words of a search that are looked at: more say no more.
const WORDS: usize = 12;

fn words(q: &str) -> Vec<String> {
    q.split_whitespace().take(WORDS).map(like).collect()
}

/// Lines of an order at most.
const ITEMS: i64 = 500;

/// All lines of the order that a line belongs to, as far as the person reads orders: those with the same number of the
/// same reseller, under whichever License ID. A line without a number stands for itself.
///
/// # Errors
/// When the database fails.
pub async fn items(tx: &mut Scoped, head: &OrderHead) -> sqlx::Result<Vec<Order>> {
    let begin = lines(true, true);
    let statement = format!(
        "{begin} AND (o.id = $2 OR $3 <> '' AND o.reseller_order_no = $3 AND o.reseller = $4 AND (o.reseller <> '' OR o.contract_id = $5))
         ORDER BY o.license_id, lower(o.description), o.part_number, o.occurrence LIMIT $6"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(Permission::ReadPosition.roles())
        .bind(head.id)
        .bind(&head.reseller_order_no)
        .bind(&head.reseller)
        .bind(head.contract_id)
        .bind(ITEMS)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.order).collect())
}

/// What the person's order lines give the list to filter by.
///
/// # Errors
/// When the database fails.
pub async fn vocabulary(tx: &mut Scoped) -> sqlx::Result<Vocabulary> {
    sqlx::query_as(
        "WITH mine AS MATERIALIZED (SELECT contract_id FROM app_grants() WHERE role = ANY($1)),
              told AS MATERIALIZED (SELECT DISTINCT reseller, country FROM orders WHERE contract_id IN (SELECT contract_id FROM mine))
         SELECT ARRAY(SELECT DISTINCT reseller FROM told ORDER BY 1) AS resellers, ARRAY(SELECT DISTINCT country FROM told ORDER BY 1) AS countries,
                EXISTS (SELECT FROM orders WHERE (up_for_renewal IS NOT NULL OR step_up IS NOT NULL)
                        AND contract_id IN (SELECT contract_id FROM mine)) AS tells",
    )
    .bind(Permission::ReadPosition.roles())
    .fetch_one(&mut **tx)
    .await
}

/// The columns are ours, not the request's: nothing of a request gets into a statement's text.
fn order_by((sort, descending): (Sort, bool)) -> String {
    let column = match sort {
        Sort::Description => "lower(o.description)",
        Sort::Quantity => "o.quantity",
        Sort::LicenseId => "o.license_id",
        Sort::OrderedOn => "o.ordered_on",
        Sort::UsageStart => "o.usage_starts_on",
        Sort::CustomerNumber => "o.customer_order_no",
        Sort::Reseller => "lower(o.reseller)",
        Sort::Country => "lower(o.country)",
        Sort::Renewal => "o.up_for_renewal",
        Sort::StepUp => "o.step_up",
    };
    // Among equals the newest first: the line that one has just imported.
    format!("{column} {} NULLS LAST, o.ordered_on DESC NULLS LAST", if descending { "DESC" } else { "ASC" })
}
