//! What there is to read about changes by hand, in a person's scope: row-level security cuts it.

pub mod resting;

use sqlx::AssertSqlSafe;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::model::{Changed, Thing};
use crate::{
    auth::roles::Permission,
    people::model::Named,
    postgres::{Scoped, like},
};

/// What of `changes h` a page shows.
const CHANGED: &str = "
    h.id, h.set_id, h.at, coalesce(p.name, 'Somebody') AS who, h.thing, h.row_id, coalesce(e.license_id, '') AS license_id,
    h.subject, h.message, h.before IS NULL AS added, h.after, h.shown, h.undoes IS NOT NULL AS is_undo,
    EXISTS (SELECT FROM changes u WHERE u.undoes = h.set_id) AS undone
    FROM changes h LEFT JOIN people p ON p.id = h.person_id
    LEFT JOIN app_edited_names() e ON e.contract_id = h.contract_id";

/// The latest changes of one thing.
///
/// # Errors
/// When the database fails.
pub async fn history(tx: &mut Scoped, row: Uuid, limit: i64) -> sqlx::Result<Vec<Changed>> {
    let statement = format!("SELECT {CHANGED} WHERE h.row_id = $1 ORDER BY h.at DESC, h.id DESC LIMIT $2");
    sqlx::query_as(AssertSqlSafe(statement)).bind(row).bind(limit).fetch_all(&mut **tx).await
}

/// What one set changed.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Scoped, set: Uuid, limit: i64) -> sqlx::Result<Vec<Changed>> {
    let statement = format!("SELECT {CHANGED} WHERE h.set_id = $1 ORDER BY h.id LIMIT $2");
    sqlx::query_as(AssertSqlSafe(statement)).bind(set).bind(limit).fetch_all(&mut **tx).await
}

/// What the list of changes is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a subject, License ID, person or message.
    pub q: String,
    /// A kind of thing by its code, or empty.
    pub thing: String,
    /// Only what still stands and is newer than the last import there.
    pub since_import: bool,
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    changed: Changed,
    total: i64,
}

/// A page of changes, the latest first, and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Scoped, filter: &Filter, limit: i64, offset: i64) -> sqlx::Result<(Vec<Changed>, i64)> {
    // An import is known by License ID; what belongs to the site, by the last one of any.
    let statement = format!(
        "SELECT x.*, count(*) OVER () AS total FROM (SELECT {CHANGED}
         WHERE ($1 = '' OR h.thing = $1)
           AND (NOT $2 OR (h.undoes IS NULL AND h.at > coalesce(CASE WHEN h.contract_id IS NULL THEN app_last_import() ELSE e.imported_at END, '-infinity')))) x
         WHERE (NOT $2 OR NOT x.undone)
           AND ($3 = '' OR concat_ws(E'\\n', x.subject, x.license_id, x.who, x.message, x.shown::text) ILIKE '%' || $3 || '%')
         ORDER BY x.at DESC, x.id DESC LIMIT $4 OFFSET $5"
    );
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(&filter.thing)
        .bind(filter.since_import)
        .bind(like(&filter.q))
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.changed).collect(), total))
}

/// A key with all that stands beside it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyFacts {
    /// The License ID's organisation.
    pub organization: String,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
    /// OSA status as the vendor writes it.
    pub osa_status: String,
    /// When the counts were read.
    pub read_at: OffsetDateTime,
    /// From when it can be used.
    pub usable_from: Option<Date>,
    /// Since when it is blocked.
    pub blocked_at: Option<OffsetDateTime>,
    /// Since when another has its place.
    pub superseded_at: Option<OffsetDateTime>,
    /// The note.
    pub note: String,
    /// Who looks after it.
    pub owner: Option<String>,
    /// Where it is deployed.
    pub place: String,
    /// What is said where no key is needed.
    pub no_key_text: String,
    /// Whether its counts are a vendor's; an own product's are counted here.
    pub vendor: bool,
    /// Whether the person administers its License ID.
    pub administered: bool,
    /// The own application whose key it is, for its Administrators.
    pub application: Option<Uuid>,
}

/// A key by its row, known to be in the person's sight.
///
/// # Errors
/// When the database fails.
pub async fn key(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<KeyFacts>> {
    sqlx::query_as(
        "SELECT o.name AS organization, k.used, k.total, k.seats, k.osa_status, k.read_at, k.usable_from, k.blocked_at, k.superseded_at,
                k.note, coalesce(w.name, CASE WHEN k.owner_id IS NULL THEN NULL ELSE 'Somebody whom you don’t know' END) AS owner,
                k.place, k.no_key_text, p.estate = 'vendor' AND NOT k.ledger AS vendor,
                k.contract_id IN (SELECT app_administered()) AS administered,
                (SELECT w.application_id FROM own_keys w WHERE w.key_id = k.id AND k.ledger) AS application
         FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN organizations o ON o.id = c.organization_id
         JOIN products p ON p.id = k.product_id LEFT JOIN people w ON w.id = k.owner_id
         WHERE k.id = $1 AND k.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2))",
    )
    .bind(id)
    .bind(Permission::ReadKeys.roles())
    .fetch_optional(&mut **tx)
    .await
}

/// One reading of a count.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Reading {
    /// When it was read.
    pub read_at: OffsetDateTime,
    /// Where: `import`, `typed`, or in a person's words.
    pub source: String,
    /// By whom; none for a file.
    pub who: Option<String>,
    /// Activations used.
    pub used: Option<i64>,
    /// Activations in all.
    pub total: Option<i64>,
    /// Seats.
    pub seats: Option<i64>,
}

/// The latest readings of a key.
///
/// # Errors
/// When the database fails.
pub async fn readings(tx: &mut Scoped, key: Uuid, limit: i64) -> sqlx::Result<Vec<Reading>> {
    sqlx::query_as(
        "SELECT r.read_at, r.source, p.name AS who, r.used, r.total, r.seats FROM key_readings r LEFT JOIN people p ON p.id = r.person_id
         WHERE r.key_id = $1 AND r.contract_id IN (SELECT contract_id FROM app_grants() WHERE role = ANY($2))
         ORDER BY r.read_at DESC, r.id DESC LIMIT $3",
    )
    .bind(key)
    .bind(Permission::ReadKeys.roles())
    .bind(limit)
    .fetch_all(&mut **tx)
    .await
}

/// A key that a bulk edit is about.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ticked {
    /// The row.
    pub id: Uuid,
    /// Its License ID's row.
    pub contract_id: Uuid,
    /// Its License ID.
    pub license_id: String,
    /// Its product.
    pub product: String,
    /// Its last five characters.
    pub last_five: Option<String>,
    /// Whether it is an own application's, whose activations are counted here.
    pub ledger: bool,
}

/// Those of these keys that the person may change: of License IDs administered, not in the archive.
///
/// # Errors
/// When the database fails.
pub async fn ticked(tx: &mut Scoped, ids: &[Uuid]) -> sqlx::Result<Vec<Ticked>> {
    sqlx::query_as(
        "SELECT k.id, k.contract_id, c.license_id, p.name AS product, k.last_five, k.ledger
         FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
         WHERE k.id = ANY($1) AND k.archived_at IS NULL AND k.contract_id IN (SELECT app_administered())
         ORDER BY p.name, c.license_id, k.id",
    )
    .bind(ids)
    .fetch_all(&mut **tx)
    .await
}

/// Where a thing is found that somebody wants to change: its row and its License ID. Works for the program itself, and
/// is asked together with [`super::rights::Allowed`].
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Scoped, thing: Thing, name: &str) -> sqlx::Result<Option<(Uuid, Option<Uuid>, String)>> {
    let (table, contract, subject) = (thing.table(), thing.contract(), thing.subject());
    let select = format!("SELECT t.id, {contract}, {subject} FROM {table} t");
    let by_name = match thing {
        Thing::Contract => Some("license_id"),
        Thing::Product => Some("slug"),
        _ => None,
    };
    if let Some(column) = by_name {
        let statement = format!("{select} WHERE t.{column} = $1");
        return sqlx::query_as(AssertSqlSafe(statement)).bind(name).fetch_optional(&mut **tx).await;
    }
    let Ok(id) = name.parse::<Uuid>() else { return Ok(None) };
    sqlx::query_as(AssertSqlSafe(format!("{select} WHERE t.id = $1"))).bind(id).fetch_optional(&mut **tx).await
}

/// What a thing is called in its address: a License ID, a product's slug; empty for the others, which go by their id.
///
/// # Errors
/// When the database fails.
pub async fn find_name(tx: &mut Scoped, thing: Thing, id: Uuid) -> sqlx::Result<String> {
    let statement = match thing {
        Thing::Contract => "SELECT license_id FROM contracts WHERE id = $1",
        Thing::Product => "SELECT slug FROM products WHERE id = $1",
        _ => return Ok(String::new()),
    };
    sqlx::query_scalar(statement).bind(id).fetch_one(&mut **tx).await
}

/// The License ID that a thing belongs to; `None` where there is no such thing.
///
/// # Errors
/// When the database fails.
pub async fn contract_of(tx: &mut Scoped, thing: Thing, id: Uuid) -> sqlx::Result<Option<Option<Uuid>>> {
    let statement = format!("SELECT {} FROM {} t WHERE t.id = $1", thing.contract(), thing.table());
    sqlx::query_scalar(AssertSqlSafe(statement)).bind(id).fetch_optional(&mut **tx).await
}

/// Keys of a product, or of a License ID, that the person may change.
///
/// # Errors
/// When the database fails.
pub async fn matching(tx: &mut Scoped, slug: &str, license_id: &str, limit: usize) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT k.id FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
         WHERE k.archived_at IS NULL AND k.contract_id IN (SELECT app_administered())
           AND ($1 <> '' OR $2 <> '') AND ($1 = '' OR p.slug = $1) AND ($2 = '' OR c.license_id = $2) ORDER BY k.id LIMIT $3",
    )
    .bind(slug)
    .bind(license_id)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut **tx)
    .await
}

/// An account by its row; site operators see all.
///
/// # Errors
/// When the database fails.
pub async fn account(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Named>> {
    sqlx::query_as("SELECT id, email, name, disabled_at IS NOT NULL AS disabled, added_by FROM people WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await
}

/// Notes who made an account and so was shown its password. System scope.
///
/// # Errors
/// When the database fails.
pub async fn made(tx: &mut Scoped, account: Uuid, by: Uuid) -> sqlx::Result<()> {
    sqlx::query("UPDATE people SET added_by = $2, password_set_by_other = true WHERE id = $1")
        .bind(account)
        .bind(by)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// An account on the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The row.
    pub id: Uuid,
    /// The address they sign in with.
    pub email: String,
    /// Display name.
    pub name: String,
    /// Site role.
    pub site_operator: bool,
    /// Site role.
    pub auditor: bool,
    /// Whether a password is set.
    pub has_password: bool,
    /// When it was closed.
    pub disabled_at: Option<OffsetDateTime>,
    /// How many there are in all.
    pub total: i64,
}

/// A page of accounts, as a site operator sees them.
///
/// # Errors
/// When the database fails.
pub async fn accounts(tx: &mut Scoped, q: &str, limit: i64, offset: i64) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(
        "SELECT id, email, name, site_operator, auditor, password_hash IS NOT NULL AS has_password, disabled_at, count(*) OVER () AS total
         FROM people WHERE $1 = '' OR name ILIKE '%' || $1 || '%' OR email ILIKE '%' || $1 || '%'
         ORDER BY lower(name), email LIMIT $2 OFFSET $3",
    )
    .bind(like(q))
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}
