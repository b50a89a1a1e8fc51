//! Extended Security Updates: which year covers which days, from when its keys can be used, and what that means today.
//!
//! S000: an order may come before its coverage; the MAK is shown and can't be used before the coverage begins.
//! DOMAIN §4: the vendor lets Windows 10's be installed earlier, so a site operator may set another day for a year,
//! and an Administrator one for a key.

use time::{Date, macros::format_description};
use uuid::Uuid;

use crate::{
    postgres::Scoped,
    web::{page::Tone, view::When},
};

/// A year of coverage.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Year {
    /// As products begin: `Windows Server 2012 R2`.
    pub product: String,
    /// Which year, from 1.
    pub year: i16,
    /// Its first day.
    pub covers_from: Date,
    /// Its last day.
    pub covers_until: Date,
    /// Where that is from.
    pub source: String,
    /// A site operator's own day for its keys, in place of the first.
    pub usable_from: Option<Date>,
}

impl Year {
    /// From when its keys can be used, where they have no day of their own.
    #[must_use]
    pub fn usable(&self) -> Date {
        self.usable_from.unwrap_or(self.covers_from)
    }

    /// What that means today, in a sentence.
    #[must_use]
    pub fn means(&self, today: Date) -> (Tone, String) {
        let told = |day| {
            let when = When::day(day, today);
            [&when.exact, " (", &when.words, ")"].concat()
        };
        if today < self.usable() {
            let why = if self.usable_from.is_none() {
                ", when coverage begins"
            } else {
                ", the day that a site operator set"
            };
            let text = format!(
                "Not usable yet: its keys can be used from {}{why}. The order may come before that, so a key may be there already.",
                told(self.usable())
            );
            return (Tone::Warn, text);
        }
        if today < self.covers_from {
            let text = format!(
                "Its keys can be used already, by a site operator’s word. Coverage begins on {}.",
                told(self.covers_from)
            );
            return (Tone::Info, text);
        }
        if today <= self.covers_until {
            return (Tone::Good, format!("Its keys can be used. Coverage ends on {}.", told(self.covers_until)));
        }
        let text = format!(
            "Coverage ended on {}: this year brings no more updates. Order the next year where there is one, or replace the machines.",
            told(self.covers_until)
        );
        (Tone::Bad, text)
    }
}

/// A day as forms send it; `None` within is none. Far-off years are typing errors.
///
/// # Errors
/// The sentence about the fault.
pub fn day(text: &str) -> Result<Option<Date>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .filter(|day| (2000..2100).contains(&day.year()))
        .map(Some)
        .ok_or_else(|| "This isn’t a day from 2000 to 2099. Write it as 2026-10-14, or leave it empty.".to_owned())
}

const YEAR: &str = "SELECT y.product, y.year, y.covers_from, y.covers_until, y.source, y.usable_from FROM esu_years y";

/// All years, by product. They are published: whoever is signed in may read them.
///
/// # Errors
/// When the database fails.
pub async fn years(tx: &mut Scoped) -> sqlx::Result<Vec<Year>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{YEAR} ORDER BY y.product, y.year"))).fetch_all(&mut **tx).await
}

/// The year that a product gives; none for every other product.
///
/// # Errors
/// When the database fails.
pub async fn of_product(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Option<Year>> {
    let statement =
        format!("{YEAR} JOIN products p ON p.esu_product = y.product AND p.esu_year = y.year WHERE p.id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(product).fetch_optional(&mut **tx).await
}

/// Sets a site operator's own day for a year, or none; whether there is such a year and the person may.
///
/// # Errors
/// When the database fails.
pub async fn set_day(tx: &mut Scoped, product: &str, year: i16, day: Option<Date>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT app_set_esu_day($1, $2, $3)")
        .bind(product)
        .bind(year)
        .bind(day)
        .fetch_one(&mut **tx)
        .await
}

/// A key of a product on a License ID that the person administers, and its own day.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnDay {
    /// The key.
    pub id: Uuid,
    /// Its License ID.
    pub license_id: String,
    /// Its last group.
    pub last_five: String,
    /// Its own day.
    pub usable_from: Option<Date>,
}

/// How many keys a form for own days lists.
const LISTED: i64 = 50;

/// The keys whose day the person may set, by License ID.
///
/// # Errors
/// When the database fails.
pub async fn own_days(tx: &mut Scoped, product: Uuid) -> sqlx::Result<Vec<OwnDay>> {
    sqlx::query_as(
        "SELECT k.id, c.license_id, k.last_five, k.usable_from FROM product_keys k JOIN contracts c ON c.id = k.contract_id
         WHERE k.product_id = $1 AND k.kind <> 'NONE' AND k.archived_at IS NULL AND k.contract_id IN (SELECT app_administered())
         ORDER BY c.license_id, k.last_five LIMIT $2",
    )
    .bind(product)
    .bind(LISTED)
    .fetch_all(&mut **tx)
    .await
}

/// Sets a key's own day, or none; whether the person may.
///
/// # Errors
/// When the database fails.
pub async fn set_key_day(tx: &mut Scoped, key: Uuid, day: Option<Date>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT app_set_key_day($1, $2)").bind(key).bind(day).fetch_one(&mut **tx).await
}

#[cfg(test)]
impl Year {
    /// Year 3 of Windows 10, which begins in October 2027.
    pub fn sample() -> Self {
        use time::macros::date;
        Self {
            product: "Windows 10".into(),
            year: 3,
            covers_from: date!(2027 - 10 - 13),
            covers_until: date!(2028 - 10 - 10),
            source: "Microsoft product lifecycle".into(),
            usable_from: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn s000_an_esu_key_is_there_and_unusable_before_its_coverage_begins() {
        let year = Year::sample();
        let (tone, text) = year.means(date!(2027 - 10 - 12));
        assert_eq!(tone, Tone::Warn);
        assert!(
            text.starts_with("Not usable yet: its keys can be used from 13 Oct 2027 (tomorrow), when coverage begins."),
            "{text}"
        );
        assert_eq!(year.means(date!(2027 - 10 - 13)).0, Tone::Good);
        assert_eq!(year.means(date!(2028 - 10 - 10)).0, Tone::Good, "the last day is covered");
        assert_eq!(year.means(date!(2028 - 10 - 11)).0, Tone::Bad);
    }

    /// DOMAIN §4, "Windows 10 ESU page: installable and activatable earlier".
    #[test]
    fn domain_4_windows_10_a_site_operators_day_goes_before_the_coverage() {
        let year = Year { usable_from: Some(date!(2027 - 08 - 01)), ..Year::sample() };
        assert!(
            year.means(date!(2027 - 07 - 31))
                .1
                .contains("from 1 Aug 2027 (tomorrow), the day that a site operator set")
        );
        let (tone, text) = year.means(date!(2027 - 08 - 01));
        assert_eq!(tone, Tone::Info);
        assert!(text.contains("Coverage begins on 13 Oct 2027"), "{text}");
    }

    #[test]
    fn a_day_is_one_of_the_calendar_or_none() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(day("2026-10-14"), Ok(Some(date!(2026 - 10 - 14))));
        for wrong in ["14.10.2026", "2026-02-30", "0202-01-01", "9999-01-01"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
