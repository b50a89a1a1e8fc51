//! License IDs, read in a person's scope. `app_grants()` is the first wall (each statement joins
//! it), row-level security the second.

pub mod beside;
pub mod summary;

use std::str::FromStr;

use sqlx::AssertSqlSafe;
use time::Date;
use uuid::Uuid;

use super::model::{Contact, Contract, ContractHead, Filter, Offering, Sort};
use crate::{
    auth::roles::Role,
    postgres::{Scoped, like},
};

/// One License ID with the person's roles on it; `None` when it is absent or out of scope.
///
/// # Errors
/// When the database fails.
pub async fn head(tx: &mut Scoped, license_id: &str) -> sqlx::Result<Option<ContractHead>> {
    let row: Option<(Uuid, String, Vec<String>)> = sqlx::query_as(
        "SELECT c.id, c.license_id, array_agg(DISTINCT g.role)
         FROM contracts c JOIN app_grants() g ON g.contract_id = c.id WHERE c.license_id = $1 GROUP BY c.id, c.license_id",
    )
    .bind(license_id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|(id, license_id, codes)| ContractHead { id, license_id, roles: roles(&codes) }))
}

/// Roles by their codes, strongest first.
pub fn roles(codes: &[String]) -> Vec<Role> {
    let mut roles: Vec<Role> = codes.iter().filter_map(|code| Role::from_str(code).ok()).collect();
    roles.sort_unstable();
    roles
}

/// Names of Administrators to ask; at most five.
///
/// # Errors
/// When the database fails.
pub async fn administrator_names(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT name FROM app_administrators_of($1)").bind(contract).fetch_all(&mut **tx).await
}

const CONTRACT: &str = "
    SELECT c.id, c.license_id, o.name AS organization, c.location, c.program, c.agreement_type, coalesce(a.number, '') AS agreement,
           coalesce((SELECT u.number FROM agreements u WHERE u.id = a.mbsa_id), '') AS mbsa,
           c.authorization_number, c.purchase_account_number, c.starts_on, c.ends_on, c.status, m.roles,
           ARRAY(WITH RECURSIVE above AS (
                     SELECT p.name, p.parent_id, 1 AS depth FROM organizations p WHERE p.id = o.parent_id
                     UNION ALL SELECT p.name, p.parent_id, above.depth + 1 FROM organizations p JOIN above ON p.id = above.parent_id WHERE above.depth < 20)
                 SELECT name FROM above ORDER BY depth) AS parents,
           count(*) OVER () AS total
    FROM (SELECT contract_id, array_agg(DISTINCT role) AS roles FROM app_grants() GROUP BY contract_id) m";
/// What [`CONTRACT`] takes of one License ID.
const ONE: &str = "
    JOIN contracts c ON c.id = m.contract_id
    JOIN organizations o ON o.id = c.organization_id
    LEFT JOIN agreements a ON a.id = c.agreement_id";
/// The same of all, `m` being a row for each that the person may see. Each is found by its own index: a person's
/// License IDs are planned to be a hundred, and for ten thousand a join planned so reads the square of them.
const EACH: &str = "
    CROSS JOIN LATERAL (SELECT * FROM contracts WHERE id = m.contract_id OFFSET 0) c
    CROSS JOIN LATERAL (SELECT name, parent_id FROM organizations WHERE id = c.organization_id OFFSET 0) o
    LEFT JOIN LATERAL (SELECT number, mbsa_id FROM agreements WHERE id = c.agreement_id OFFSET 0) a ON true";

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    contract: Contract,
    total: i64,
}

/// One License ID in full.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Contract>> {
    let row: Option<Counted> = sqlx::query_as(AssertSqlSafe(format!("{CONTRACT} {ONE} WHERE c.id = $1")))
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| row.contract))
}

/// Whether a person sees any License ID at all.
///
/// # Errors
/// When the database fails.
pub async fn sees_any(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM app_grants())").fetch_one(&mut **tx).await
}

/// Whether a person holds a role on any License ID, also where that isn't shown to him ([`sees_any`]).
///
/// # Errors
/// When the database fails.
pub async fn holds_any(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM grants WHERE person_id = app_person() AND revoked_at IS NULL
            AND (ends_at IS NULL OR ends_at > app_now()))",
    )
    .fetch_one(&mut **tx)
    .await
}

/// Which License IDs a filter shows: conditions on `contracts c`, `organizations o` and `agreements a`. What was asked
/// for is bound, $1 to $9 ([`bind!`]).
const MATCHES: &str = "
    ($1 = '' OR c.license_id ILIKE '%' || $2 || '%' OR o.name ILIKE '%' || $2 || '%' OR a.number ILIKE '%' || $2 || '%'
        OR (SELECT u.number FROM agreements u WHERE u.id = a.mbsa_id) ILIKE '%' || $2 || '%')
    AND ($3 = '' OR c.program = $3) AND ($4 = '' OR c.status = $4) AND (CASE WHEN c.ends_on < $7 THEN $6 ELSE $5 END)
    AND ($8::integer IS NULL OR c.ends_on BETWEEN $7 AND $7 + $8)
    AND ($9::date IS NULL OR c.ends_on >= $9 AND c.ends_on < $9 + interval '1 month')";

/// Binds a filter to a statement made of [`MATCHES`].
macro_rules! bind {
    ($query:expr, $filter:expr, $today:expr) => {
        $query
            .bind(&$filter.q)
            .bind(like(&$filter.q))
            .bind(&$filter.program)
            .bind(&$filter.status)
            .bind($filter.expired.shows().0)
            .bind($filter.expired.shows().1)
            .bind($today)
            .bind($filter.ending)
            .bind($filter.month)
    };
}
use bind;

/// A page of License IDs and how many there are in all; `limit` 0 for all of them.
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
) -> sqlx::Result<(Vec<Contract>, i64)> {
    let order = order_by(sort);
    let statement = format!("{CONTRACT} {EACH} WHERE {MATCHES} ORDER BY {order} LIMIT nullif($10, 0) OFFSET $11");
    let rows: Vec<Counted> = bind!(sqlx::query_as(AssertSqlSafe(statement)), filter, today)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.contract).collect(), total))
}

/// How many License IDs end in each month, from today's over so many; those that end later or never under no
/// month.
///
/// # Errors
/// When the database fails.
pub async fn ends(
    tx: &mut Scoped,
    filter: &Filter,
    today: Date,
    months: i32,
) -> sqlx::Result<Vec<(Option<Date>, i64)>> {
    // Names are joined only where they are searched: sight of them is worked out for all.
    let mine = if filter.q.is_empty() {
        "contracts c, (SELECT '' AS name) o, (SELECT '' AS number, NULL::uuid AS mbsa_id) a WHERE c.id IN (SELECT contract_id FROM app_grants())"
            .to_owned()
    } else {
        format!("(SELECT DISTINCT contract_id FROM app_grants()) m {EACH} WHERE true")
    };
    let statement = format!(
        "SELECT CASE WHEN c.ends_on < date_trunc('month', $7::date) + make_interval(months => $10) THEN date_trunc('month', c.ends_on)::date END,
                count(*)
         FROM {mine} AND {MATCHES} GROUP BY 1 ORDER BY 1"
    );
    bind!(sqlx::query_as(AssertSqlSafe(statement)), filter, today).bind(months).fetch_all(&mut **tx).await
}

/// The columns are ours, not the request's: nothing of a request gets into a statement's text.
fn order_by((sort, descending): (Sort, bool)) -> String {
    let column = match sort {
        Sort::LicenseId => "c.license_id",
        Sort::Organization => "o.name",
        Sort::Location => "c.location",
        Sort::Program => "c.program",
        Sort::End => "c.ends_on",
        Sort::Status => "c.status",
    };
    format!("{column} {} NULLS LAST, c.license_id", if descending { "DESC" } else { "ASC" })
}

/// Programmes and statuses among the person's License IDs, for the filters.
///
/// # Errors
/// When the database fails.
pub async fn vocabulary(tx: &mut Scoped) -> sqlx::Result<(Vec<String>, Vec<String>)> {
    sqlx::query_as(
        "SELECT coalesce(array_agg(DISTINCT c.program), '{}'), coalesce(array_agg(DISTINCT c.status), '{}')
         FROM contracts c WHERE c.id IN (SELECT contract_id FROM app_grants())",
    )
    .fetch_one(&mut **tx)
    .await
}

/// The licence summary of one License ID.
///
/// # Errors
/// When the database fails.
pub async fn offerings(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<Offering>> {
    sqlx::query_as(
        AssertSqlSafe(format!(
            "SELECT s.product_family, s.version, s.product_pool, s.type, s.effective_quantity, {} AS active_sa_quantity FROM license_summaries s
             WHERE s.contract_id = $1 AND s.contract_id IN (SELECT app_position_read()) ORDER BY s.product_family, s.version, s.product_pool, s.type",
            summary::ASSURED
        )),
    )
    .bind(contract)
    .fetch_all(&mut **tx)
    .await
}

/// The contacts of one License ID.
///
/// # Errors
/// When the database fails.
pub async fn contacts(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<Contact>> {
    sqlx::query_as("SELECT id, role, name, email FROM contacts WHERE contract_id = $1 AND contract_id IN (SELECT app_seen()) ORDER BY role, name")
        .bind(contract)
        .fetch_all(&mut **tx)
        .await
}

/// What the overview says: License IDs in force, those that end within 90 days.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped, today: Date) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE ends_on IS NULL OR ends_on >= $1), count(*) FILTER (WHERE ends_on BETWEEN $1 AND $1 + 90)
         FROM contracts WHERE id IN (SELECT contract_id FROM app_grants())",
    )
    .bind(today)
    .fetch_one(&mut **tx)
    .await
}
