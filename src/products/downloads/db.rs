//! Files of products, read in a person's scope. `app_download_contracts()` is the first wall, row-level security the
//! second.

use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{postgres::Scoped, web::view::product_path};

/// How long a download that was begun may be taken up again.
const TICKET: Duration = Duration::hours(24);
/// How long a removed file can be brought back.
pub const KEPT: Duration = Duration::days(7);

/// A file or a link.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Download {
    /// The row, and the file's name in the data directory.
    pub id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// The product's name.
    pub product: String,
    /// The product's address.
    pub slug: String,
    /// As it is saved.
    pub name: String,
    /// Language.
    pub language: String,
    /// Operating system type.
    pub system: String,
    /// ISO, EXE, …
    pub component: String,
    /// The day of its release, where it is known.
    pub released_on: Option<Date>,
    /// Bytes; unknown for some links.
    pub size: Option<i64>,
    /// SHA-256.
    pub sha256: Vec<u8>,
    /// Where it is, for a link.
    pub url: Option<String>,
    /// When it was put here.
    pub added_at: OffsetDateTime,
    /// When it was taken away.
    pub removed_at: Option<OffsetDateTime>,
    /// The License ID under which the person has it, for the log.
    pub contract_id: Uuid,
}

impl Download {
    /// The checksum as people compare it.
    #[must_use]
    pub fn checksum(&self) -> String {
        crate::vault::files::hex(&self.sha256)
    }

    /// Where its product's files are listed.
    #[must_use]
    pub fn list(&self) -> String {
        [&product_path(&self.slug), "?tab=downloads"].concat()
    }
}

const DOWNLOAD: &str = "
    SELECT d.id, d.product_id, p.name AS product, p.slug, d.name, d.language, d.system, d.component, d.released_on, d.size, d.sha256, d.url, d.added_at,
           d.removed_at, e.contract_id
    FROM downloads d JOIN products p ON p.id = d.product_id
    CROSS JOIN LATERAL (SELECT f.contract_id FROM app_download_contracts(d.product_id, coalesce(d.released_on, (d.added_at AT TIME ZONE 'UTC')::date))
                        AS f (contract_id) LIMIT 1) e";

/// One file, removed ones too; `None` when it is absent or not for this person.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Download>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{DOWNLOAD} WHERE d.id = $1"))).bind(id).fetch_optional(&mut **tx).await
}

/// The files of a product that the person may have, the newest release first.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Vec<Download>> {
    let statement = format!(
        "{DOWNLOAD} WHERE d.product_id = $1 AND d.removed_at IS NULL
         ORDER BY coalesce(d.released_on, (d.added_at AT TIME ZONE 'UTC')::date) DESC, lower(d.name), d.language, d.id LIMIT 500"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(product).fetch_all(&mut **tx).await
}

/// What a person may do about a product's files.
#[derive(Clone, Copy, Debug, Default, sqlx::FromRow)]
pub struct Standing {
    /// Whether a role carries downloads on a License ID that covers it.
    pub may: bool,
    /// The last day of those License IDs, where all have ended.
    pub ended_on: Option<Date>,
    /// Whether the person administers such a License ID.
    pub keeps: bool,
}

/// How the person stands towards a product's files.
///
/// # Errors
/// When the database fails.
pub async fn standing(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Standing> {
    let today = tx.today();
    sqlx::query_as(
        "SELECT count(*) > 0 AS may, CASE WHEN count(*) > 0 AND bool_and(c.ends_on < $2) THEN max(c.ends_on) END AS ended_on,
                app_keeps_product($1) AS keeps
         FROM contract_products cp JOIN contracts c ON c.id = cp.contract_id
         WHERE cp.product_id = $1 AND c.id IN (SELECT app_downloads())",
    )
    .bind(product)
    .bind(today)
    .fetch_one(&mut **tx)
    .await
}

/// The License IDs under which the person sees a product, for the word that the role is missing; the first ten.
///
/// # Errors
/// When the database fails.
pub async fn seen_under(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    sqlx::query_as(
        "SELECT c.id, c.license_id FROM contract_products cp JOIN contracts c ON c.id = cp.contract_id
         WHERE cp.product_id = $1 AND c.id IN (SELECT contract_id FROM app_grants()) ORDER BY c.license_id LIMIT 10",
    )
    .bind(product)
    .fetch_all(&mut **tx)
    .await
}

/// Whether the person looks after a product's files.
///
/// # Errors
/// When the database fails.
pub async fn keeps(tx: &mut Scoped, product: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT app_keeps_product($1)").bind(product).fetch_one(&mut **tx).await
}

/// What is to be put down of a new file.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// The row, and the file's name in the data directory.
    pub id: Uuid,
    /// Whose file it is.
    pub product: Uuid,
    /// As it is saved.
    pub name: &'a str,
    /// Language.
    pub language: &'a str,
    /// Operating system type.
    pub system: &'a str,
    /// ISO, EXE, …
    pub component: &'a str,
    /// The day of its release.
    pub released_on: Option<Date>,
    /// Bytes.
    pub size: Option<i64>,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// Where it is, for a link.
    pub url: Option<&'a str>,
}

/// Puts a file down, by the person whose scope this is.
///
/// # Errors
/// When the database fails.
pub async fn add(tx: &mut Scoped, new: &New<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO downloads (id, product_id, name, language, system, component, released_on, size, sha256, url, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, app_person(), app_now())",
    )
    .bind(new.id)
    .bind(new.product)
    .bind(new.name)
    .bind(new.language)
    .bind(new.system)
    .bind(new.component)
    .bind(new.released_on)
    .bind(new.size)
    .bind(new.sha256.as_slice())
    .bind(new.url)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes a file away; whether it was there.
///
/// # Errors
/// When the database fails.
pub async fn remove(tx: &mut Scoped, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE downloads SET removed_at = app_now(), removed_by = app_person() WHERE id = $1 AND removed_at IS NULL",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Brings a removed file back, while its bytes are there; whether it could be.
///
/// # Errors
/// When the database fails.
pub async fn restore(tx: &mut Scoped, id: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE downloads SET removed_at = NULL, removed_by = NULL WHERE id = $1 AND removed_at IS NOT NULL AND emptied_at IS NULL",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that this session has begun a download, which holds for a day.
///
/// # Errors
/// When the database fails.
pub async fn begin(tx: &mut Scoped, session: Uuid, download: Uuid) -> sqlx::Result<()> {
    let until = tx.now() + TICKET;
    sqlx::query(
        "INSERT INTO download_tickets (session_id, download_id, person_id, until) VALUES ($1, $2, app_person(), $3)
         ON CONFLICT (session_id, download_id) DO UPDATE SET until = EXCLUDED.until",
    )
    .bind(session)
    .bind(download)
    .bind(until)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether this session has begun a download lately.
///
/// # Errors
/// When the database fails.
pub async fn begun(tx: &mut Scoped, session: Uuid, download: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM download_tickets WHERE session_id = $1 AND download_id = $2 AND until > app_now())",
    )
    .bind(session)
    .bind(download)
    .fetch_one(&mut **tx)
    .await
}

/// The files whose bytes are or may be needed. System scope.
///
/// # Errors
/// When the database fails.
pub async fn with_bytes(tx: &mut Scoped) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("SELECT id FROM downloads WHERE url IS NULL AND emptied_at IS NULL").fetch_all(&mut **tx).await
}

/// Whether a file's bytes are needed; none for a file that isn't known. System scope.
///
/// # Errors
/// When the database fails.
pub async fn has_bytes(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar("SELECT url IS NULL AND emptied_at IS NULL FROM downloads WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await
}

/// Notes that files removed for longer than [`KEPT`] have no bytes any more, and forgets downloads that can't be
/// taken up again. System scope.
///
/// # Errors
/// When the database fails.
pub async fn expire(tx: &mut Scoped) -> sqlx::Result<()> {
    let before = tx.now() - KEPT;
    sqlx::query("UPDATE downloads SET emptied_at = app_now() WHERE removed_at < $1 AND emptied_at IS NULL")
        .bind(before)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM download_tickets WHERE until <= app_now()").execute(&mut **tx).await?;
    Ok(())
}
