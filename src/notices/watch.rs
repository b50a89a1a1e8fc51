//! What is watched: dates that come, MAKs that run out, License IDs with one Administrator. Read for
//! everybody by the planner and for one person by the page, with the same statements.

use std::collections::BTreeMap;

use time::{Date, Duration};
use uuid::Uuid;

use super::{
    Kind, Notice,
    schedule::{LONG, MAK_AHEAD, SHORT, Telling, Use, tellings},
    words::{self, day_words},
};
use crate::postgres::Scoped;

/// Something that one person is, or could be, told of.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What it is.
    pub kind: Kind,
    /// Who is told.
    pub person: Uuid,
    /// Names it for good, e.g. `contract:ID:end`; who looks after it is kept under this name.
    pub subject: String,
    /// The License ID it is about; none where it is about several.
    pub contract_id: Option<Uuid>,
    /// The day it happens, or what is known instead.
    pub when: Occasion,
    /// One line.
    pub title: String,
    /// A sentence.
    pub sentence: String,
    /// Where it leads.
    pub link: String,
    /// Somebody else who looks after it: then this person isn't told.
    pub other_owner: Option<String>,
    /// Whether this person was named to look after it.
    pub owned: bool,
    /// The day until which the person doesn't want to hear of it.
    pub snoozed: Option<Date>,
}

/// When something is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Some days before a date, step by step.
    Before {
        /// The date.
        day: Date,
        /// Days before it.
        steps: &'static [i64],
    },
    /// Once, on a day; `mark` names the occasion, so that the next one is told again.
    Once {
        /// The day; today when it is so already.
        on: Date,
        /// E.g. the total that runs out.
        mark: String,
    },
}

impl Watched {
    /// The name of this date, as snoozes know it: a date that moves is another.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.when {
            Occasion::Before { day, .. } => format!("{}:{day}", self.subject),
            Occasion::Once { mark, .. } => format!("{}:{mark}", self.subject),
        }
    }

    /// The name of one telling, for good.
    #[must_use]
    pub fn about(&self, mark: &str) -> String {
        format!("{}:{mark}", self.name())
    }

    /// The License ID, where somebody may be named to look after this date.
    #[must_use]
    pub fn ownable(&self) -> Option<Uuid> {
        self.contract_id.filter(|_| matches!(self.kind, Kind::ContractEnd | Kind::EsuEnd))
    }

    /// The tellings from `today` to `until`; none while somebody else looks after it.
    #[must_use]
    pub fn tellings(&self, today: Date, until: Date) -> Vec<Telling> {
        if self.other_owner.is_some() { Vec::new() } else { self.all_tellings(today, until) }
    }

    /// Whether the person would be told if nobody else looked after it.
    #[must_use]
    pub fn would_be_told(&self, today: Date, until: Date) -> bool {
        !self.all_tellings(today, until).is_empty()
    }

    fn all_tellings(&self, today: Date, until: Date) -> Vec<Telling> {
        match &self.when {
            Occasion::Before { day, steps } => tellings(*day, steps, self.snoozed, today, until),
            Occasion::Once { on, .. } if *on <= until => vec![Telling { on: *on, mark: "once".to_owned() }],
            Occasion::Once { .. } => Vec::new(),
        }
    }

    /// One telling as a notice.
    #[must_use]
    pub fn notice(&self, mark: &str) -> Notice {
        Notice {
            kind: self.kind,
            about: self.about(mark),
            subject: self.title.clone(),
            sentence: self.sentence.clone(),
            link: self.link.clone(),
            contract_id: self.contract_id,
        }
    }
}

/// Everything that is told until `until`, for one person or for all. Within a person's scope it finds what
/// that person administers; within the program's own, everything.
///
/// # Errors
/// When the database fails.
pub async fn watched(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let mut found = contract_ends(tx, person, until).await?;
    found.extend(esu_ends(tx, person, until).await?);
    found.extend(maks(tx, person, until).await?);
    found.extend(alone(tx, person).await?);
    found.extend(grant_ends(tx, person, until).await?);
    Ok(found)
}

/// Who administers what now, and can sign in; and who was named to look after a date, and administers it still. The
/// first part of most statements here. The few who were named are made once: joined in place, a plan made for a
/// small estate would look for each of them in all grants again and again.
macro_rules! with_administrators {
    ($rest:literal) => {
        concat!(
            "WITH admins AS (
                SELECT DISTINCT g.contract_id, g.person_id FROM grants g JOIN people p ON p.id = g.person_id
                WHERE g.role = 'administrator' AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
                  AND p.disabled_at IS NULL AND g.contract_id NOT IN (SELECT id FROM contracts WHERE archived_at IS NOT NULL)
            ), owners AS MATERIALIZED (
                SELECT o.contract_id, o.subject, o.owner_id, p.name
                FROM date_owners o JOIN admins a ON a.contract_id = o.contract_id AND a.person_id = o.owner_id JOIN people p ON p.id = o.owner_id
            ) ",
            $rest
        )
    };
}

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

async fn contract_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
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
            link: words::contract_link(&row.license_id),
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
async fn esu_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
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
            link: words::contract_link(&row.license_id),
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

#[derive(sqlx::FromRow)]
struct Mak {
    key_id: Uuid,
    contract_id: Uuid,
    license_id: String,
    product: String,
    last_five: String,
    used: i64,
    total: i64,
    read_on: Date,
    earlier_on: Option<Date>,
    earlier_used: Option<i64>,
    person_id: Uuid,
}

/// MAKs that weren't told of yet, of which half is used at least: below that no pace is looked at. The pace is that
/// of the last half year's readings with the same total. An estate may hold a hundred thousand MAKs: what is
/// neither low nor near its end is left in the database, by a condition that lets through a little too much.
async fn maks(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let today = tx.today();
    let rows: Vec<Mak> = sqlx::query_as(with_administrators!(
        "SELECT k.id AS key_id, k.contract_id, c.license_id, p.name AS product, k.last_five, k.used, k.total,
                (k.read_at AT TIME ZONE 'UTC')::date AS read_on, r.earlier_on, r.earlier_used, a.person_id
         FROM product_keys k
         JOIN contracts c ON c.id = k.contract_id
         JOIN products p ON p.id = k.product_id
         JOIN admins a ON a.contract_id = k.contract_id
         LEFT JOIN LATERAL (
            SELECT (old.read_at AT TIME ZONE 'UTC')::date AS earlier_on, old.used AS earlier_used FROM key_readings old
            WHERE old.key_id = k.id AND old.total = k.total AND old.used IS NOT NULL AND old.read_at >= k.read_at - interval '180 days'
              AND old.read_at < k.read_at
            ORDER BY old.read_at LIMIT 1
         ) r ON true
         WHERE k.kind = 'MAK' AND k.total > 0 AND k.used * 2 >= k.total AND k.archived_at IS NULL AND k.blocked_at IS NULL
           AND ($1::uuid IS NULL OR a.person_id = $1)
           AND (k.used * 10 >= k.total * 9
                OR (k.used > r.earlier_used
                    AND (k.total - k.used) * ((k.read_at AT TIME ZONE 'UTC')::date - r.earlier_on)
                        <= (k.used - r.earlier_used) * ($2::date - (k.read_at AT TIME ZONE 'UTC')::date)))
           AND NOT EXISTS (SELECT 1 FROM notices n JOIN notice_recipients nr ON nr.notice_id = n.id
                           WHERE n.about = 'key:' || k.id || ':mak:' || k.total || ':once' AND nr.person_id = a.person_id)
         ORDER BY c.license_id, p.name, k.last_five"
    ))
    .bind(person)
    .bind(until.saturating_add(Duration::days(MAK_AHEAD + 1)))
    .fetch_all(&mut **tx)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let known = Use {
            used: row.used,
            total: row.total,
            read_on: row.read_on,
            earlier: row.earlier_on.zip(row.earlier_used),
        };
        let on = known.told_on(today).filter(|on| *on <= until)?;
        Some(Watched {
            kind: Kind::MakRunOut,
            person: row.person_id,
            subject: format!("key:{}:mak", row.key_id),
            contract_id: Some(row.contract_id),
            // A raised total is another occasion.
            when: Occasion::Once { on, mark: row.total.to_string() },
            title: format!(
                "The MAK …{} {}",
                row.last_five,
                if row.used >= row.total { "is used up" } else { "runs out" }
            ),
            sentence: words::mak(&row.product, &row.last_five, &row.license_id, known),
            link: format!("{}?tab=keys", words::contract_link(&row.license_id)),
            other_owner: None,
            owned: false,
            snoozed: None,
        })
    });
    Ok(found.collect())
}

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
async fn alone(tx: &mut Scoped, person: Option<Uuid>) -> sqlx::Result<Vec<Watched>> {
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
            [one] => format!("/people?license_id={}", words::escaped(one)),
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
async fn grant_ends(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
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
                .map_or_else(|| "/account".to_owned(), |id| words::contract_link(id)),
            other_owner: None,
            owned: false,
            snoozed: row.snoozed,
        }
    });
    Ok(found.collect())
}
