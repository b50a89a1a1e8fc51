//! Own applications, read in a person's scope. `app_administered()` is the first wall, row-level security the
//! second: what isn't administered isn't there.

mod machines;
mod site;

use sqlx::AssertSqlSafe;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

pub use machines::{MOST, Sort, machine, narrow};
pub use site::{confirmations, foreign, hosts, last_hour, lease_keys, list_product, site};

use super::{
    model::{Application, Code, OwnKey, Show, Sku, Slot},
    plot::Sample,
};
use crate::postgres::Scoped;

/// An application with its count as of now: the count kept holds until the next machine drops out of it.
const APPLICATION: &str = "
    SELECT a.id, a.contract_id, c.license_id, a.name, a.trust = 'enrolled' AS enrolled, a.tolerance, a.created_at, a.closed_at,
           n.count, least(n.count, 2 * k.largest_needed) AS capped
    FROM applications a JOIN contracts c ON c.id = a.contract_id JOIN kms_counts k ON k.application_id = a.id
    CROSS JOIN LATERAL (SELECT CASE WHEN k.next_expiry IS NULL OR k.next_expiry > app_now() THEN k.count ELSE (
        SELECT count(*) FROM kms_clients m WHERE m.application_id = a.id AND m.counted
        AND m.asked_day >= ((app_now() - interval '30 days') AT TIME ZONE 'UTC')::date AND m.asked_at > app_now() - interval '30 days') END AS count) n
    WHERE a.contract_id IN (SELECT app_administered())";

/// One application; none where the person doesn't administer its License ID.
///
/// # Errors
/// When the database fails.
pub async fn application(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Application>> {
    sqlx::query_as(AssertSqlSafe(format!("{APPLICATION} AND a.id = $1"))).bind(id).fetch_optional(&mut **tx).await
}

/// Open applications whose count hasn't reached what an edition needs, in a statement where `mine` is the application.
const WAITING: &str = "mine.closed_at IS NULL AND EXISTS (SELECT 1 FROM skus s WHERE s.application_id = mine.id AND s.by_count AND s.needed > mine.count)";
/// Open applications with a MAK of which nothing is left.
const SPENT: &str = "mine.closed_at IS NULL AND EXISTS (SELECT 1 FROM own_keys o JOIN product_keys p ON p.id = o.key_id
    WHERE o.application_id = mine.id AND o.kind = 'MAK' AND p.blocked_at IS NULL AND p.archived_at IS NULL AND p.used >= p.total)";

/// A page of applications, the open ones first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn applications(
    tx: &mut Scoped,
    show: Show,
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Application>, i64)> {
    let condition = match show {
        Show::All => "true",
        Show::Waiting => WAITING,
        Show::Spent => SPENT,
    };
    let order = "ORDER BY mine.closed_at IS NOT NULL, lower(mine.name), mine.license_id, mine.id LIMIT $1 OFFSET $2";
    let rows =
        sqlx::query_as(AssertSqlSafe(format!("SELECT mine.* FROM ({APPLICATION}) mine WHERE {condition} {order}")))
            .bind(limit)
            .bind(offset)
            .fetch_all(&mut **tx)
            .await?;
    let total =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM ({APPLICATION}) mine WHERE {condition}")))
            .fetch_one(&mut **tx)
            .await?;
    Ok((rows, total))
}

/// For the overview: applications, those whose count hasn't reached what an edition needs, and those with a MAK of
/// which nothing is left.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<(i64, i64, i64)> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT count(*), count(*) FILTER (WHERE {WAITING}), count(*) FILTER (WHERE {SPENT}) FROM ({APPLICATION}) mine"
    )))
    .fetch_one(&mut **tx)
    .await
}

/// License IDs that the person administers, for the form that registers an application.
///
/// # Errors
/// When the database fails.
pub async fn administered(tx: &mut Scoped, license_id: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("SELECT id FROM contracts WHERE license_id = $1 AND id IN (SELECT app_administered())")
        .bind(license_id)
        .fetch_optional(&mut **tx)
        .await
}

/// The rows of all License IDs that the person administers.
///
/// # Errors
/// When the database fails.
pub async fn all_administered(tx: &mut Scoped) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("SELECT DISTINCT app_administered()").fetch_all(&mut **tx).await
}

/// The editions of applications, with the application that each is of.
///
/// # Errors
/// When the database fails.
pub async fn skus(tx: &mut Scoped, application: Uuid) -> sqlx::Result<Vec<Sku>> {
    sqlx::query_as(
        "SELECT s.id, s.edition, s.kind, s.by_count, s.needed, s.lease_days, p.name AS product, p.slug,
                coalesce(m.machines, 0) AS machines,
                (SELECT count(*) FROM own_keys o WHERE o.sku_id = s.id) AS keys
         FROM skus s JOIN products p ON p.id = s.product_id
         LEFT JOIN (SELECT sku_id, count(*) AS machines FROM kms_clients WHERE application_id = $1 AND counted
                    AND asked_at > app_now() - interval '30 days' GROUP BY sku_id) m ON m.sku_id = s.id
         WHERE s.application_id = $1 ORDER BY lower(s.edition), s.id",
    )
    .bind(application)
    .fetch_all(&mut **tx)
    .await
}

/// What editions of these applications need: application, machines needed, names.
///
/// # Errors
/// When the database fails.
pub async fn thresholds(tx: &mut Scoped, applications: &[Uuid]) -> sqlx::Result<Vec<(Uuid, i32, String)>> {
    sqlx::query_as(
        "SELECT application_id, needed, string_agg(edition, ', ' ORDER BY lower(edition)) FROM skus
         WHERE application_id = ANY($1) AND by_count GROUP BY application_id, needed ORDER BY needed",
    )
    .bind(applications)
    .fetch_all(&mut **tx)
    .await
}

#[derive(sqlx::FromRow)]
struct SampleOf {
    application_id: Uuid,
    #[sqlx(flatten)]
    sample: Sample,
}

/// The counts of applications since a moment: the highest of each `bucket`, in the order of time.
///
/// # Errors
/// When the database fails.
pub async fn samples(
    tx: &mut Scoped,
    applications: &[Uuid],
    since: OffsetDateTime,
    bucket: Duration,
) -> sqlx::Result<Vec<(Uuid, Sample)>> {
    let rows: Vec<SampleOf> = sqlx::query_as(
        "SELECT application_id, date_bin(make_interval(secs => $3), at, '2001-01-01 00:00Z') AS at, max(count) AS count, max(capped) AS capped
         FROM kms_samples WHERE application_id = ANY($1) AND at >= $2 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(applications)
    .bind(since)
    .bind(bucket.as_seconds_f64())
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.application_id, row.sample)).collect())
}

/// Keys with what they spent by week. The weeks end now, and begin no earlier than the key.
const KEYS: &str = "
    SELECT p.id, p.kind, coalesce(p.last_five, '') AS last_five, coalesce(p.used, 0) AS used, coalesce(p.total, 0) AS total, p.blocked_at, p.created_at,
           coalesce(s.edition, '') AS edition, pr.name AS product, pr.slug,
           ARRAY(SELECT (SELECT count(*) FROM activations a WHERE a.key_id = p.id
                         AND a.at > app_now() - w * interval '7 days' AND a.at <= app_now() - (w - 1) * interval '7 days')
                 FROM generate_series(least($2, floor(extract(epoch FROM app_now() - p.created_at) / 604800)::int), 1, -1) AS w) AS weeks
    FROM own_keys o JOIN product_keys p ON p.id = o.key_id JOIN products pr ON pr.id = p.product_id LEFT JOIN skus s ON s.id = o.sku_id
    WHERE o.application_id = $1 AND p.archived_at IS NULL";

fn weeks() -> i32 {
    i32::try_from(super::forecast::WEEKS).unwrap_or(i32::MAX)
}

/// The keys of an application: MAKs by edition, then host keys.
///
/// # Errors
/// When the database fails.
pub async fn keys(tx: &mut Scoped, application: Uuid) -> sqlx::Result<Vec<OwnKey>> {
    let order = "ORDER BY o.kind = 'KMS', lower(s.edition), p.created_at, p.id";
    sqlx::query_as(AssertSqlSafe(format!("{KEYS} {order}"))).bind(application).bind(weeks()).fetch_all(&mut **tx).await
}

/// One key of an application.
///
/// # Errors
/// When the database fails.
pub async fn key(tx: &mut Scoped, application: Uuid, key: Uuid) -> sqlx::Result<Option<OwnKey>> {
    sqlx::query_as(AssertSqlSafe(format!("{KEYS} AND p.id = $3")))
        .bind(application)
        .bind(weeks())
        .bind(key)
        .fetch_optional(&mut **tx)
        .await
}

/// The places of an application's host keys.
///
/// # Errors
/// When the database fails.
pub async fn slots(tx: &mut Scoped, application: Uuid) -> sqlx::Result<Vec<Slot>> {
    sqlx::query_as(
        "SELECT h.key_id, h.host, h.activations, h.first_at, h.last_at, i.seen_at
         FROM host_slots h JOIN own_keys o ON o.key_id = h.key_id JOIN responder_instances i ON i.id = h.instance_id
         WHERE o.application_id = $1 ORDER BY h.first_at, h.instance_id",
    )
    .bind(application)
    .fetch_all(&mut **tx)
    .await
}

/// Own products on a License ID, by name: what an edition can be of.
///
/// # Errors
/// When the database fails.
pub async fn products(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    sqlx::query_as(
        "SELECT p.id, p.name FROM products p JOIN contract_products cp ON cp.product_id = p.id
         WHERE cp.contract_id = $1 AND p.estate = 'own' AND p.archived_at IS NULL AND cp.contract_id IN (SELECT app_administered()) ORDER BY lower(p.name)",
    )
    .bind(contract)
    .fetch_all(&mut **tx)
    .await
}

/// The enrolment codes of an application, those in force first.
///
/// # Errors
/// When the database fails.
pub async fn codes(tx: &mut Scoped, application: Uuid) -> sqlx::Result<Vec<Code>> {
    sqlx::query_as(
        "SELECT id, note, uses, most_uses, created_at, ends_at, revoked_at FROM enrolment_codes
         WHERE application_id = $1 ORDER BY revoked_at IS NOT NULL OR ends_at <= app_now() OR uses >= most_uses, created_at DESC, id LIMIT 200",
    )
    .bind(application)
    .fetch_all(&mut **tx)
    .await
}
