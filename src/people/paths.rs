//! Who sees what, and by which way: the two questions, from the person and from the key. Read in the reader's
//! scope, so that each answer is cut to the License IDs that the reader looks after.

use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{db::IN_FORCE, model::source_words};
use crate::{auth::roles::Permission, postgres::Scoped, web::view::When};

/// A person as their page shows them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct PersonHead {
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
    /// When the account was made.
    pub created_at: OffsetDateTime,
    /// When it was closed.
    pub disabled_at: Option<OffsetDateTime>,
}

/// A person whom the reader knows: oneself, for Administrators those who hold or held something on their License
/// IDs, for site operators and auditors everybody.
///
/// # Errors
/// When the database fails.
pub async fn person(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<PersonHead>> {
    sqlx::query_as(
        "SELECT p.id, p.name, p.email, p.site_operator, p.auditor, p.created_at, p.disabled_at FROM people p
         WHERE p.id = $1 AND p.id IN (SELECT app_known_people())",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await
}

/// A grant in force with its way.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Path {
    /// The grant.
    pub id: Uuid,
    /// Whose.
    pub person_id: Uuid,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The License ID.
    pub license_id: String,
    /// Its organisation; empty where the reader sees the number alone.
    pub organization: String,
    /// Whether its organisation is approved; else only Administrators see it.
    pub approved: bool,
    /// The role's code.
    pub role: String,
    /// When it was given.
    pub granted_at: OffsetDateTime,
    /// Who gave it, where the reader knows them.
    pub by: Option<String>,
    /// Whether a person gave it; else the command line.
    pub by_person: bool,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// What the rule covers; empty for a grant on the License ID itself.
    pub covers: String,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
    /// The License ID's own agreement, where the role was given on the MBSA above it; else empty.
    pub below: String,
    /// Whether the reader may take it away here.
    pub revocable: bool,
    /// How many there are in all.
    pub total: i64,
}

impl Path {
    /// How the person comes to it: `Given here by Mara Lindqvist on 3 May 2026`.
    pub fn words(&self) -> String {
        let day = self.granted_at.date();
        let on = When::day(day, day).exact;
        let by = match (&self.by, self.by_person) {
            (Some(name), _) => ["by ", name].concat(),
            (None, true) => "by somebody else".to_owned(),
            (None, false) => "on the command line".to_owned(),
        };
        if self.covers.is_empty() {
            format!("Given here {by} on {on}")
        } else {
            let below = if self.below.is_empty() { String::new() } else { [" above agreement ", &self.below].concat() };
            format!("Through {}{below}, given {by}, here since {on}", source_words(&self.covers, &self.source))
        }
    }
}

const PATH: &str = "g.id, g.person_id, p.name, p.email, m.license_id, coalesce(o.name, '') AS organization, coalesce(c.approved, true) AS approved,
    g.role, g.granted_at, b.name AS by, g.granted_by IS NOT NULL AS by_person, g.ends_at,
    coalesce(s.covers, CASE WHEN g.rule_id IS NULL THEN '' ELSE 'all' END) AS covers, coalesce(s.name, '') AS source,
    CASE WHEN s.covers = 'mbsa' THEN coalesce((SELECT a.number FROM agreements a WHERE a.id = c.agreement_id AND a.number <> s.name), '') ELSE '' END AS below,
    g.rule_id IS NULL AND g.contract_id IN (SELECT app_administered()) AS revocable, count(*) OVER () AS total
    FROM grants g JOIN app_managed() m ON m.contract_id = g.contract_id JOIN people p ON p.id = g.person_id
    LEFT JOIN contracts c ON c.id = g.contract_id LEFT JOIN organizations o ON o.id = c.organization_id
    LEFT JOIN people b ON b.id = g.granted_by LEFT JOIN app_rule_sources() s ON s.rule_id = g.rule_id";

/// What a person holds, grant by grant, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn of_person(
    tx: &mut Scoped,
    person: Uuid,
    license_id: &str,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Path>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT {PATH} WHERE {IN_FORCE} AND g.person_id = $1 AND ($2 = '' OR m.license_id = $2)
         ORDER BY m.license_id, g.role, covers, source LIMIT $3 OFFSET $4"
    )))
    .bind(person)
    .bind(license_id)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// Who can see a key: everybody who can sign in and holds a role that reads keys on one of the License IDs on which
/// it stands, as far as the reader administers them.
///
/// # Errors
/// When the database fails.
pub async fn of_key(tx: &mut Scoped, key: Uuid, limit: i64, offset: i64) -> sqlx::Result<Vec<Path>> {
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT {PATH} WHERE {IN_FORCE} AND p.disabled_at IS NULL AND g.role = ANY($2) AND (g.role = 'administrator' OR c.approved)
           AND g.contract_id IN (
               SELECT k.contract_id FROM product_keys k
               WHERE (k.id = $1 OR k.fingerprint = (SELECT one.fingerprint FROM product_keys one WHERE one.id = $1))
                 AND k.archived_at IS NULL AND k.contract_id IN (SELECT app_administered()))
         ORDER BY lower(p.name), p.email, m.license_id, g.role, covers, source LIMIT $3 OFFSET $4"
    )))
    .bind(key)
    .bind(Permission::ReadKeys.roles())
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await
}

/// Of these keys those whose License ID the reader administers: there the way to “who can see this key” is open.
///
/// # Errors
/// When the database fails.
pub async fn administered(tx: &mut Scoped, keys: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT k.id FROM product_keys k WHERE k.id = ANY($1) AND (k.contract_id IN (SELECT app_administered())) IS TRUE",
    )
    .bind(keys)
    .fetch_all(&mut **tx)
    .await
}

/// What somebody did with a key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyTaken {
    /// Its License ID.
    pub license_id: String,
    /// Its product.
    pub product: String,
    /// MAK, KMS, VLK, OSA or SETUP.
    pub kind: String,
    /// The last group.
    pub last_five: String,
    /// Whether it is archived by now.
    pub archived: bool,
    /// How often it was shown.
    pub revealed: i64,
    /// How often it was copied.
    pub copied: i64,
    /// In how many exports it was.
    pub exported: i64,
    /// The first time.
    pub first_at: OffsetDateTime,
    /// The last time.
    pub last_at: OffsetDateTime,
}

#[derive(sqlx::FromRow)]
struct Counted {
    #[sqlx(flatten)]
    key: KeyTaken,
    total: i64,
}

/// The keys that a person really took, the latest first, and how many there are; `limit` 0 for all of them.
///
/// # Errors
/// When the database fails.
pub async fn keys_taken(tx: &mut Scoped, person: Uuid, limit: i64, offset: i64) -> sqlx::Result<(Vec<KeyTaken>, i64)> {
    let rows: Vec<Counted> = sqlx::query_as(
        "SELECT t.license_id, t.product, t.kind, t.last_five, t.archived, t.revealed, t.copied, t.exported, t.first_at, t.last_at,
                count(*) OVER () AS total
         FROM app_keys_taken($1) t ORDER BY t.last_at DESC, t.license_id, t.product, t.key_id LIMIT nullif($2, 0) OFFSET $3",
    )
    .bind(person)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut **tx)
    .await?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.key).collect(), total))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_path_says_who_gave_it_and_through_what() {
        let mut path = Path {
            id: Uuid::nil(),
            person_id: Uuid::nil(),
            name: String::new(),
            email: String::new(),
            license_id: "1".into(),
            organization: String::new(),
            approved: true,
            role: "administrator".into(),
            granted_at: datetime!(2026-05-03 10:00 UTC),
            by: Some("Mara Lindqvist".into()),
            by_person: true,
            ends_at: None,
            covers: String::new(),
            source: String::new(),
            below: String::new(),
            revocable: true,
            total: 1,
        };
        assert_eq!(path.words(), "Given here by Mara Lindqvist on 3 May 2026");
        path.covers = "organization".into();
        path.source = "North".into();
        path.by = None;
        path.by_person = false;
        assert_eq!(path.words(), "Through the organisation North, given on the command line, here since 3 May 2026");
        (path.covers, path.source, path.below) = ("mbsa".into(), "U1234567".into(), "4E61138".into());
        assert!(path.words().starts_with("Through MBSA U1234567 above agreement 4E61138, given"), "{}", path.words());
    }
}
