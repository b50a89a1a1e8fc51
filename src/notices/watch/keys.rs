//! What becomes of keys: MAKs that run out, told to Administrators, and keys that can be used from a day on, told to
//! everybody who reads them.

use time::{Date, Duration};
use uuid::Uuid;

use super::{Occasion, Watched};
use crate::{
    auth::roles::Permission,
    notices::{
        Kind,
        schedule::{MAK_AHEAD, Use},
        words,
    },
    postgres::Scoped,
    web::view::{contract_path, product_path},
};

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
pub(super) async fn maks(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
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
            link: [&contract_path(&row.license_id), "?tab=keys"].concat(),
            other_owner: None,
            owned: false,
            snoozed: None,
        })
    });
    Ok(found.collect())
}

/// Days for which a day that has come is still told: the program may have been down on it, or the key imported after.
const CAUGHT_UP: i64 = 7;

/// Keys of one product under one License ID with one day, for one person.
#[derive(sqlx::FromRow)]
struct Usable {
    contract_id: Uuid,
    license_id: String,
    product_id: Uuid,
    product: String,
    slug: String,
    usable_from: Date,
    person_id: Uuid,
    keys: i64,
    /// Of the key that was added last: the one, where there is one.
    newest: Uuid,
    last_five: String,
}

/// Keys whose day comes (S000: an ESU key is there before its coverage begins and can't be used until then): the key's
/// own, or its product's year's. Told once, on the day, to each person who reads the key: who waits for it is who
/// deploys it, not only who administers it. Its own day of a key goes before the year's, in either direction. Many keys
/// of one product under one License ID are one notice; a key that comes to them within the days that are caught up is
/// told with them anew, one told by itself isn't told again.
pub(super) async fn usable(tx: &mut Scoped, person: Option<Uuid>, until: Date) -> sqlx::Result<Vec<Watched>> {
    let today = tx.today();
    let rows: Vec<Usable> = sqlx::query_as(
        "WITH coming AS (
            SELECT k.id, coalesce(k.usable_from, p.usable_from) AS usable_from
            FROM products p JOIN product_keys k ON k.product_id = p.id AND k.usable_from IS NULL
            WHERE p.usable_from BETWEEN $1 AND $2
            UNION ALL
            SELECT k.id, k.usable_from FROM product_keys k WHERE k.usable_from BETWEEN $1 AND $2
         ), readers AS (
            SELECT DISTINCT g.contract_id, g.person_id FROM grants g JOIN people p ON p.id = g.person_id AND p.disabled_at IS NULL
            WHERE g.role = ANY ($3) AND g.revoked_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > app_now())
              AND ($4::uuid IS NULL OR g.person_id = $4)
         )
         SELECT k.contract_id, c.license_id, p.id AS product_id, p.name AS product, p.slug, y.usable_from, r.person_id, count(*) AS keys,
                (array_agg(k.id ORDER BY k.created_at DESC, k.id DESC))[1] AS newest,
                (array_agg(coalesce(k.last_five, '') ORDER BY k.created_at DESC, k.id DESC))[1] AS last_five
         FROM coming y
         JOIN product_keys k ON k.id = y.id
         JOIN products p ON p.id = k.product_id
         JOIN contracts c ON c.id = k.contract_id AND c.archived_at IS NULL AND c.approved
         JOIN readers r ON r.contract_id = k.contract_id
         WHERE k.kind <> 'NONE' AND k.archived_at IS NULL AND k.blocked_at IS NULL AND k.superseded_at IS NULL
           AND (y.usable_from > $5 OR NOT EXISTS (
               SELECT 1 FROM notices n JOIN notice_recipients t ON t.notice_id = n.id AND t.person_id = r.person_id
               WHERE n.about = format('key:%s:usable:%s:once', k.id, y.usable_from)))
         GROUP BY k.contract_id, c.license_id, p.id, p.name, p.slug, y.usable_from, r.person_id
         ORDER BY y.usable_from, c.license_id, p.name",
    )
    .bind(today.saturating_sub(Duration::days(CAUGHT_UP)))
    .bind(until)
    .bind(Permission::ReadKeys.roles())
    .bind(person)
    .bind(today)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| of_one_day(row, today)).collect())
}

fn of_one_day(row: Usable, today: Date) -> Watched {
    let (day, on) = (row.usable_from, row.usable_from.max(today));
    // Another day is another occasion, and so is a key more.
    let (subject, mark, (title, sentence), link) = if row.keys == 1 {
        let words = (
            words::usable_title(&row.product, &row.last_five, day),
            words::usable(&row.product, &row.last_five, &row.license_id, day),
        );
        let link = [&product_path(&row.slug), "?tab=keys"].concat();
        (format!("key:{}:usable", row.newest), day.to_string(), words, link)
    } else {
        let words = words::usable_keys(row.keys.unsigned_abs(), &row.product, &row.license_id, day);
        let link = [&contract_path(&row.license_id), "?tab=keys"].concat();
        let subject = format!("keys:{}:{}:usable", row.contract_id, row.product_id);
        (subject, format!("{day}:{}", row.newest), words, link)
    };
    Watched {
        kind: Kind::KeyUsable,
        person: row.person_id,
        subject,
        contract_id: Some(row.contract_id),
        when: Occasion::Once { on, mark },
        title,
        sentence,
        link,
        other_owner: None,
        owned: false,
        snoozed: None,
    }
}
