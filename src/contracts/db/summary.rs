//! Licence summaries of several License IDs at once.

use sqlx::AssertSqlSafe;
use time::Date;
use uuid::Uuid;

use super::{EACH, MATCHES};
use crate::{
    auth::roles::Permission,
    contracts::model::{Chosen, Filter, PoolTotal, Summarized, SummarySort},
    postgres::{Scoped, like},
};

/// The quantity with active Software Assurance of `license_summaries s`. Online services have none: they are a
/// subscription, whatever a file says (DOMAIN §1, "License summary"). No column marks them, so the pool, the type or
/// the name does.
pub const ASSURED: &str = r"(CASE WHEN s.product_pool ~* '\monline services?\M' OR s.type ~* '\monline services?\M'
        OR s.product_family ~* '\m(online|(microsoft|office|windows|dynamics) 365)\M' AND s.product_family !~* '\m(on-premises|server)\M'
    THEN 0 ELSE s.active_sa_quantity END)";

/// Programmes that no licence summary covers (DOMAIN §1, "License summary": MPSA, OEM, retail).
const OUTSIDE: &str = "upper(c.program) IN ('MPSA', 'OEM', 'RETAIL')";

/// The License IDs that are asked for and are the person's: those named, else those that the filter shows.
///
/// # Errors
/// When the database fails.
pub async fn chosen(
    tx: &mut Scoped,
    license_ids: &[String],
    filter: &Filter,
    today: Date,
) -> sqlx::Result<Vec<Chosen>> {
    let asked = if license_ids.is_empty() { MATCHES } else { "c.license_id = ANY($1)" };
    let roles = if license_ids.is_empty() { "$10" } else { "$2" };
    let statement = format!(
        "SELECT c.id, c.license_id, m.reads, {OUTSIDE} AS outside, c.approved
         FROM (SELECT contract_id, bool_or(role = ANY({roles})) AS reads FROM app_grants() GROUP BY contract_id) m {EACH} WHERE {asked} ORDER BY c.license_id"
    );
    let query = sqlx::query_as(AssertSqlSafe(statement));
    let reading = Permission::ReadPosition.roles();
    if license_ids.is_empty() {
        super::bind!(query, filter, today).bind(reading).fetch_all(&mut **tx).await
    } else {
        query.bind(license_ids).bind(reading).fetch_all(&mut **tx).await
    }
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    line: Summarized,
    lines: i64,
}

/// The summed lines of some License IDs and how many there are in all; a line for each License ID where `apart`.
/// `limit` 0 for all.
///
/// # Errors
/// When the database fails.
pub async fn lines(
    tx: &mut Scoped,
    contracts: &[Uuid],
    apart: bool,
    sort: (SummarySort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Summarized>, i64)> {
    let license_id = if apart { "c.license_id" } else { "''" };
    let order = order_by(sort);
    let statement = format!(
        "SELECT l.*, count(*) OVER () AS lines FROM (
            SELECT {license_id} AS license_id, s.product_family, s.version, s.product_pool, s.type,
                   sum(s.effective_quantity)::bigint AS effective, sum({ASSURED})::bigint AS assured, count(DISTINCT s.contract_id) AS license_ids
            FROM license_summaries s JOIN contracts c ON c.id = s.contract_id
            WHERE s.contract_id = ANY($1) AND s.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2)) AND NOT {OUTSIDE}
            GROUP BY 1, 2, 3, 4, 5) l
         ORDER BY {order}, license_id, product_family, version, product_pool, type LIMIT nullif($3, 0) OFFSET $4"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(contracts)
        .bind(Permission::ReadPosition.roles())
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.lines);
    Ok((rows.into_iter().map(|row| row.line).collect(), total))
}

/// The columns are ours, not the request's: nothing of a request gets into a statement's text.
fn order_by((sort, descending): (SummarySort, bool)) -> String {
    let column = match sort {
        SummarySort::LicenseId => "license_id",
        SummarySort::Family => "product_family",
        SummarySort::Version => "version",
        SummarySort::Pool => "product_pool",
        SummarySort::Type => "type",
        SummarySort::Effective => "effective",
        SummarySort::Assured => "assured",
    };
    format!("{column} {}", if descending { "DESC" } else { "ASC" })
}

/// The sums of each product pool.
///
/// # Errors
/// When the database fails.
pub async fn pools(tx: &mut Scoped, contracts: &[Uuid]) -> sqlx::Result<Vec<PoolTotal>> {
    let statement = format!(
        "SELECT s.product_pool, sum(s.effective_quantity)::bigint AS effective, sum({ASSURED})::bigint AS assured
         FROM license_summaries s JOIN contracts c ON c.id = s.contract_id
         WHERE s.contract_id = ANY($1) AND s.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2)) AND NOT {OUTSIDE}
         GROUP BY 1 ORDER BY 1"
    );
    sqlx::query_as(AssertSqlSafe(statement))
        .bind(contracts)
        .bind(Permission::ReadPosition.roles())
        .fetch_all(&mut **tx)
        .await
}
