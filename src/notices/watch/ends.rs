//! The ends of License IDs and of ESU coverage, told to Administrators or to whoever looks after the date.

use std::collections::BTreeMap;

use time::{Date, Duration};
use uuid::Uuid;

use super::{Occasion, Watched};
use crate::{
    notices::{
        Kind,
        schedule::LONG,
        words::{self, day_words},
    },
    postgres::Scoped,
    web::view::contract_path,
};

#[derive(sqlx::FromRow)]
struct End {
    contract_id: Uuid,
    license_id: String,
    organization: String,
    ends_on: Date,
    person_id: Uuid,
    owner_id: Option<Uuid>,
    owner: Option<String>,
    snoozed: Option<Date>,
}

/// Beyond the first step nothing is told.
fn horizon(until: Date) -> Date {
    until.saturating_add(Duration::days(LONG[0]))
}

pub(super) async fn contract_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let rows: Vec<End> = sqlx::query_as(with_administrators!(
        "SELECT c.id AS contract_id, c.license_id, org.name AS organization, c.ends_on, a.person_id, o.owner_id, o.name AS owner, s.until_on AS snoozed
         FROM contracts c
         JOIN organizations org ON org.id = c.organization_id
         JOIN admins a ON a.contract_id = c.id
         LEFT JOIN owners o ON o.contract_id = c.id AND o.subject = 'contract:' || c.id || ':end'
         LEFT JOIN notice_snoozes s ON s.person_id = a.person_id AND s.subject = 'contract:' || c.id || ':end:' || c.ends_on
         WHERE c.ends_on BETWEEN $1 AND $2 AND ($3::uuid IS NULL OR a.person_id = $3)
         ORDER BY c.ends_on, c.license_id"
    ))
    .bind(tx.today())
    .bind(horizon(until))
    .bind(person)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Watched {
            kind: Kind::ContractEnd,
            person: row.person_id,
            subject: format!("contract:{}:end", row.contract_id),
            contract_id: Some(row.contract_id),
            when: Occasion::Before { day: row.ends_on, steps: &LONG },
            title: format!("License ID {} ends on {}", row.license_id, day_words(row.ends_on)),
            sentence: words::contract_end(&row.license_id, &row.organization, row.ends_on),
            link: contract_path(&row.license_id),
            owned: row.owner_id == Some(row.person_id),
            other_owner: row.owner.filter(|_| row.owner_id != Some(row.person_id)),
            snoozed: row.snoozed,
        })
        .collect())
}

#[derive(sqlx::FromRow)]
struct Coverage {
    contract_id: Uuid,
    license_id: String,
    base: String,
    year: i16,
    ends_on: Date,
    person_id: Uuid,
    owner_id: Option<Uuid>,
    owner: Option<String>,
}

/// ESU coverage per License ID and product. Of several years the last one decides: with year 2 ordered, the end
/// of year 1 is no end of coverage.
pub(super) async fn esu_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let today = tx.today();
    let bases: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT product FROM esu_years ORDER BY product").fetch_all(&mut **tx).await?;
    let subjects: Vec<String> = bases.iter().map(|base| esu_subject(base)).collect();
    let rows: Vec<Coverage> = sqlx::query_as(with_administrators!(
        "SELECT c.id AS contract_id, c.license_id, e.base, y.year, y.covers_until AS ends_on, a.person_id, o.owner_id, o.name AS owner
         FROM unnest($1::text[], $2::text[]) AS e (base, subject)
         JOIN products p ON p.esu_product = e.base
         JOIN esu_years y ON y.product = p.esu_product AND y.year = p.esu_year
         JOIN contract_products cp ON cp.product_id = p.id
         JOIN contracts c ON c.id = cp.contract_id
         JOIN admins a ON a.contract_id = c.id
         LEFT JOIN owners o ON o.contract_id = c.id AND o.subject = 'contract:' || c.id || ':' || e.subject
         WHERE $3::uuid IS NULL OR a.person_id = $3"
    ))
    .bind(&bases)
    .bind(&subjects)
    .bind(person)
    .fetch_all(&mut **tx)
    .await?;
    let mut last: BTreeMap<(Uuid, Uuid, String), Coverage> = BTreeMap::new();
    for row in rows {
        let place = (row.contract_id, row.person_id, row.base.clone());
        if last.get(&place).is_none_or(|known| known.ends_on < row.ends_on) {
            last.insert(place, row);
        }
    }
    let mut found: Vec<Watched> = last
        .into_iter()
        .filter(|(_, row)| (today..=horizon(until)).contains(&row.ends_on))
        .map(|((contract, person, base), row)| Watched {
            kind: Kind::EsuEnd,
            person,
            subject: format!("contract:{contract}:{}", esu_subject(&base)),
            contract_id: Some(contract),
            when: Occasion::Before { day: row.ends_on, steps: &LONG },
            title: format!("ESU for {base} on License ID {} ends on {}", row.license_id, day_words(row.ends_on)),
            sentence: words::esu_end(&base, row.year, &row.license_id, row.ends_on),
            link: contract_path(&row.license_id),
            owned: row.owner_id == Some(person),
            other_owner: row.owner.filter(|_| row.owner_id != Some(person)),
            snoozed: None,
        })
        .collect();
    let names: Vec<String> = found.iter().map(Watched::name).collect();
    let snoozes: Vec<(Uuid, String, Date)> =
        sqlx::query_as("SELECT person_id, subject, until_on FROM notice_snoozes WHERE subject = ANY ($1)")
            .bind(&names)
            .fetch_all(&mut **tx)
            .await?;
    for (watched, name) in found.iter_mut().zip(&names) {
        watched.snoozed = snoozes
            .iter()
            .find(|(person, subject, _)| *person == watched.person && subject == name)
            .map(|(.., day)| *day);
    }
    Ok(found)
}

fn esu_subject(base: &str) -> String {
    format!("esu:{}", crate::products::classify::slug(base))
}
