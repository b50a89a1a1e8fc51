//! The statements behind the pages. All in the person's own scope.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::postgres::Scoped;

/// A notice in somebody's list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The row in `notices`.
    pub id: Uuid,
    /// Its kind's code.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// A sentence.
    pub sentence: String,
    /// Where it leads.
    pub link: String,
    /// When the person was told.
    pub made_at: OffsetDateTime,
    /// When they read it.
    pub read_at: Option<OffsetDateTime>,
    /// How many there are in all.
    pub of: i64,
}

/// A page of the person's notices, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Scoped, person: Uuid, limit: i64, offset: i64) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(
        "SELECT n.id, n.kind, n.subject, n.sentence, n.link, r.made_at, r.read_at, count(*) OVER () AS of
         FROM notice_recipients r JOIN notices n ON n.id = r.notice_id
         WHERE r.person_id = $1 AND r.in_portal
         ORDER BY r.made_at DESC, n.subject, n.id LIMIT $2 OFFSET $3",
    )
    .bind(person)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// Marks one notice, or all, as read; how many weren't before.
///
/// # Errors
/// When the database fails.
pub async fn mark_read(tx: &mut Scoped, person: Uuid, one: Option<Uuid>) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE notice_recipients SET read_at = app_now()
         WHERE person_id = $1 AND in_portal AND read_at IS NULL AND ($2::uuid IS NULL OR notice_id = $2)",
    )
    .bind(person)
    .bind(one)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Which of these the person was told already.
///
/// # Errors
/// When the database fails.
pub async fn told(tx: &mut Scoped, person: Uuid, abouts: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT n.about FROM notices n JOIN notice_recipients r ON r.notice_id = n.id WHERE r.person_id = $1 AND n.about = ANY ($2)",
    )
    .bind(person)
    .bind(abouts)
    .fetch_all(&mut **tx)
    .await
}

/// Kinds that the person has chosen a way for, with its code.
///
/// # Errors
/// When the database fails.
pub async fn choices(tx: &mut Scoped, person: Uuid) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT kind, way FROM notice_choices WHERE person_id = $1").bind(person).fetch_all(&mut **tx).await
}

/// Sets the person's ways.
///
/// # Errors
/// When the database fails.
pub async fn choose(tx: &mut Scoped, person: Uuid, kinds: &[&str], ways: &[&str]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notice_choices (person_id, kind, way) SELECT $1, c.kind, c.way FROM unnest($2::text[], $3::text[]) AS c (kind, way)
         ON CONFLICT (person_id, kind) DO UPDATE SET way = EXCLUDED.way",
    )
    .bind(person)
    .bind(kinds)
    .bind(ways)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Holds a date back until a day, or no longer.
///
/// # Errors
/// When the database fails.
pub async fn snooze(tx: &mut Scoped, person: Uuid, name: &str, until: Option<Date>) -> sqlx::Result<()> {
    let statement = match until {
        Some(_) => {
            "INSERT INTO notice_snoozes (person_id, subject, until_on) VALUES ($1, $2, $3)
             ON CONFLICT (person_id, subject) DO UPDATE SET until_on = EXCLUDED.until_on"
        }
        None => "DELETE FROM notice_snoozes WHERE person_id = $1 AND subject = $2 AND $3::date IS NULL",
    };
    sqlx::query(statement).bind(person).bind(name).bind(until).execute(&mut **tx).await?;
    Ok(())
}

/// Who administers each of these License IDs: its row, the person, the name.
///
/// # Errors
/// When the database fails.
pub async fn administrators(tx: &mut Scoped, contracts: &[Uuid]) -> sqlx::Result<Vec<(Uuid, Uuid, String)>> {
    sqlx::query_as(
        "SELECT DISTINCT g.contract_id, p.id, p.name FROM grants g JOIN people p ON p.id = g.person_id AND p.disabled_at IS NULL
         WHERE g.contract_id = ANY ($1) AND g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
         ORDER BY 3, 2",
    )
    .bind(contracts)
    .fetch_all(&mut **tx)
    .await
}

/// Names who looks after a date, or nobody in particular.
///
/// # Errors
/// When the database fails, or the person doesn't administer the License ID.
pub async fn set_owner(tx: &mut Scoped, contract: Uuid, subject: &str, owner: Option<Uuid>) -> sqlx::Result<()> {
    let statement = match owner {
        Some(_) => {
            "INSERT INTO date_owners (contract_id, subject, owner_id) VALUES ($1, $2, $3)
             ON CONFLICT (contract_id, subject) DO UPDATE SET owner_id = EXCLUDED.owner_id"
        }
        None => "DELETE FROM date_owners WHERE contract_id = $1 AND subject = $2 AND $3::uuid IS NULL",
    };
    sqlx::query(statement).bind(contract).bind(subject).bind(owner).execute(&mut **tx).await?;
    Ok(())
}

/// What the outbox holds of one way.
#[derive(Clone, Debug, Default, sqlx::FromRow)]
pub struct Waiting {
    /// `mail` or `webhook`.
    pub way: String,
    /// Not sent yet.
    pub waiting: i64,
    /// Of these, the time of the oldest.
    pub since: Option<OffsetDateTime>,
    /// Given up: refused, or not taken for days.
    pub given_up: i64,
    /// Why the last attempt that failed did so.
    pub fault: Option<String>,
}

/// What the outbox holds, for site operators.
///
/// # Errors
/// When the database fails.
pub async fn waiting(tx: &mut Scoped) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as(
        "SELECT way, count(*) FILTER (WHERE ended_at IS NULL) AS waiting, min(made_at) FILTER (WHERE ended_at IS NULL) AS since,
                count(*) FILTER (WHERE outcome IN ('refused', 'late')) AS given_up,
                (array_agg(fault ORDER BY coalesce(ended_at, next_at) DESC) FILTER (WHERE fault <> '' AND (ended_at IS NULL OR outcome IN ('refused', 'late'))))[1] AS fault
         FROM outbox WHERE ended_at IS NULL OR outcome IN ('refused', 'late') GROUP BY way",
    )
    .fetch_all(&mut **tx)
    .await
}

/// Takes up what was given up, and what waits for its next try; how many.
///
/// # Errors
/// When the database fails.
pub async fn retry(tx: &mut Scoped) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE outbox SET ended_at = NULL, outcome = NULL, attempts = 0, next_at = app_now(), retried_at = app_now()
         WHERE outcome IN ('refused', 'late') OR (ended_at IS NULL AND fault <> '')",
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Sets where webhooks go; `None` ends them. The new row.
///
/// # Errors
/// When the database fails.
pub async fn set_webhook(tx: &mut Scoped, person: Uuid, url: Option<&str>) -> sqlx::Result<Option<Uuid>> {
    sqlx::query("UPDATE webhooks SET ended_at = app_now() WHERE ended_at IS NULL").execute(&mut **tx).await?;
    let Some(url) = url else { return Ok(None) };
    let id = Uuid::now_v7();
    sqlx::query("INSERT INTO webhooks (id, url, created_by, created_at) VALUES ($1, $2, $3, app_now())")
        .bind(id)
        .bind(url)
        .bind(person)
        .execute(&mut **tx)
        .await?;
    Ok(Some(id))
}
