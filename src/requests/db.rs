//! Requests, read in a person's scope. The first wall is `MINE`, row-level security the second.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    machine::Kind,
    model::{Askable, Attached, Entry, Place, Reading, Request},
};
use crate::postgres::{Scoped, like};

/// What the person may see of `r`.
const MINE: &str = "(r.state <> 'draft' OR r.asker_id = app_person())
    AND CASE WHEN r.kind = 'access' THEN r.asker_id = app_person() OR r.contract_id IN (SELECT app_administered())
             ELSE r.contract_id IN (SELECT app_may_ask()) END";

const REQUEST: &str = "r.*, coalesce(r.asker_id = app_person(), false) AS mine,
    coalesce(r.contract_id IN (SELECT app_administered()), false) AS administers,
    coalesce(r.contract_id IN (SELECT app_may_ask()), false) AS may_ask,
    coalesce(r.contract_id IN (SELECT app_seen()), false) AS sees";

/// One request by its number; `None` when it is absent or not this person's to see.
///
/// # Errors
/// When the database fails.
pub async fn by_number(tx: &mut Scoped, number: i64) -> sqlx::Result<Option<Request>> {
    one(tx, number, "").await
}

/// The same, held for a step: whoever takes another step at the same time waits.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Scoped, number: i64) -> sqlx::Result<Option<Request>> {
    one(tx, number, "FOR NO KEY UPDATE OF r").await
}

async fn one(tx: &mut Scoped, number: i64, lock: &str) -> sqlx::Result<Option<Request>> {
    let statement = format!("SELECT {REQUEST} FROM requests r WHERE r.number = $1 AND {MINE} {lock}");
    sqlx::query_as(AssertSqlSafe(statement)).bind(number).fetch_optional(&mut **tx).await
}

/// What a list of requests is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a product, License ID, asker or vendor reference; a number, or the last five characters of a key.
    pub q: String,
    /// `open`, `closed`, `all`, or one state's code.
    pub state: String,
    /// A kind's code, or empty.
    pub kind: String,
    /// `me` (asked by me), `decide` (waiting for me to decide), `answer`, `late`, or empty.
    pub who: String,
    /// A License ID, or empty.
    pub license_id: String,
}

/// The order of a list of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// By number, which is by age.
    Number,
    /// By kind.
    Kind,
    /// By License ID.
    LicenseId,
    /// By due date.
    Due,
    /// By state.
    State,
}

/// What waits for the person's decision.
const TO_DECIDE: &str = "(r.state = 'submitted' AND r.contract_id IN (SELECT app_administered())
    AND (r.asker_id <> app_person() OR (r.estate = 'vendor' AND NOT r.second_person)))";

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    request: Request,
    in_all: i64,
}

/// A page of requests and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    filter: &Filter,
    sort: (Sort, bool),
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Request>, i64)> {
    let column = match sort.0 {
        Sort::Number => "r.number",
        Sort::Kind => "r.kind",
        Sort::LicenseId => "r.license_id",
        Sort::Due => "r.due_on",
        Sort::State => "r.state",
    };
    let direction = if sort.1 { "DESC" } else { "ASC" };
    let statement = format!(
        "SELECT {REQUEST}, count(*) OVER () AS in_all FROM requests r
         WHERE {MINE} AND ($1 = '' OR r.number::text = $1 OR r.last_five = upper($1)
             OR concat_ws(E'\\n', r.product, r.license_id, r.asker_name, r.vendor_reference) ILIKE '%' || $2 || '%')
           AND CASE $3 WHEN 'all' THEN true WHEN 'open' THEN r.state NOT IN ('declined', 'done', 'withdrawn')
                       WHEN 'closed' THEN r.state IN ('declined', 'done', 'withdrawn') ELSE r.state = $3 END
           AND ($4 = '' OR r.kind = $4) AND ($6 = '' OR r.license_id = $6)
           AND CASE $5 WHEN 'me' THEN r.asker_id = app_person() WHEN 'decide' THEN {TO_DECIDE}
                       WHEN 'answer' THEN r.state = 'question' AND r.asker_id = app_person()
                       WHEN 'late' THEN r.due_on < $7 AND r.state NOT IN ('declined', 'done', 'withdrawn') ELSE true END
         ORDER BY {column} {direction} NULLS LAST, r.number DESC LIMIT $8 OFFSET $9"
    );
    let today = tx.today();
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(&filter.q)
        .bind(like(&filter.q))
        .bind(&filter.state)
        .bind(&filter.kind)
        .bind(&filter.who)
        .bind(&filter.license_id)
        .bind(today)
        .bind(limit)
        .bind(offset)
        .fetch_all(&mut **tx)
        .await?;
    let total = rows.first().map_or(0, |row| row.in_all);
    Ok((rows.into_iter().map(|row| row.request).collect(), total))
}

/// For the overview: open requests in sight, those that wait for the person's decision, for their
/// answer, and those past their day.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped) -> sqlx::Result<(i64, i64, i64, i64)> {
    let today = tx.today();
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT count(*), count(*) FILTER (WHERE {TO_DECIDE}),
                count(*) FILTER (WHERE r.state = 'question' AND r.asker_id = app_person()), count(*) FILTER (WHERE r.due_on < $1)
         FROM requests r WHERE {MINE} AND r.state NOT IN ('declined', 'done', 'withdrawn')"
    )))
    .bind(today)
    .fetch_one(&mut **tx)
    .await
}

/// A request's history, the first step first.
///
/// # Errors
/// When the database fails.
pub async fn history(tx: &mut Scoped, request: Uuid) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as("SELECT at, who, action, state, comment FROM request_entries WHERE request_id = $1 ORDER BY id")
        .bind(request)
        .fetch_all(&mut **tx)
        .await
}

/// The files of a request.
///
/// # Errors
/// When the database fails.
pub async fn files(tx: &mut Scoped, request: Uuid) -> sqlx::Result<Vec<Attached>> {
    sqlx::query_as(
        "SELECT id, name, media_type, length(bytes)::bigint AS size, who, added_at FROM request_files WHERE request_id = $1 ORDER BY id",
    )
    .bind(request)
    .fetch_all(&mut **tx)
    .await
}

/// A file's name, type and bytes, where it belongs to this request.
///
/// # Errors
/// When the database fails.
pub async fn file(tx: &mut Scoped, request: Uuid, id: Uuid) -> sqlx::Result<Option<(String, String, Vec<u8>)>> {
    sqlx::query_as("SELECT name, media_type, bytes FROM request_files WHERE id = $1 AND request_id = $2")
        .bind(id)
        .bind(request)
        .fetch_optional(&mut **tx)
        .await
}

const PLACE: &str = "SELECT c.id, c.license_id, o.name AS organization, c.program, coalesce(a.number, '') AS agreement,
        c.authorization_number, coalesce(s.second_person, false) AS second_person,
        app_has_other_administrator(c.id, app_person()) AS other_administrator
    FROM contracts c JOIN organizations o ON o.id = c.organization_id LEFT JOIN agreements a ON a.id = c.agreement_id
    LEFT JOIN request_settings s ON s.contract_id = c.id";

/// A License ID on which the person may ask, by its number.
///
/// # Errors
/// When the database fails.
pub async fn place(tx: &mut Scoped, license_id: &str) -> sqlx::Result<Option<Place>> {
    let statement = format!("{PLACE} WHERE c.license_id = $1 AND c.id IN (SELECT app_may_ask())");
    sqlx::query_as(AssertSqlSafe(statement)).bind(license_id).fetch_optional(&mut **tx).await
}

/// A License ID that the person sees, by its row.
///
/// # Errors
/// When the database fails.
pub async fn place_of(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Option<Place>> {
    let statement = format!("{PLACE} WHERE c.id = $1 AND c.id IN (SELECT app_seen())");
    sqlx::query_as(AssertSqlSafe(statement)).bind(contract).fetch_optional(&mut **tx).await
}

/// The License IDs on which the person may ask, the first 200.
///
/// # Errors
/// When the database fails.
pub async fn places(tx: &mut Scoped) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT c.license_id, o.name FROM contracts c JOIN organizations o ON o.id = c.organization_id
         WHERE c.id IN (SELECT app_may_ask()) ORDER BY 1 LIMIT 200",
    )
    .fetch_all(&mut **tx)
    .await
}

const ASKABLE: &str = "SELECT k.id, p.name AS product, p.estate, k.kind, k.last_five, k.used, k.total
    FROM product_keys k JOIN products p ON p.id = k.product_id
    WHERE k.archived_at IS NULL AND k.kind IN ('MAK', 'KMS') AND k.contract_id IN (SELECT app_may_ask())";

/// A key that more can be asked for, and its License ID.
///
/// # Errors
/// When the database fails.
pub async fn askable(tx: &mut Scoped, key: Uuid) -> sqlx::Result<Option<(Askable, String)>> {
    let statement = format!("{ASKABLE} AND k.id = $1");
    let Some(found): Option<Askable> =
        sqlx::query_as(AssertSqlSafe(statement)).bind(key).fetch_optional(&mut **tx).await?
    else {
        return Ok(None);
    };
    let license_id: String = sqlx::query_scalar(
        "SELECT c.license_id FROM product_keys k JOIN contracts c ON c.id = k.contract_id WHERE k.id = $1",
    )
    .bind(key)
    .fetch_one(&mut **tx)
    .await?;
    Ok(Some((found, license_id)))
}

/// The keys of a License ID that a request of this kind can be about, the first 200.
///
/// # Errors
/// When the database fails.
pub async fn askable_on(tx: &mut Scoped, contract: Uuid, kind: Kind) -> sqlx::Result<Vec<Askable>> {
    let wanted = if kind == Kind::MakLimit { "MAK" } else { "KMS" };
    let statement = format!("{ASKABLE} AND k.contract_id = $1 AND k.kind = $2 ORDER BY p.name, k.last_five LIMIT 200");
    sqlx::query_as(AssertSqlSafe(statement)).bind(contract).bind(wanted).fetch_all(&mut **tx).await
}

/// The products of a License ID by name, the first 500.
///
/// # Errors
/// When the database fails.
pub async fn products_on(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<Vec<(Uuid, String)>> {
    sqlx::query_as(
        "SELECT p.id, p.name FROM contract_products cp JOIN products p ON p.id = cp.product_id
         WHERE cp.contract_id = $1 AND p.archived_at IS NULL AND cp.contract_id IN (SELECT app_may_ask()) ORDER BY p.name LIMIT 500",
    )
    .bind(contract)
    .fetch_all(&mut **tx)
    .await
}

/// Numbers and states of the open requests about a key.
///
/// # Errors
/// When the database fails.
pub async fn open_about(tx: &mut Scoped, key: Uuid) -> sqlx::Result<Vec<Request>> {
    let statement = format!(
        "SELECT {REQUEST} FROM requests r WHERE r.key_id = $1 AND r.state IN ('submitted', 'question', 'approved', 'sent')
         AND {MINE} ORDER BY r.number"
    );
    sqlx::query_as(AssertSqlSafe(statement)).bind(key).fetch_all(&mut **tx).await
}

/// How many open requests for access the person has, and the one for this role on this License ID.
///
/// # Errors
/// When the database fails.
pub async fn open_access(tx: &mut Scoped, license_id: &str, role: &str) -> sqlx::Result<(i64, Option<i64>)> {
    sqlx::query_as(
        "SELECT count(*), min(number) FILTER (WHERE license_id = $1 AND role = $2 AND state <> 'draft') FROM requests
         WHERE kind = 'access' AND asker_id = app_person() AND state NOT IN ('declined', 'done', 'withdrawn')",
    )
    .bind(license_id)
    .bind(role)
    .fetch_one(&mut **tx)
    .await
}

/// The person's open requests for this role on these License IDs: License ID and number.
///
/// # Errors
/// When the database fails.
pub async fn open_access_on(tx: &mut Scoped, license_ids: &[&str], role: &str) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(
        "SELECT license_id, min(number) FROM requests
         WHERE kind = 'access' AND asker_id = app_person() AND state NOT IN ('draft', 'declined', 'done', 'withdrawn')
           AND license_id = ANY($1) AND role = $2 GROUP BY license_id",
    )
    .bind(license_ids)
    .bind(role)
    .fetch_all(&mut **tx)
    .await
}

/// Until when the person asking holds a role on a License ID that they see: `None` not at all, `Some(None)` without end.
///
/// # Errors
/// When the database fails.
pub async fn held(
    tx: &mut Scoped,
    person: Uuid,
    license_id: &str,
    role: &str,
) -> sqlx::Result<Option<Option<time::OffsetDateTime>>> {
    let row: Option<(Option<time::OffsetDateTime>,)> = sqlx::query_as(
        "SELECT g.ends_at FROM grants g JOIN contracts c ON c.id = g.contract_id
         WHERE g.person_id = $1 AND c.license_id = $2 AND g.role = $3 AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
         ORDER BY g.ends_at DESC NULLS FIRST LIMIT 1",
    )
    .bind(person)
    .bind(license_id)
    .bind(role)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|(ends_at,)| ends_at))
}

/// The counts read of a key, the first first; of very many the last 500.
///
/// # Errors
/// When the database fails.
pub async fn readings(tx: &mut Scoped, key: Uuid) -> sqlx::Result<Vec<Reading>> {
    sqlx::query_as(
        "SELECT * FROM (SELECT read_at, source, used, total FROM key_readings
                        WHERE key_id = $1 AND contract_id IN (SELECT app_keys_read()) AND (used IS NOT NULL OR total IS NOT NULL)
                        ORDER BY read_at DESC, id DESC LIMIT 500) r ORDER BY read_at",
    )
    .bind(key)
    .fetch_all(&mut **tx)
    .await
}

/// Used and total of a key now.
///
/// # Errors
/// When the database fails.
pub async fn counts(tx: &mut Scoped, key: Uuid) -> sqlx::Result<Option<(Option<i64>, Option<i64>)>> {
    sqlx::query_as("SELECT used, total FROM product_keys WHERE id = $1 AND contract_id IN (SELECT app_keys_read())")
        .bind(key)
        .fetch_optional(&mut **tx)
        .await
}

/// Whether vendor requests of a License ID are decided by a second person.
///
/// # Errors
/// When the database fails.
pub async fn second_person(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<bool> {
    let set: Option<bool> = sqlx::query_scalar("SELECT second_person FROM request_settings WHERE contract_id = $1")
        .bind(contract)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(set.unwrap_or(false))
}

/// An open request beside a key, and whether the person may ask for more of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Beside {
    /// The key.
    pub key_id: Uuid,
    /// The latest open request about it.
    pub number: Option<i64>,
    /// Its state's code.
    pub state: Option<String>,
}

/// What stands beside these keys; only keys that the person may ask about.
///
/// # Errors
/// When the database fails.
pub async fn beside(tx: &mut Scoped, keys: &[Uuid]) -> sqlx::Result<Vec<Beside>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT k.id AS key_id, o.number, o.state FROM product_keys k
         LEFT JOIN LATERAL (SELECT r.number, r.state FROM requests r WHERE r.key_id = k.id
             AND r.state IN ('submitted', 'question', 'approved', 'sent') AND {MINE} ORDER BY r.number DESC LIMIT 1) o ON true
         WHERE k.id = ANY($1) AND (k.contract_id IN (SELECT app_may_ask())) IS TRUE"
    )))
    .bind(keys)
    .fetch_all(&mut **tx)
    .await
}
