//! Machines: those of the count, those that a key activated, and those that nobody vouches for, as one list.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::super::model::{Counted, Filter, Known, Machine};
use crate::postgres::{Scoped, like};

/// What a list of machines is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Name.
    Name,
    /// State.
    State,
    /// When it asked first.
    First,
    /// When it asked last.
    Last,
    /// When its lease ends.
    Lease,
}

/// Every machine of application `$1`.
const MACHINES: &str = "
    SELECT k.cmid, k.machine, 'count' AS way, k.virtual AS is_virtual, k.first_seen_at, k.asked_at AS seen_at, k.lease_ends_at,
           k.counted AND k.asked_at > app_now() - interval '30 days' AS counted, k.cloned_at IS NOT NULL AS cloned, k.sku_id,
           CASE WHEN d.revoked_at IS NOT NULL THEN 'revoked' WHEN k.superseded_by IS NOT NULL THEN 'replaced'
                WHEN k.lease_ends_at > app_now() THEN 'activated' WHEN k.lease_ends_at IS NOT NULL THEN 'ended' ELSE 'waiting' END AS state
    FROM kms_clients k LEFT JOIN devices d ON d.application_id = k.application_id AND d.cmid = k.cmid WHERE k.application_id = $1
    UNION ALL
    SELECT m.cmid, m.machine, 'key', a.virtual, m.first_at, m.at, NULL, false, false, a.sku_id,
           CASE WHEN p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL THEN 'blocked' ELSE 'activated' END
    FROM (SELECT DISTINCT ON (cmid) cmid, machine, at, activation_id, min(at) OVER (PARTITION BY cmid) AS first_at
          FROM mak_answers WHERE application_id = $1 AND activation_id IS NOT NULL ORDER BY cmid, at DESC, request_id) m
    JOIN activations a ON a.id = m.activation_id JOIN product_keys p ON p.id = a.key_id
    UNION ALL
    SELECT u.cmid, u.machine, 'none', false, u.first_seen_at, u.asked_at, NULL, false, false, NULL, 'unverified'
    FROM unverified_clients u WHERE u.application_id = $1";

#[derive(sqlx::FromRow)]
struct Listed {
    #[sqlx(flatten)]
    machine: Machine,
    total: i64,
}

/// A page of machines and how many match.
///
/// # Errors
/// When the database fails.
pub async fn machines(
    tx: &mut Scoped,
    application: Uuid,
    filter: &Filter,
    (sort, descending): (Sort, bool),
    (limit, offset): (i64, i64),
) -> sqlx::Result<(Vec<Machine>, i64)> {
    // The columns are ours, not the request's: nothing of a request gets into a statement's text.
    let column = match sort {
        Sort::Name => "lower(m.machine)",
        Sort::State => "m.state",
        Sort::First => "m.first_seen_at",
        Sort::Last => "m.seen_at",
        Sort::Lease => "m.lease_ends_at",
    };
    let order = if descending { "DESC" } else { "ASC" };
    // The page first, then the names of its editions.
    let statement = format!(
        "WITH page AS (
            SELECT m.*, count(*) OVER () AS total, row_number() OVER (ORDER BY {column} {order} NULLS LAST, lower(m.machine), m.cmid, m.way) AS place
            FROM ({MACHINES}) m
            WHERE ($2 = '' OR m.machine ILIKE '%' || $3 || '%' OR m.cmid::text = lower($2))
              AND ($4 = '' OR m.state = $4 OR ($4 = 'cloned' AND m.cloned) OR ($4 = 'counted' AND m.counted))
              AND ($5 = '' OR m.way = $5)
            ORDER BY place LIMIT $6 OFFSET $7)
         SELECT page.*, coalesce(s.edition, '') AS edition FROM page LEFT JOIN skus s ON s.id = page.sku_id ORDER BY place"
    );
    let rows: Vec<Listed> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(application)
        .bind(&filter.q)
        .bind(like(&filter.q))
        .bind(&filter.state)
        .bind(&filter.way)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.machine).collect(), total))
}

/// All that is known of one machine; nothing where nobody has seen it.
///
/// # Errors
/// When the database fails.
pub async fn machine(tx: &mut Scoped, application: Uuid, cmid: Uuid) -> sqlx::Result<Known> {
    let counted: Option<Counted> = sqlx::query_as(
        "SELECT k.machine, k.former_names, k.cloned_at, k.virtual AS is_virtual, k.first_seen_at, k.asked_at, k.requests,
                k.counted AND k.asked_at > app_now() - interval '30 days' AS counted, k.superseded_by, k.lease_ends_at, k.address, k.result,
                k.count, k.needed, s.edition
         FROM kms_clients k JOIN skus s ON s.id = k.sku_id WHERE k.application_id = $1 AND k.cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    let held = sqlx::query_as(
        "SELECT a.id, m.machine, a.virtual AS is_virtual, a.at, m.told_at, a.way, a.address, s.edition, a.key_id,
                coalesce(p.last_five, '') AS last_five, p.blocked_at IS NOT NULL OR p.archived_at IS NOT NULL AS blocked, a.hardware
         FROM (SELECT DISTINCT ON (activation_id) activation_id, machine, at AS told_at FROM mak_answers
               WHERE application_id = $1 AND cmid = $2 AND activation_id IS NOT NULL ORDER BY activation_id, at DESC) m
         JOIN activations a ON a.id = m.activation_id JOIN product_keys p ON p.id = a.key_id JOIN skus s ON s.id = a.sku_id
         ORDER BY m.told_at DESC, a.id LIMIT 20",
    )
    .bind(application)
    .bind(cmid)
    .fetch_all(&mut **tx)
    .await?;
    let device = sqlx::query_as(
        "SELECT d.machine, d.enrolled_at, d.revoked_at, c.note, d.public_key
         FROM devices d JOIN enrolment_codes c ON c.id = d.code_id WHERE d.application_id = $1 AND d.cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    let unverified = sqlx::query_as(
        "SELECT machine, address, first_seen_at, asked_at, requests FROM unverified_clients WHERE application_id = $1 AND cmid = $2",
    )
    .bind(application)
    .bind(cmid)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(Known { counted, held, device, unverified })
}
