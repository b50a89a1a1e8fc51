//! People and what they hold, read in a person's scope: `app_managed()` is the first wall, row-level
//! security the second. What only the command line needs says that it is for the system's scope.

use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::model::{Account, Alone, GrantHead, Named, Target, source_words};
use crate::postgres::{Scoped, like};

/// Grants of one person that a list shows one by one; the rest is counted.
pub const SHOWN: i64 = 50;

/// What holds now, in a statement where `g` is the grant.
pub(super) const IN_FORCE: &str = "g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())";

/// For the overview: the people that `/people` lists (those with a role on a License ID that the person
/// administers, for a site operator everybody), and License IDs with a single Administrator.
///
/// # Errors
/// When the database fails.
pub async fn overview(tx: &mut Scoped, everybody: bool) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(AssertSqlSafe(format!(
        "WITH active AS (
            SELECT g.person_id, g.role, g.contract_id FROM grants g
            WHERE {IN_FORCE} AND g.contract_id IN (SELECT contract_id FROM app_managed()))
         SELECT CASE WHEN $1 THEN (SELECT count(*) FROM people) ELSE (SELECT count(DISTINCT person_id) FROM active) END,
                (SELECT count(*) FROM (
                    SELECT 1 FROM active a JOIN people p ON p.id = a.person_id AND p.disabled_at IS NULL
                    WHERE a.role = 'administrator' GROUP BY a.contract_id HAVING count(DISTINCT a.person_id) = 1) s)"
    )))
    .bind(everybody)
    .fetch_one(&mut **tx)
    .await
}

/// What a list of people is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name or an address.
    pub q: String,
    /// A License ID, or empty for all.
    pub license_id: String,
    /// A role's code, or empty for all.
    pub role: String,
}

/// A person in the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    /// The row.
    pub id: Uuid,
    /// Display name.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Site role.
    pub site_operator: bool,
    /// Site role.
    pub auditor: bool,
    /// When the account was closed.
    pub disabled_at: Option<OffsetDateTime>,
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    person: Listed,
    total: i64,
}

/// A page of people and how many there are in all: those who hold a role on a License ID that the
/// asking person looks after; for `everybody` (a site operator without such a filter) also the rest.
///
/// # Errors
/// When the database fails.
pub async fn list(
    tx: &mut Scoped,
    filter: &Filter,
    everybody: bool,
    limit: i64,
    offset: i64,
) -> sqlx::Result<(Vec<Listed>, i64)> {
    let rows: Vec<Counted> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT p.id, p.name, p.email, p.site_operator, p.auditor, p.disabled_at, count(*) OVER () AS total
         FROM people p
         WHERE (p.name ILIKE '%' || $1 || '%' OR p.email ILIKE '%' || $1 || '%')
           AND ($4 OR p.id IN (
               SELECT g.person_id FROM grants g JOIN app_managed() m ON m.contract_id = g.contract_id
               WHERE {IN_FORCE} AND ($2 = '' OR m.license_id = $2) AND ($3 = '' OR g.role = $3)))
         ORDER BY lower(p.name), p.email LIMIT $5 OFFSET $6"
    )))
    .bind(like(&filter.q))
    .bind(&filter.license_id)
    .bind(&filter.role)
    .bind(everybody)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.person).collect(), total))
}

/// What somebody holds, as the list shows it: a grant, or all that one rule gives.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    /// Whose.
    pub person_id: Uuid,
    /// The grant; of a rule's many any one.
    pub id: Uuid,
    /// The role's code.
    pub role: String,
    /// The License ID; of a rule's many the first.
    pub license_id: String,
    /// On how many License IDs.
    pub license_ids: i64,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// What the rule covers; empty for a grant on the License ID itself.
    pub covers: String,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
    /// Whether the asking person may take it away here.
    pub revocable: bool,
    /// How many the person holds in all; the first [`SHOWN`] are here.
    pub of: i64,
}

/// What these people hold on the License IDs that the asking person looks after.
///
/// # Errors
/// When the database fails.
pub async fn held(tx: &mut Scoped, filter: &Filter, people: &[Uuid]) -> sqlx::Result<Vec<Held>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "WITH grouped AS (
            SELECT g.person_id, (array_agg(g.id ORDER BY m.license_id))[1] AS id, g.role, min(m.license_id) AS license_id,
                   count(*) AS license_ids, min(g.ends_at) AS ends_at, g.rule_id,
                   g.rule_id IS NULL AND bool_and(g.contract_id IN (SELECT app_administered())) AS revocable
            FROM grants g JOIN app_managed() m ON m.contract_id = g.contract_id
            WHERE {IN_FORCE} AND g.person_id = ANY($1) AND ($2 = '' OR m.license_id = $2) AND ($3 = '' OR g.role = $3)
            GROUP BY g.person_id, g.role, g.rule_id, CASE WHEN g.rule_id IS NULL THEN g.id END),
         placed AS (
            SELECT *, count(*) OVER (PARTITION BY person_id) AS of,
                   row_number() OVER (PARTITION BY person_id ORDER BY rule_id IS NULL, role, license_id, id) AS place
            FROM grouped)
         SELECT h.person_id, h.id, h.role, h.license_id, h.license_ids, h.ends_at, h.revocable, h.of,
                coalesce(s.covers, '') AS covers, coalesce(s.name, '') AS source
         FROM placed h LEFT JOIN app_rule_sources() s ON s.rule_id = h.rule_id
         WHERE h.place <= $4 ORDER BY h.person_id, h.place"
    )))
    .bind(people)
    .bind(&filter.license_id)
    .bind(&filter.role)
    .bind(SHOWN)
    .fetch_all(&mut **tx)
    .await
}

/// License IDs that a number of Administrators look after.
#[derive(Clone, Debug, Default)]
pub struct Few {
    /// The first of them.
    pub license_ids: Vec<String>,
    /// How many in all.
    pub total: i64,
}

/// License IDs with exactly `administrators` people who can sign in and administer them: 1 is a risk,
/// 0 wants an appointment.
///
/// # Errors
/// When the database fails.
pub async fn with_administrators(tx: &mut Scoped, administrators: i64) -> sqlx::Result<Few> {
    let rows: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "WITH able AS (
            SELECT g.contract_id, count(DISTINCT g.person_id) AS n FROM grants g JOIN people p ON p.id = g.person_id
            WHERE g.role = 'administrator' AND p.disabled_at IS NULL AND {IN_FORCE} GROUP BY g.contract_id)
         SELECT m.license_id, count(*) OVER () FROM app_managed() m LEFT JOIN able a ON a.contract_id = m.contract_id
         WHERE coalesce(a.n, 0) = $1 ORDER BY m.license_id LIMIT 12"
    )))
    .bind(administrators)
    .fetch_all(&mut **tx)
    .await?;
    let total = rows.first().map_or(0, |(_, total)| *total);
    Ok(Few { license_ids: rows.into_iter().map(|(license_id, _)| license_id).collect(), total })
}

/// A page of the License IDs that one person alone administers, with that person, and how many there are in all.
///
/// # Errors
/// When the database fails.
pub async fn alone(tx: &mut Scoped, limit: i64, offset: i64) -> sqlx::Result<(Vec<Alone>, i64)> {
    let sole = format!(
        "SELECT m.license_id, (array_agg(p.id))[1] AS person_id
         FROM app_managed() m JOIN grants g ON g.contract_id = m.contract_id JOIN people p ON p.id = g.person_id
         WHERE g.role = 'administrator' AND p.disabled_at IS NULL AND {IN_FORCE}
         GROUP BY m.license_id HAVING count(DISTINCT p.id) = 1"
    );
    let rows = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT s.license_id, p.name, p.email FROM ({sole}) s JOIN people p ON p.id = s.person_id ORDER BY s.license_id LIMIT $1 OFFSET $2"
    )))
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await?;
    let total =
        sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM ({sole}) s"))).fetch_one(&mut **tx).await?;
    Ok((rows, total))
}

/// A License ID whose roles the person looks after.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Managed {
    /// The row.
    pub contract_id: Uuid,
    /// Whether the person administers it; else a site operator looks at it.
    pub administered: bool,
    /// Whether somebody administers it.
    pub has_administrator: bool,
}

/// One License ID by its number; `None` when it is absent or foreign.
///
/// # Errors
/// When the database fails.
pub async fn managed(tx: &mut Scoped, license_id: &str) -> sqlx::Result<Option<Managed>> {
    sqlx::query_as(
        "SELECT m.contract_id, m.contract_id IN (SELECT app_administered()) AS administered,
                app_has_administrator(m.contract_id) AS has_administrator
         FROM app_managed() m WHERE m.license_id = $1",
    )
    .bind(license_id)
    .fetch_optional(&mut **tx)
    .await
}

/// Whether the person looks after the roles of any License ID.
///
/// # Errors
/// When the database fails.
pub async fn manages_any(tx: &mut Scoped) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM app_managed())").fetch_one(&mut **tx).await
}

/// The account behind an address, for whoever may give roles.
///
/// # Errors
/// When the database fails.
pub async fn grantee(tx: &mut Scoped, email: &str) -> sqlx::Result<Option<Named>> {
    sqlx::query_as("SELECT id, email, name, disabled, added_by FROM app_grantee($1)")
        .bind(email.trim().to_lowercase())
        .fetch_optional(&mut **tx)
        .await
}

/// A grant on a License ID that the asking person looks after, in force or ended.
///
/// # Errors
/// When the database fails.
pub async fn grant_head(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<GrantHead>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT g.id, g.contract_id, m.license_id, g.role, g.ends_at, g.person_id, p.email, p.name,
                coalesce(s.covers, CASE WHEN g.rule_id IS NULL THEN '' ELSE 'all' END) AS covers, coalesce(s.name, '') AS source,
                g.contract_id IN (SELECT app_administered()) AS administered, ({IN_FORCE}) AS in_force
         FROM grants g JOIN app_managed() m ON m.contract_id = g.contract_id JOIN people p ON p.id = g.person_id
         LEFT JOIN app_rule_sources() s ON s.rule_id = g.rule_id WHERE g.id = $1"
    )))
    .bind(id)
    .fetch_optional(&mut **tx)
    .await
}

/// Whether somebody who can sign in administers a License ID.
///
/// # Errors
/// When the database fails.
pub async fn has_administrator(tx: &mut Scoped, contract: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT app_has_administrator($1)").bind(contract).fetch_one(&mut **tx).await
}

/// Which of these License IDs nobody administers. System scope.
///
/// # Errors
/// When the database fails.
pub async fn without_administrator_among(tx: &mut Scoped, contracts: &[Uuid]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT license_id FROM contracts WHERE id = ANY($1) AND NOT app_has_administrator(id) ORDER BY 1",
    )
    .bind(contracts)
    .fetch_all(&mut **tx)
    .await
}

/// License IDs that a person administers on paper and nobody in fact. System scope.
///
/// # Errors
/// When the database fails.
pub async fn orphaned_by(tx: &mut Scoped, person: Uuid) -> sqlx::Result<Vec<String>> {
    let contracts: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT DISTINCT g.contract_id FROM grants g WHERE g.person_id = $1 AND g.role = 'administrator' AND {IN_FORCE}"
    )))
    .bind(person)
    .fetch_all(&mut **tx)
    .await?;
    without_administrator_among(tx, &contracts).await
}

/// The License IDs that a rule gives a role on now.
///
/// # Errors
/// When the database fails.
pub async fn contracts_of_rule(tx: &mut Scoped, rule: Uuid) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("SELECT contract_id FROM grants WHERE rule_id = $1 AND revoked_at IS NULL")
        .bind(rule)
        .fetch_all(&mut **tx)
        .await
}

// Of what no License ID shows to the person the name comes with a rule that he reaches.
const ORGANIZATION: &str = "SELECT coalesce((SELECT name FROM organizations WHERE id = $1),
    (SELECT min(s.name) FROM app_reached_rules() s JOIN grant_rules r ON r.id = s.rule_id WHERE r.organization_id = $1), '')";
const AGREEMENT: &str = "SELECT coalesce((SELECT number FROM agreements WHERE id = $1),
    (SELECT min(s.name) FROM app_reached_rules() s JOIN grant_rules r ON r.id = s.rule_id WHERE r.agreement_id = $1), '')";

/// An agreement that others stand under.
async fn is_mbsa(tx: &mut Scoped, agreement: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM agreements WHERE mbsa_id = $1)")
        .bind(agreement)
        .fetch_one(&mut **tx)
        .await
}

/// What a role is given on, in words, for the log.
///
/// # Errors
/// When the database fails.
pub async fn target_words(tx: &mut Scoped, on: Target) -> sqlx::Result<String> {
    let (statement, id, covers) = match on {
        Target::All => return Ok("all License IDs".to_owned()),
        Target::Contract(id) => ("SELECT license_id FROM contracts WHERE id = $1", id, "contract"),
        Target::Organization(id) => (ORGANIZATION, id, "organization"),
        Target::Agreement(id) => (AGREEMENT, id, if is_mbsa(tx, id).await? { "mbsa" } else { "agreement" }),
    };
    let name: String = sqlx::query_scalar(statement).bind(id).fetch_one(&mut **tx).await?;
    Ok(source_words(covers, &name))
}

/// The account behind an address, disabled ones too. System scope.
///
/// # Errors
/// When the database fails.
pub async fn find_by_email(tx: &mut Scoped, email: &str) -> sqlx::Result<Option<Named>> {
    sqlx::query_as("SELECT id, email, name, disabled_at IS NOT NULL AS disabled, added_by FROM people WHERE email = $1")
        .bind(email.trim().to_lowercase())
        .fetch_optional(&mut **tx)
        .await
}

/// All accounts, by name. System scope.
///
/// # Errors
/// When the database fails.
pub async fn list_people(tx: &mut Scoped) -> sqlx::Result<Vec<Account>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT p.id, p.email, p.name, p.site_operator, p.auditor, p.password_hash IS NOT NULL AS has_password, p.created_at,
                p.disabled_at, (SELECT count(DISTINCT g.contract_id) FROM grants g WHERE g.person_id = p.id AND {IN_FORCE}) AS license_ids
         FROM people p ORDER BY lower(p.name), p.email"
    )))
    .fetch_all(&mut **tx)
    .await
}

/// A License ID's row by its number. System scope.
///
/// # Errors
/// When the database fails.
pub async fn contract_id(tx: &mut Scoped, license_id: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("SELECT id FROM contracts WHERE license_id = $1")
        .bind(license_id)
        .fetch_optional(&mut **tx)
        .await
}

/// An organisation's row by its name, whatever its case. System scope.
///
/// # Errors
/// When the database fails.
pub async fn organization_id(tx: &mut Scoped, name: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("SELECT id FROM organizations WHERE lower(name) = lower($1) ORDER BY name = $1 DESC LIMIT 1")
        .bind(name)
        .fetch_optional(&mut **tx)
        .await
}

/// An agreement's row by its number. System scope.
///
/// # Errors
/// When the database fails.
pub async fn agreement_id(tx: &mut Scoped, number: &str) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar("SELECT id FROM agreements WHERE number = $1").bind(number).fetch_optional(&mut **tx).await
}
