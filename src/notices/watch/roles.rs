//! What becomes of roles: License IDs with one Administrator, and roles that end by themselves.

use time::Date;
use uuid::Uuid;

use super::{Occasion, Watched};
use crate::{
    notices::{Kind, schedule::SHORT, words},
    postgres::Scoped,
    web::view::{Address, contract_path},
};

#[derive(sqlx::FromRow)]
struct Alone {
    person_id: Uuid,
    license_ids: Vec<String>,
    total: i64,
    since: Date,
    contract_id: Option<Uuid>,
}

/// License IDs with one Administrator, in one notice a person: who administers a whole estate alone is told once,
/// and again when one more comes to it.
pub(super) async fn alone(tx: &mut Scoped, person: Option<Uuid>) -> sqlx::Result<Vec<Watched>> {
    let today = tx.today();
    let rows: Vec<Alone> = sqlx::query_as(with_administrators!(
        ", sole AS (
            SELECT contract_id, (array_agg(person_id))[1] AS person_id FROM admins GROUP BY contract_id HAVING count(*) = 1
         ), since AS (
            -- Since the last other one went, or since this one came.
            SELECT s.person_id, s.contract_id, max(CASE WHEN g.person_id = s.person_id THEN g.granted_at
                ELSE least(coalesce(g.revoked_at, 'infinity'), coalesce(g.ends_at, 'infinity'), coalesce(p.disabled_at, 'infinity')) END) AS at
            FROM sole s JOIN grants g ON g.contract_id = s.contract_id AND g.role = 'administrator' JOIN people p ON p.id = g.person_id
            WHERE $1::uuid IS NULL OR s.person_id = $1
            GROUP BY s.person_id, s.contract_id
         )
         SELECT since.person_id, (array_agg(c.license_id ORDER BY c.license_id))[1:5] AS license_ids, count(*) AS total,
                (max(since.at) AT TIME ZONE 'UTC')::date AS since, CASE WHEN count(*) = 1 THEN (array_agg(c.id))[1] END AS contract_id
         FROM since JOIN contracts c ON c.id = since.contract_id
         GROUP BY since.person_id"
    ))
    .bind(person)
    .fetch_all(&mut **tx)
    .await?;
    let found = rows.into_iter().map(|row| {
        let (title, sentence) = words::alone(&row.license_ids, row.total.unsigned_abs());
        let link = match row.license_ids.as_slice() {
            [one] => Address::new("/people").with("license_id", one.as_str()).href(),
            _ => "/people".to_owned(),
        };
        Watched {
            kind: Kind::SingleAdministrator,
            person: row.person_id,
            subject: format!("person:{}:alone", row.person_id),
            contract_id: row.contract_id,
            when: Occasion::Once { on: today, mark: row.since.to_string() },
            title,
            sentence,
            link,
            other_owner: None,
            owned: false,
            snoozed: None,
        }
    });
    Ok(found.collect())
}

#[derive(sqlx::FromRow)]
struct GrantEnd {
    name: String,
    person_id: Uuid,
    role: String,
    license_ids: Vec<String>,
    total: i64,
    contract_id: Option<Uuid>,
    last_day: Date,
    snoozed: Option<Date>,
}

/// Roles that end by themselves; one that a rule gives on many License IDs is one.
pub(super) async fn grant_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let rows: Vec<GrantEnd> = sqlx::query_as(
        "WITH ending AS (
            SELECT CASE WHEN g.rule_id IS NULL THEN 'grant:' || g.id ELSE 'rule:' || g.rule_id END AS name, g.person_id, g.role, g.contract_id,
                   ((g.ends_at - interval '1 microsecond') AT TIME ZONE 'UTC')::date AS last_day
            FROM grants g JOIN people p ON p.id = g.person_id AND p.disabled_at IS NULL
            WHERE g.revoked_at IS NULL AND g.ends_at > app_now() AND g.ends_at < $1::date + 32 AND ($2::uuid IS NULL OR g.person_id = $2)
         ), told AS (
            SELECT e.name, e.person_id, e.role, e.last_day, (array_agg(c.license_id ORDER BY c.license_id))[1:5] AS license_ids,
                   count(*) AS total, CASE WHEN count(*) = 1 THEN (array_agg(c.id))[1] END AS contract_id
            FROM ending e JOIN contracts c ON c.id = e.contract_id
            GROUP BY e.name, e.person_id, e.role, e.last_day
         )
         SELECT t.*, s.until_on AS snoozed FROM told t
         LEFT JOIN notice_snoozes s ON s.person_id = t.person_id AND s.subject = t.name || ':' || t.last_day
         ORDER BY t.last_day, t.name",
    )
    .bind(until)
    .bind(person)
    .fetch_all(&mut **tx)
    .await?;
    let found = rows.into_iter().map(|row| {
        let (title, sentence) = words::grant_end(&row.role, &row.license_ids, row.total.unsigned_abs(), row.last_day);
        Watched {
            kind: Kind::GrantEnd,
            person: row.person_id,
            subject: row.name,
            contract_id: row.contract_id,
            when: Occasion::Before { day: row.last_day, steps: &SHORT },
            title,
            sentence,
            link: row
                .license_ids
                .first()
                .filter(|_| row.total == 1)
                .map_or_else(|| "/account".to_owned(), |id| contract_path(id)),
            other_owner: None,
            owned: false,
            snoozed: row.snoozed,
        }
    });
    Ok(found.collect())
}
